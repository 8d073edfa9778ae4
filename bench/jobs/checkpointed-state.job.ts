/** Running aggregates per key that are emitted with every record; the pauses of the thread that has them are measured in the next step of the chain. */
import { count, defineJob, discard, generate, sum } from 'sluice'
import { z } from 'zod'
import { sharedClock } from '../harness/shared-clock.js'
import { meteredSource } from '../records/metered-source.js'
import { pauseMeter } from '../records/pause-meter.js'
import { makeScattered } from '../records/scattered-keys.js'
import { meterParams } from './meter-params.js'

const shared = z.instanceof(SharedArrayBuffer)

export default defineJob(
  {
    name: 'bench-checkpoints',
    params: z.object({ ...meterParams, taken: shared, keys: z.int(), pauses: shared, pausesTaken: shared, first: shared.optional() }),
  },
  (job, { board, taken, span, keys, pauses, pausesTaken, first }) => {
    const look = pauseMeter({ board, pauses, taken: pausesTaken })
    const nowMs = sharedClock()
    /** When the first result left, on the clock that threads share. */
    const firstAt = new Float64Array(first ?? new SharedArrayBuffer(8))
    job
      .source('records', generate(meteredSource(makeScattered(keys), { board, taken, span })))
      .keyBy((record) => record.key)
      .aggregate('per-key', { records: count(), total: sum((record) => record.value) })
      .map((record) => {
        look()
        if (firstAt[0] === 0) firstAt[0] = nowMs()
        return record
      })
      .sink('out', discard())
  },
)
