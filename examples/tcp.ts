import { count, defineJob, fromTcp, mean, print } from 'sluice'
import { z } from 'zod'

const Reading = z.object({ sensor: z.string(), value: z.number() })

/**
 * Readings of sensors over TCP, a line of JSON each; the mean of each sensor so far, a line for each reading. Try it with two terminals:
 *
 *     npx sluice run examples/tcp.ts
 *     printf '{"sensor":"a","value":1}\n{"sensor":"a","value":2}\nnonsense\n' | nc 127.0.0.1 9000
 *
 * With `--param delayMs=100 --parallelism 1` the job takes ten readings a second: a client that sends more waits.
 */
export default defineJob(
  { name: 'tcp', params: z.object({ port: z.number().int().default(9000), delayMs: z.number().default(0) }) },
  (job, { port, delayMs }) => {
    const readings = job.source('readings', fromTcp({ port, format: 'jsonLines', schema: Reading, onInvalid: 'deadLetter' }))
    const slow = readings.mapAsync('slow', async (reading) => {
      if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
      return reading
    })
    slow
      .keyBy(({ sensor }) => sensor)
      .aggregate('mean', { readings: count(), mean: mean(({ value }) => value) })
      .sink('out', print())
    job.deadLetters.map(({ position, reason }) => ({ from: position, wrong: reason })).sink('wrong', print())
  },
)
