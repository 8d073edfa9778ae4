/**
 * The hybrid of run lengths and bit packing in which Parquet writes definition levels and dictionary indexes
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/). Pure; the caller vouches for the bounds it passes.
 */

/** Wider indexes would not fit a 32-bit accumulator; no real dictionary has 16 million entries. */
export const BIT_WIDTH_MAX = 24

/** Reads `count` numbers of `width` bits into `out` from `at` on. Throws where the bytes end too early. */
export function readHybrid(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  out: Uint32Array,
  at: number,
  count: number,
): void {
  let position = start
  let filled = at
  const target = at + count
  const byteWidth = (width + 7) >> 3
  const mask = width === 0 ? 0 : 0xffffffff >>> (32 - width)
  while (filled < target) {
    let header = 0
    let shift = 0
    for (;;) {
      if (position >= end || shift > 28) throw new RangeError('a run of levels or indexes ends too early')
      const byte = bytes[position++] as number
      header |= (byte & 0x7f) << shift
      if (byte < 0x80) break
      shift += 7
    }
    if ((header & 1) === 0) {
      const length = header >>> 1
      if (length === 0 || position + byteWidth > end) throw new RangeError('a run of levels or indexes ends too early')
      let value = 0
      for (let byte = 0; byte < byteWidth; byte++) value |= (bytes[position++] as number) << (8 * byte)
      const last = Math.min(target, filled + length)
      out.fill(value, filled, last)
      filled = last
      continue
    }
    const groups = header >>> 1
    const runEnd = position + groups * width
    if (groups === 0) throw new RangeError('a run of levels or indexes is empty')
    const last = Math.min(target, filled + groups * 8)
    // A last run may be cut off after the bytes that hold values.
    if (position + Math.ceil(((last - filled) * width) / 8) > end) throw new RangeError('a run of levels or indexes ends too early')
    let bits = 0
    let available = 0
    while (filled < last) {
      while (available < width) {
        bits |= (bytes[position++] as number) << available
        available += 8
      }
      out[filled++] = bits & mask
      bits >>>= width
      available -= width
    }
    position = runEnd
  }
}
