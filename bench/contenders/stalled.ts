/**
 * What an edge holds while its sink is stalled, against the bound that the plan gives for it. Held is what the source's function made less what the
 * sink's function was given, in encoded bytes: counted by the two functions, not by the engine.
 */
import { run } from 'sluice'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import type { KindName } from '../records/kinds.js'

/** Above no frame of the default ring, so that the bound has no part for records larger than a frame. */
const MAX_RECORD_BYTES = 16 * 1024
/** The source has made nothing for so long: it is held back. */
const STILL_MS = 700
const QUICK_STILL_MS = 250
const POLL_MS = 50
/** Enough for the window to have followed the sink's pace. */
const TAKEN = 300_000
const QUICK_TAKEN = 30_000

export async function measureStalled(kind: KindName, { quick }: MeasureOptions): Promise<Measurement> {
  const counts = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT)
  const words = new Float64Array(counts)
  const taken = quick ? QUICK_TAKEN : TAKEN
  const handle = run(new URL('../jobs/stalled.job.js', import.meta.url), {
    params: { kind, counts, taken },
    workers: 2,
    parallelism: 1,
    settings: { maxRecordBytes: MAX_RECORD_BYTES, stopTimeoutMs: 1 },
  })
  let boundBytes = Number.NaN
  handle.events.once('planned', ({ plan }) => {
    boundBytes = plan.memory.edgeBoundBytes.reduce((sum, bytes) => sum + bytes, 0)
  })
  await Promise.race([new Promise<void>((resolve) => handle.events.once('started', () => resolve())), handle.finished])
  await untilStill(() => words[0] as number, quick ? QUICK_STILL_MS : STILL_MS)
  if (words[1] !== taken) throw new Error(`the sink took ${words[1]} records and stalls at ${taken}`)
  const channels = handle.metrics()?.channels ?? []
  const bytes = channels.reduce((sum, channel) => sum + channel.bytes, 0)
  const records = channels.reduce((sum, channel) => sum + channel.records, 0)
  const heldRecords = (words[0] as number) - (words[1] as number)
  const heldBytes = (heldRecords * bytes) / records
  // The sink's promise never settles: what is in flight is given up at the time limit.
  await handle.stop()
  await handle.finished.catch(() => {})
  if (!(heldRecords > 0 && boundBytes > 0)) throw new Error(`${heldRecords} records held, bound ${boundBytes}`)
  return { value: Math.max(0, heldBytes - boundBytes), details: { held: heldBytes, bound: boundBytes, 'records held': heldRecords } }
}

async function untilStill(read: () => number, stillMs: number): Promise<void> {
  let last = read()
  let sinceMs = performance.now()
  while (last === 0 || performance.now() - sinceMs < stillMs) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    const now = read()
    if (now === last) continue
    last = now
    sinceMs = performance.now()
  }
}
