/** Aggregates per key on one thread, without results until the end: what keeping state costs. */
import { count, defineJob, discard, generate, sum } from 'sluice'
import { z } from 'zod'
import { meteredSource } from '../records/metered-source.js'
import { makeScattered } from '../records/scattered-keys.js'
import { meterParams } from './meter-params.js'

export default defineJob(
  { name: 'bench-state', params: z.object({ ...meterParams, taken: z.instanceof(SharedArrayBuffer), keys: z.int() }) },
  (job, { board, taken, span, keys }) => {
    job
      .source('records', generate(meteredSource(makeScattered(keys), { board, taken, span })))
      .keyBy((record) => record.key)
      .aggregate('per-key', { records: count(), total: sum((record) => record.value) }, { emit: 'end' })
      .sink('out', discard())
  },
)
