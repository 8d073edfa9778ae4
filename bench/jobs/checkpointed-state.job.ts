/** Running aggregates per key that are emitted with every record; the pauses of the thread that has them are measured in the next step of the chain. */
import { count, defineJob, discard, generate, sum } from 'sluice'
import { z } from 'zod'
import { meteredSource } from '../records/metered-source.js'
import { pauseMeter } from '../records/pause-meter.js'
import { makeScattered } from '../records/scattered-keys.js'
import { meterParams } from './meter-params.js'

const shared = z.instanceof(SharedArrayBuffer)

export default defineJob(
  {
    name: 'bench-checkpoints',
    params: z.object({ ...meterParams, taken: shared, keys: z.int(), pauses: shared, pausesTaken: shared }),
  },
  (job, { board, taken, span, keys, pauses, pausesTaken }) => {
    const look = pauseMeter({ board, pauses, taken: pausesTaken })
    job
      .source('records', generate(meteredSource(makeScattered(keys), { board, taken, span })))
      .keyBy((record) => record.key)
      .aggregate('per-key', { records: count(), total: sum((record) => record.value) })
      .map((record) => {
        look()
        return record
      })
      .sink('out', discard())
  },
)
