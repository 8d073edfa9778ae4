/**
 * How results are read. `append`: every record is a row. `table`: records are changes, rows replaced by key: either `Update`s, or plain
 * rows of which the last of each key counts. Where the value of an `Update` is a list, each element is a row, numbered from 1 by `rank`.
 */
export type QueryOutput = { readonly kind: 'append' } | { readonly kind: 'table'; readonly key: readonly string[] }
