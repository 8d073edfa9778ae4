/** The kinds of records by name. A process uses one, so that the code of its loops sees one shape. */
import { numbers24, numbers64 } from './numbers.js'
import type { RecordKind } from './record-kind.js'
import { page1k, text49 } from './texts.js'

export const kindNames = ['numbers24', 'numbers64', 'text49', 'page1k'] as const
export type KindName = (typeof kindNames)[number]

const kinds = { numbers24, numbers64, text49, page1k }

/** The loops do not care which kind it is; the casts do not reach a record. */
export function recordKind(name: KindName): RecordKind<unknown> {
  return kinds[name] as unknown as RecordKind<unknown>
}
