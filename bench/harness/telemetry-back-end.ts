/**
 * A back end for spans in a process of its own, which can be down: it takes requests and answers none. It keeps the order in which spans arrived first, by the number and
 * the lane that each has as attributes: those of one lane were sent one behind the other. Told what to do, and asked what it saw, by messages.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { askChild, nextMessage } from './ask-child.js'

type Command = 'down' | 'up' | 'report'

export interface ArrivedSpans {
  /** Different spans. */
  readonly spans: number
  /** Spans that came behind one of their lane with a larger number. */
  readonly outOfOrder: number
  readonly repeated: number
}

interface Body {
  readonly resourceSpans?: readonly {
    readonly scopeSpans?: readonly {
      readonly spans?: readonly {
        readonly attributes?: readonly { readonly key: string; readonly value: { readonly intValue?: string | number } }[]
      }[]
    }[]
  }[]
}

/** The side of whoever measures. */
export class TelemetryBackEnd {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(): Promise<TelemetryBackEnd> {
    const child = fork(fileURLToPath(import.meta.url))
    return new TelemetryBackEnd(child, (await nextMessage(child)) as number)
  }

  async set(state: 'down' | 'up'): Promise<void> {
    await askChild(this.#child, state)
  }

  async report(): Promise<ArrivedSpans> {
    return (await askChild(this.#child, 'report')) as ArrivedSpans
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The side of the process. */
async function serve(): Promise<void> {
  const seen = new Set<number>()
  /** By lane: the span that came last. */
  const latest = new Map<number, number>()
  let outOfOrder = 0
  let repeated = 0
  let down = false
  const take = (body: Body): void => {
    for (const { scopeSpans = [] } of body.resourceSpans ?? []) {
      for (const { spans = [] } of scopeSpans) {
        for (const { attributes = [] } of spans) {
          const valueOf = (wanted: string): number => Number(attributes.find(({ key }) => key === wanted)?.value.intValue)
          const number = valueOf('number')
          const lane = valueOf('lane')
          const before = latest.get(lane) ?? -1
          if (seen.has(number)) repeated++
          else if (number < before) outOfOrder++
          seen.add(number)
          latest.set(lane, Math.max(before, number))
        }
      }
    }
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      if (down) return
      take(JSON.parse(Buffer.concat(chunks).toString()) as Body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.on('message', (command: Command) => {
    if (command === 'down') down = true
    else if (command === 'up') {
      down = false
      // Who still waits for an answer learns that there is none.
      server.closeAllConnections()
    }
    process.send?.(command === 'report' ? ({ spans: seen.size, outOfOrder, repeated } satisfies ArrivedSpans) : true)
  })
  // Nobody to serve any more.
  process.on('disconnect', () => process.exit(0))
  process.send?.((server.address() as AddressInfo).port)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve()
