/** The bounded side table of query 13: a value for each of 10,000 keys. */
export interface SideRow {
  readonly key: number
  readonly value: string
}

export const SIDE_ROWS = 10_000

export const sideTable = (): readonly SideRow[] => Array.from({ length: SIDE_ROWS }, (_, key) => ({ key, value: `value-${key}` }))
