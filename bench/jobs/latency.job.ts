/** Records that are due one after the other, handed to another thread. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { dueRecords, noteArrival } from '../records/latency.js'

const params = z.object({ times: z.instanceof(SharedArrayBuffer), count: z.number(), rate: z.number() })

export default defineJob({ name: 'bench-latency', params }, (job, { times, count, rate }) => {
  job
    .source('due', generate(dueRecords(), { rate, count }))
    .rebalance()
    .sink('arrive', forEach(noteArrival({ times, count })))
})
