/** Bodies that are compressed, as streams of what they hold. What comes out is counted by whoever reads it, so that a small body that becomes a large one ends early. */
import type { Readable, Transform } from 'node:stream'
import { HttpRefusal } from './http-refusal.js'

/** A body of Brotli may ask for 16 MiB of memory before its first byte: so many are read at once, in a thread. */
const BROTLI_BODIES_MAX = 4
let brotliBodies = 0

const ENCODINGS: ReadonlySet<string> = new Set(['', 'identity', 'gzip', 'x-gzip', 'deflate', 'br'])

/** @throws HttpRefusal 415 */
export function checkEncoding(encoding: string): void {
  if (ENCODINGS.has(encoding)) return
  throw new HttpRefusal(415, 'ENCODING_UNSUPPORTED', 'Bodies are read as they are, or with content-encoding gzip, deflate or br.', {
    headers: { 'accept-encoding': 'gzip, deflate, br' },
  })
}

/** The body decompressed; undefined: it is read as it is. `tooMany` is thrown where no further one can be read now. */
export async function decompress(body: Readable, encoding: string, tooMany: () => HttpRefusal): Promise<Transform | undefined> {
  if (encoding === '' || encoding === 'identity') return undefined
  const zlib = await import('node:zlib')
  if (encoding === 'br' && brotliBodies >= BROTLI_BODIES_MAX) throw tooMany()
  const decoder = encoding === 'br' ? zlib.createBrotliDecompress() : encoding === 'deflate' ? zlib.createInflate() : zlib.createGunzip()
  if (encoding === 'br') {
    brotliBodies++
    decoder.once('close', () => brotliBodies--)
  }
  const onClose = (): void => {
    if (!body.readableEnded) decoder.destroy()
  }
  body.once('close', onClose)
  decoder.once('close', () => {
    body.off('close', onClose)
    body.unpipe(decoder)
  })
  // It may have gone while zlib was loaded.
  if (body.destroyed && !body.readableEnded) decoder.destroy()
  body.pipe(decoder)
  return decoder
}
