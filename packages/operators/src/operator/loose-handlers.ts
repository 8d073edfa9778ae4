/** Handlers of operators with state without the types that users see. */
import type { LooseStateDeclaration } from '../state/state-types.js'

/** Handlers with state as the operator calls them; always as methods of their object. */
export interface LooseStatefulHandlers {
  readonly state?: Readonly<Record<string, LooseStateDeclaration>> | undefined
  readonly broadcast?: Readonly<Record<string, LooseStateDeclaration>> | undefined
  onStart?(context: unknown): void
  onRecord?(record: unknown, context: unknown): unknown
  onLeft?(record: unknown, context: unknown): unknown
  onRight?(record: unknown, context: unknown): unknown
  onBroadcast?(record: unknown, context: unknown): unknown
  onTimer?(timer: unknown, context: unknown): unknown
  onEnd?(context: unknown): unknown
}
