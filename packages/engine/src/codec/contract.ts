/**
 * What the channel layer sees of the codec: one encoder per output edge of a subtask, one decoder per channel. A record is one byte of shape id and the
 * fields of that shape, fixed-size ones first, unaligned, little endian. The codec knows nothing of frames, credit or threads.
 */
import type { Buffer } from 'node:buffer'
import type { RecordShape } from './record-shape.js'

/** The value does not fit what this function encodes: call `prepare(value)`, send what it defined, encode again. */
export const MISFIT = -1
/**
 * The bytes up to `limit` do not suffice: publish what is staged and encode again, or use `encodeLarge`. It says nothing about the fit: encoding again with
 * more room may answer `MISFIT`. A few bytes of slack count as no room.
 */
export const NO_ROOM = -2

/** Writes `value` from `at` on, never at or beyond `limit`; answers the end, `MISFIT` or `NO_ROOM`. What it wrote before a refusal is void. */
export type EncodeFunction = (value: unknown, view: DataView, bytes: Buffer, at: number, limit: number) => number

/** Where a decoder stands: `decode` reads from `at` and moves it behind the record. */
export interface Cursor {
  at: number
}

export type DecodeFunction = (view: DataView, bytes: Buffer, cursor: Cursor) => unknown

export interface RecordEncoder {
  /** The current function; it changes in `prepare`, so call it as `encoder.encode(...)`. `view` and `bytes` cover the same memory from the same offset. */
  encode: EncodeFunction
  /** Bytes that a record of the current shape takes at least; with that much room records without variable parts are never refused for want of it. */
  readonly leastBytes: number
  /**
   * Finds, widens or learns a shape for `value`; afterwards `encode` answers no `MISFIT` for it, also when it is called again for want of room. A definition is given to `onDefine` before `prepare` returns,
   * and belongs behind every record encoded before and in front of every record encoded after.
   * @throws SluiceError when the value cannot be encoded: `SLUICE_RECORD_NOT_ENCODABLE`, `_CYCLE`, `_CLASS_INSTANCE`, `_PROMISE`, with the property path.
   */
  prepare(value: unknown): void
  /**
   * Encodes into a private buffer that grows up to `maxRecordBytes`; the bytes are valid until the next call on this encoder.
   * @throws SluiceError `SLUICE_RECORD_TOO_LARGE`, or as `prepare`.
   */
  encodeLarge(value: unknown): Uint8Array
  /** Bytes that `value` takes when encoded; errors as `encodeLarge`. */
  sizeOf(value: unknown): number
  /** The definitions in force, oldest first: what a decoder needs that has seen none of them. */
  definitions(): readonly Uint8Array[]
}

export interface RecordEncoderOptions {
  /** The shape expected, for example from a schema; it is defined at once. What does not fit it is learnt as usual. */
  readonly seed?: RecordShape | undefined
  /** Takes each definition; the bytes are not re-used. */
  readonly onDefine: (definition: Uint8Array) => void
  /** Largest encoded record in bytes; default 64 MiB. */
  readonly maxRecordBytes?: number | undefined
  /**
   * The keys, in order, that every record is known to have because of how it is made; a shape with just these keys is not asked for them record by
   * record. Values are checked all the same, and nested objects as usual.
   */
  readonly knownKeys?: readonly string[] | undefined
  /** `false`: interpret instead of generating code, with the same bytes. Default: generate where the process allows it. */
  readonly generate?: boolean | undefined
}

export interface RecordDecoder {
  /** Decodes one record; it changes with `define` and with the stream, so call it as `decoder.decode(...)`. */
  decode: DecodeFunction
  /** Takes a definition from the encoder of this channel. @throws SluiceError `SLUICE_CODEC_CORRUPT`. */
  define(definition: Uint8Array): void
  /** The definitions in force: what a decoder needs that has seen none of them. The bytes do not change. */
  definitions(): readonly Uint8Array[]
}

export interface RecordDecoderOptions {
  /** Shares generated functions between the channels of an edge. */
  readonly cache?: DecoderCache | undefined
  readonly generate?: boolean | undefined
}

/** Decode functions by definition; one per input edge of a subtask. Its content is private to the codec. */
export interface DecoderCache {
  readonly functions: Map<string, unknown>
}
