/** Load over HTTP/2: many sessions, a stream per request, at an even pace. A process of its own. */
import { connect, type ClientHttp2Session } from 'node:http2'
import { LoadCount, loadOptions, say } from './load.js'

const TICK_MS = 10
/** Streams of a session at once: what comes due beyond is sent when one of them is answered. */
const STREAMS_MAX = 2
const options = loadOptions()
const { port, connections, seconds, rate } = options
const amount = Math.round(rate * seconds)
const count = new LoadCount(options, amount + 1)
const sessions: ClientHttp2Session[] = []
let open = 0

for (let at = 0; at < connections; at++) {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => count.errors++)
  sessions.push(session)
  await new Promise((resolve) => session.once('connect', resolve))
}

function send(): void {
  const id = count.next++
  const session = sessions[id % sessions.length] as ClientHttp2Session
  const sentMs = performance.now()
  const stream = session.request({ ':method': 'POST', ':path': '/records', 'content-type': 'application/json' })
  let status = 0
  open++
  stream.on('response', (headers) => {
    status = Number(headers[':status'])
  })
  stream.on('error', () => count.errors++)
  stream.on('close', () => {
    open--
    if (status !== 0) count.answered(id, status, performance.now() - sentMs)
  })
  stream.resume()
  stream.end(JSON.stringify({ id, sentMs: 0 }))
}

const startMs = performance.now()
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const due = Math.min(amount, Math.floor(((performance.now() - startMs) * rate) / 1000))
    while (count.next < due && open < STREAMS_MAX * connections) send()
    if (count.next < amount || open > 0) return
    clearInterval(timer)
    resolve()
  }, TICK_MS)
})
for (const session of sessions) session.destroy()
say(count.result())
