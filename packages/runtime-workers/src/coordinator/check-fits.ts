/** Whether a checkpoint can be restored into a job, before anything is opened. Pure. */
import { compareWithCheckpoint, type FoundCheckpoint, type LogicalGraph, type PhysicalPlan } from '@sluice/engine'

export interface FitsOptions {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  /** As a manifest shows them. */
  readonly params: Readonly<Record<string, unknown>>
  /** Operators whose state may be left aside. */
  readonly dropState: readonly string[]
}

export interface Fit {
  /** What a user should know of it, as sentences. */
  readonly warnings: readonly string[]
  /** Operators of the job that must not be given what the checkpoint has of them. */
  readonly ignored: readonly string[]
}

/** @throws SluiceError the first reason why it does not fit; its hint is the way on. */
export function checkFits({ manifest, stateful, positional }: FoundCheckpoint, { graph, plan, params, dropState }: FitsOptions): Fit {
  const {
    errors,
    operators,
    params: differences,
    ignored,
  } = compareWithCheckpoint(manifest, graph, plan, { drop: dropState, params, stateful, positional })
  const [first] = errors
  if (first !== undefined) throw first
  const changed = operators
    .filter(({ verdict, partly }) => verdict !== 'kept' || partly === true)
    .map(({ name, sentence, partly }) => `${name}${partly === true ? ':' : ''} ${sentence}`)
  return { warnings: [...differences, ...changed], ignored }
}
