/** Count and sum per key by hand, on one thread: objects in a Map, and columns behind open addressing. */
import type { Meter } from '../harness/meter.js'
import { makeScattered } from '../records/scattered-keys.js'

/** What it keeps, in bytes; undefined where that cannot be told. */
export type StateLoop = (keys: number, meter: Meter) => number | undefined

export const mapOfObjects: StateLoop = (keys, meter) => {
  const make = makeScattered(keys)
  const rows = new Map<number, { records: number; total: number }>()
  for (let index = 0; !meter.ended; index++) {
    if ((++meter.count & 4095) === 0) meter.check()
    const { key, value } = make(index)
    const row = rows.get(key)
    if (row === undefined) rows.set(key, { records: 1, total: value })
    else {
      row.records++
      row.total += value
    }
  }
  return undefined
}

/** As large as it has to be from the start. */
export const typedColumns: StateLoop = (keys, meter) => {
  const make = makeScattered(keys)
  const size = 1 << Math.ceil(Math.log2(2 * keys))
  const mask = size - 1
  const keyAt = new Int32Array(size).fill(-1)
  const records = new Float64Array(size)
  const totals = new Float64Array(size)
  for (let index = 0; !meter.ended; index++) {
    if ((++meter.count & 4095) === 0) meter.check()
    const { key, value } = make(index)
    let at = Math.imul(key ^ (key >>> 16), 0x85ebca6b)
    at = (at ^ (at >>> 13)) & mask
    while (keyAt[at] !== key && keyAt[at] !== -1) at = (at + 1) & mask
    keyAt[at] = key
    records[at] = (records[at] as number) + 1
    totals[at] = (totals[at] as number) + value
  }
  return keyAt.byteLength + records.byteLength + totals.byteLength
}
