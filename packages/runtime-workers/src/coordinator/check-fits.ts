/** Whether a checkpoint can be restored into a job, before anything is opened. Pure. */
import type { CheckpointManifest, LogicalGraph, PhysicalPlan } from '@sluice/engine'

export interface FitsOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  /** As a manifest shows them. */
  readonly params: Readonly<Record<string, unknown>>
  /** Operators whose state may be left aside. */
  readonly dropState: readonly string[]
}

/** What a user should know of it, as sentences. */
export function checkFits(_manifest: CheckpointManifest, _options: FitsOptions): readonly string[] {
  return []
}
