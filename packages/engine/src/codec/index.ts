/** The record codec. */
export {
  type Cursor,
  type DecodeFunction,
  type DecoderCache,
  type EncodeFunction,
  MISFIT,
  NO_ROOM,
  type RecordDecoder,
  type RecordDecoderOptions,
  type RecordEncoder,
  type RecordEncoderOptions,
} from './contract.js'
export { shapeIdOf } from './definition.js'
export { createDecoderCache, createRecordDecoder } from './record-decoder.js'
export { createRecordEncoder, MAX_RECORD_BYTES_DEFAULT } from './record-encoder.js'
export type { RecordField, RecordShape, ScalarKind } from './record-shape.js'
