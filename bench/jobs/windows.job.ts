/** Aggregates per key over the last ten minutes, 10,000 records per second of event time. */
import { count, defineJob, discard, generate, sliding, sum } from 'sluice'
import { z } from 'zod'
import { meteredSource } from '../records/metered-source.js'
import { meterParams } from './meter-params.js'

const RECORDS_PER_SECOND = 10_000
const FIRST_TIME = 1.6e12
/** Coprime to the number of keys. */
const STEP = 7_368_787

export default defineJob(
  {
    name: 'bench-windows',
    params: z.object({ ...meterParams, taken: z.instanceof(SharedArrayBuffer), keys: z.int(), slideMs: z.int() }),
  },
  (job, { board, taken, span, keys, slideMs }) => {
    const make = (index: number) => ({
      key: (index * STEP) % keys,
      value: index & 1023,
      at: FIRST_TIME + Math.floor((index * 1000) / RECORDS_PER_SECOND),
    })
    job
      .source('records', generate(meteredSource(make, { board, taken, span })))
      .withTimestamps((record) => record.at, { outOfOrderness: '1s' })
      .keyBy((record) => record.key)
      .window(sliding('10m', slideMs))
      .aggregate('recent', { records: count(), total: sum((record) => record.value) })
      .sink('out', discard())
  },
)
