/**
 * Orders that cannot be handled go to a file with the reason; a second run of the same job tries them again.
 *
 *   sluice run examples/dead-letters.ts
 *   sluice run examples/dead-letters.ts --param mode=replay
 */
import { type DeadLetter, defineJob, fromJsonLines, generate, toJsonLines } from 'sluice'
import { z } from 'zod'

interface Order {
  readonly id: number
  readonly customer: string
  readonly amount: string
}

const orderSchema = z.object({ id: z.number(), customer: z.string(), amount: z.string() })
/** What of a letter is needed to try its record again. */
const letterSchema = z.looseObject({ input: orderSchema })

/** What the orders are priced with; down while the first job runs. */
async function rateOf(customer: string, up: boolean): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1))
  if (!up && customer === 'carol') throw Object.assign(new Error('no rate for carol: the service is down'), { code: 'ECONNREFUSED' })
  return 1.1
}

export default defineJob(
  {
    name: 'dead-letters',
    params: z.object({
      mode: z.enum(['run', 'replay']).default('run'),
      orders: z.number().default(300),
      output: z.string().default('out/priced.jsonl'),
      letters: z.string().default('out/dead-letters.jsonl'),
    }),
  },
  (job, { mode, orders, output, letters }) => {
    const replay = mode === 'replay'
    const customers = ['ann', 'bob', 'carol']
    const input = replay
      ? job.source('letters', fromJsonLines(letters, { schema: letterSchema })).map((letter): Order => letter.input)
      : job.source(
          'orders',
          generate((id): Order => ({ id, customer: customers[id % 3] ?? 'ann', amount: id % 10 === 7 ? 'a lot' : String(id) }), {
            count: orders,
          }),
        )
    const priced = input
      .map(
        (order) => {
          const amount = Number(order.amount)
          // Nobody can repair this one here: it fails in the replay too, and comes into its letters.
          if (Number.isNaN(amount)) throw new TypeError(`the amount of order ${order.id} is ${JSON.stringify(order.amount)}`)
          return { ...order, value: amount }
        },
        { name: 'parse', onError: 'deadLetter' },
      )
      .mapAsync('price', async (order) => ({ id: order.id, value: order.value * (await rateOf(order.customer, replay)) }), {
        concurrency: 8,
        onError: 'deadLetter',
      })
    priced.sink('out', toJsonLines(replay ? `${output}.replayed` : output))
    // Of `price` the input is the order with its value: what is tried again is the order.
    const again = ({ operator, reason, code, input: record, failedAtMs }: DeadLetter) => {
      const { id, customer, amount } = record as Order
      return { operator, reason, code, failedAtMs, input: { id, customer, amount } }
    }
    job.deadLetters.map(again).sink('dead', toJsonLines(replay ? `${letters}.again` : letters))
  },
)
