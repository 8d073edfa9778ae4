/** One edge between two threads: records made from memory, a sum at the end. */
import { defineJob, forEach, generate } from 'sluice'
import { z } from 'zod'
import { Meter } from '../harness/meter.js'
import { kindNames, recordKind } from '../records/kinds.js'
import { summingSink } from '../records/summing-sink.js'
import { meterParams } from './meter-params.js'

export default defineJob(
  { name: 'bench-edge', params: z.object({ ...meterParams, kind: z.enum(kindNames) }) },
  (job, { board, span, kind }) => {
    const { make, measure } = recordKind(kind)
    job
      .source('records', generate(make))
      .rebalance()
      .sink('sum', forEach(summingSink(measure, new Meter(board, 0, span))))
  },
)
