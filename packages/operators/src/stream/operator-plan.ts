/** What declaring an operator comes to: its spec and what the graph knows of it. Made by the folder that the operator belongs to. */
import type { OperatorSpec } from '@sluice/engine'
import type { AnyFunction, NodeDraft } from '../job/graph-draft.js'

export interface OperatorPlan {
  readonly spec: OperatorSpec
  /** Output ports by number. Default: `out` alone. */
  readonly ports?: readonly string[] | undefined
  /** JSON-able; part of the fingerprint and shown with the plan. */
  readonly options: Readonly<Record<string, unknown>>
  /** The user's functions in it. */
  readonly functions: readonly AnyFunction[]
  readonly parallelismMax?: NodeDraft['parallelismMax']
  /** What is known of the records of its main port. */
  readonly shape?: object | undefined
  /** What a user should know, as a sentence: state that nothing bounds. */
  readonly warning?: string | undefined
  readonly lossy?: NodeDraft['lossy']
  readonly limit?: string | undefined
  readonly dependency?: string | undefined
}
