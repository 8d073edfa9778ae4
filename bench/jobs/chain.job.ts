/** A chain of maps and filters, from source to sink on one thread. */
import { defineJob, forEach, generate, type Stream } from 'sluice'
import { z } from 'zod'
import { Meter } from '../harness/meter.js'
import { chainNames, chainSteps, makePriced, type Priced, priceOf } from '../records/chain-steps.js'
import { summingSink } from '../records/summing-sink.js'
import { meterParams } from './meter-params.js'

export default defineJob(
  { name: 'bench-chain', params: z.object({ ...meterParams, chain: z.enum(chainNames) }) },
  (job, { board, span, chain }) => {
    let stream: Stream<Priced> = job.source('records', generate(makePriced))
    for (const step of chainSteps(chain)) stream = step.kind === 'map' ? stream.map(step.fn) : stream.filter(step.fn)
    stream.sink('sum', forEach(summingSink(priceOf, new Meter(board, 0, span))))
  },
)
