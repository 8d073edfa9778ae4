/** Load over HTTP/1.1: autocannon, a request at a time on each connection, one id each. A process of its own. */
import autocannon from 'autocannon'
import { LoadCount, loadOptions, say } from './load.js'

const INSTANCES = 20
const options = loadOptions()
const { port, connections, seconds, rate } = options
const amount = Math.round(rate * seconds)
const count = new LoadCount(options, 2 * amount)

interface Context {
  id?: number
  sentMs?: number
}

/** One that sends its requests of a second at once, as a generator with a rate does. */
async function fire(index: number): Promise<void> {
  const { errors, timeouts } = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: connections / INSTANCES,
    // To the last answer, so that nobody is left who does not know what became of his request.
    amount: Math.ceil(amount / INSTANCES),
    overallRate: Math.ceil(rate / INSTANCES),
    timeout: 30,
    requests: [
      {
        method: 'POST',
        path: '/records',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request, given) => {
          const context = given as Context
          context.id = count.next++
          context.sentMs = performance.now()
          return { ...request, body: JSON.stringify({ id: context.id, sentMs: 0 }) }
        },
        onResponse: (status, _body, given) => {
          const { id = 0, sentMs = 0 } = given as Context
          count.answered(id, status, performance.now() - sentMs)
        },
      },
    ],
  })
  count.errors += errors + timeouts
  if (errors + timeouts > 0) process.stderr.write(`instance ${index}: ${errors} errors, ${timeouts} timeouts\n`)
}

// One behind the other over a second, so that together they send evenly.
await Promise.all(
  Array.from({ length: INSTANCES }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, (index * 1000) / INSTANCES))
    await fire(index)
  }),
)
say(count.result())
