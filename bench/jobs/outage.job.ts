/** Records that are sent to a server which is down for a while; how calls are protected is what is compared. */
import { Agent, request } from 'node:http'
import { CallError, defineJob, forEach, generate, toWebhook } from 'sluice'
import { z } from 'zod'

/** `naive`: the function itself tries again after a fixed pause, for ever. */
export const outageModes = ['naive', 'retry', 'wait', 'webhook', 'fail', 'replay'] as const

/** How often the protected variants may try again, and how long the breaker stays open: what the bound of requests follows from. */
export const NAIVE_PAUSE_MS = 100
export const BUDGET = { share: 0.2, perSecond: 10 } as const
export const OPEN_FOR_MS = 1_000
export const PROBES = 1
export const FAILURES = 5
/** Of a request of `webhook`. */
export const BATCH_RECORDS = 8

const params = z.object({
  mode: z.enum(outageModes),
  port: z.number(),
  concurrency: z.number(),
  /** Records per second; 0: as many as are taken. */
  rate: z.number(),
  /** Int32 words: requests sent, records done, dead letters, and as many ids as there are letters. */
  counts: z.instanceof(SharedArrayBuffer),
  /** A byte per id: how often its result arrived. */
  arrived: z.instanceof(SharedArrayBuffer),
})

export const OutageCount = { sent: 0, done: 1, letters: 2, ids: 3 } as const

export default defineJob({ name: 'bench-outage', params }, (job, { mode, port, concurrency, rate, counts, arrived }) => {
  const words = new Int32Array(counts)
  const bytes = new Uint8Array(arrived)
  let agent: Agent | undefined

  const send = (id: number): Promise<number> =>
    new Promise((resolve, reject) => {
      agent ??= new Agent({ keepAlive: true, maxSockets: concurrency })
      Atomics.add(words, OutageCount.sent, 1)
      const call = request({ host: '127.0.0.1', port, path: `/${id}`, method: 'POST', agent }, (response) => {
        const { statusCode: status = 0 } = response
        response.resume().once('error', reject)
        response.once('end', () => (status === 200 ? resolve(id) : reject(new CallError(`status ${status}`, { status }))))
      })
      call.once('error', reject).end()
    })

  const keepTrying = async (id: number): Promise<number> => {
    for (;;) {
      try {
        return await send(id)
      } catch {
        await new Promise((resolve) => setTimeout(resolve, NAIVE_PAUSE_MS))
      }
    }
  }

  const retry = { attempts: 'unlimited', budget: BUDGET } as const
  const circuitBreaker = { failures: FAILURES, openFor: OPEN_FOR_MS, probes: PROBES }
  const idOf = mode === 'replay' ? (index: number) => words[OutageCount.ids + index] as number : (index: number) => index
  const limits = mode === 'replay' ? { count: words[OutageCount.letters] as number } : rate > 0 ? { rate } : {}
  const records = job.source(
    'orders',
    generate((index) => ({ id: idOf(index) }), limits),
  )
  const call = ({ id }: { readonly id: number }): Promise<number> => (mode === 'naive' ? keepTrying(id) : send(id))
  const done = (id: number): void => {
    bytes[id] = (bytes[id] as number) + 1
    Atomics.add(words, OutageCount.done, 1)
  }
  if (mode === 'webhook') {
    records.sink('payments', toWebhook(`http://127.0.0.1:${port}`, { records: BATCH_RECORDS, concurrency, retry, circuitBreaker }))
    return
  }
  const common = { concurrency, ordered: false } as const
  if (mode !== 'fail') {
    const protection = mode === 'wait' ? { retry, circuitBreaker } : mode === 'naive' ? {} : { retry }
    records.mapAsync('payments', call, { ...common, ...protection }).sink('done', forEach(done))
    return
  }
  // What was refused or failed once is put aside, and replayed by another run.
  const paid = records.mapAsync('payments', call, {
    ...common,
    circuitBreaker: { ...circuitBreaker, whileOpen: 'fail' },
    onError: 'deadLetter',
  })
  paid.sink('done', forEach(done))
  job.deadLetters.sink(
    'letters',
    forEach((letter) => {
      const at = Atomics.add(words, OutageCount.letters, 1)
      words[OutageCount.ids + at] = (letter.input as { readonly id: number }).id
    }),
  )
})
