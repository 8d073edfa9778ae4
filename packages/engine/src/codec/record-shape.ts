/** A neutral description of a record, as a schema gives it: the seed of an encoder. It promises nothing: values that differ are learnt. */

export type RecordShape =
  | { readonly kind: ScalarKind; readonly nullable?: boolean | undefined }
  | { readonly kind: 'object'; readonly fields: readonly RecordField[]; readonly nullable?: boolean | undefined }
  | { readonly kind: 'array'; readonly element: RecordShape; readonly nullable?: boolean | undefined }

/** `int32` takes integers of 32 bits, `float64` every number, `bigint` 64 signed bits, `any` every value that can be encoded. */
export type ScalarKind = 'int32' | 'float64' | 'boolean' | 'string' | 'date' | 'bigint' | 'any'

export interface RecordField {
  readonly name: string
  readonly value: RecordShape
  /** The field may hold `undefined`; a record that lacks the key altogether is a shape of its own. */
  readonly optional?: boolean | undefined
}
