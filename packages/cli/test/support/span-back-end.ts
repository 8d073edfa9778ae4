/** What an application and the back end of its telemetry are to a collector: numbered spans as OTLP's JSON, and a server that takes them, answers nothing, or is not there. */
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

interface Spans {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly { readonly spanId: string }[] }[] }[]
}

export class SpanBackEnd {
  /** Numbers of the spans, in the order in which they arrived. */
  readonly arrived: number[] = []
  readonly #server: Server
  readonly #watchers = new Set<() => void>()
  #hangs = true
  #waiting = 0

  private constructor() {
    this.#server = createServer((request, response) => {
      text(request).then(
        (body) => {
          if (this.#hangs) this.#waiting++
          else {
            this.arrived.push(...numbersOf(body))
            response.setHeader('content-type', 'application/json').end('{}')
          }
          for (const watcher of this.#watchers) watcher()
        },
        // Cut off, because the collector was killed: it has not arrived.
        () => undefined,
      )
    })
  }

  /** It hangs: requests are read, and none is answered. */
  static async start(): Promise<SpanBackEnd> {
    const backEnd = new SpanBackEnd()
    await once(backEnd.#server.listen(0, '127.0.0.1'), 'listening')
    return backEnd
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  answer(): void {
    this.#hangs = false
  }

  /** A request has come that will not be answered. */
  async hangs(): Promise<void> {
    await this.#until(() => this.#waiting > 0)
  }

  /** All of these spans have arrived. */
  async has(numbers: readonly number[]): Promise<void> {
    await this.#until(() => {
      const arrived = new Set(this.arrived)
      return numbers.every((number) => arrived.has(number))
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await once(this.#server.close(), 'close')
  }

  #until(reached: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!reached()) return
        this.#watchers.delete(look)
        resolve()
      }
      this.#watchers.add(look)
      look()
    })
  }
}

/** Spans with the numbers from `from` to below `to`, in one request; answers the status. */
export async function sendSpans(url: string, from: number, to: number): Promise<number> {
  const spans = Array.from({ length: to - from }, (_none, at) => ({
    traceId: idOf(from + at, 32),
    spanId: idOf(from + at, 16),
    name: 'request',
    kind: 2,
    startTimeUnixNano: '1700000000000000000',
    endTimeUnixNano: '1700000000001000000',
  }))
  const body = JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'test' }, spans }] }] })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await response.arrayBuffer()
  return response.status
}

/** Ids of zeros are not valid. */
function idOf(number: number, digits: number): string {
  return (number + 1).toString(16).padStart(digits, '0')
}

function numbersOf(body: string): readonly number[] {
  return (JSON.parse(body) as Spans).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) => spans.map(({ spanId }) => Number.parseInt(spanId, 16) - 1)),
  )
}
