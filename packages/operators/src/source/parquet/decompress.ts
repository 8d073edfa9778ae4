/** Decompression of pages: by Node's zlib where it has the codec, else by hyparquet-compressors. Pure. */
import * as zlib from 'node:zlib'
import { compressors as portable } from 'hyparquet-compressors'
import type { CompressionCodec, Compressors } from 'hyparquet'

type Inflate = (input: Uint8Array) => Uint8Array

/** Node 20 has no zstd; later versions do. */
const zstd = (zlib as { zstdDecompressSync?: Inflate }).zstdDecompressSync

export const compressors: Compressors = {
  ...portable,
  GZIP: (input) => zlib.gunzipSync(input),
  BROTLI: (input) => zlib.brotliDecompressSync(input),
  ...(zstd === undefined ? {} : { ZSTD: (input: Uint8Array) => zstd(input) }),
}

export function decompress(input: Uint8Array, codec: CompressionCodec, outputBytes: number): Uint8Array {
  if (codec === 'UNCOMPRESSED') return input
  const decompressor = compressors[codec]
  if (decompressor === undefined) throw new RangeError(`the compression ${codec} is not supported`)
  const output = decompressor(input, outputBytes)
  if (output.length !== outputBytes) throw new RangeError(`a page has ${output.length} bytes, and its header says ${outputBytes}`)
  return output
}
