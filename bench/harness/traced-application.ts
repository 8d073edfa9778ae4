/**
 * An application in a process of its own: so many requests a second, each with a little work, and with a span that it sends before it answers. What a request takes is
 * what its users see. Requests begin at their times, whether those before them are done or not.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { askChild, nextMessage } from './ask-child.js'

const WORK_ROUNDS = 40
const WORK = Buffer.alloc(4_096, 'w')

interface Settings {
  /** Where spans are sent to. */
  readonly url: string
  readonly perSecond: number
  /** How long it waits for whoever it sends to. */
  readonly sendTimeoutMs: number
}

/** Requests since the last question, by when they began. */
export interface ServedRequests {
  readonly tookMs: readonly number[]
  /** Spans that could not be sent. */
  readonly unsent: number
  /** Requests that were begun since the start. */
  readonly begun: number
}

/** The side of whoever measures. */
export class TracedApplication {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(settings: Settings): Promise<TracedApplication> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(settings)])
    await nextMessage(child)
    return new TracedApplication(child)
  }

  async take(): Promise<ServedRequests> {
    return (await askChild(this.#child, 'take')) as ServedRequests
  }

  /** No request begins any more, and all have ended. */
  async finish(): Promise<ServedRequests> {
    return (await askChild(this.#child, 'finish')) as ServedRequests
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The side of the process. */
class Application {
  readonly #settings: Settings
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512 })
  #tookMs: number[] = []
  #unsent = 0
  #begun = 0
  #under = 0
  /** Requests of one lane follow each other: the order of their spans is known. */
  readonly #free: number[] = []
  #lanes = 0
  #idle: (() => void) | undefined

  constructor(settings: Settings) {
    this.#settings = settings
  }

  run(): () => Promise<ServedRequests> {
    const startMs = performance.now()
    const timer = setInterval(() => {
      const due = ((performance.now() - startMs) / 1_000) * this.#settings.perSecond
      while (this.#begun < due) void this.#serve(this.#begun++)
    }, 2)
    return async () => {
      clearInterval(timer)
      if (this.#under > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
      return this.take()
    }
  }

  take(): ServedRequests {
    const taken = { tookMs: this.#tookMs, unsent: this.#unsent, begun: this.#begun }
    this.#tookMs = []
    this.#unsent = 0
    return taken
  }

  async #serve(number: number): Promise<void> {
    const startMs = performance.now()
    const startedAt = Date.now()
    this.#under++
    const hash = createHash('sha256')
    for (let round = 0; round < WORK_ROUNDS; round++) hash.update(WORK)
    hash.digest()
    const lane = this.#free.pop() ?? this.#lanes++
    if (!(await this.#send(number, lane, startedAt))) this.#unsent++
    this.#free.push(lane)
    this.#tookMs.push(performance.now() - startMs)
    if (--this.#under === 0) this.#idle?.()
  }

  #send(number: number, lane: number, startedAt: number): Promise<boolean> {
    const span = {
      traceId: (number + 1).toString(16).padStart(32, '0'),
      spanId: (number + 1).toString(16).padStart(16, '0'),
      name: 'GET /orders',
      kind: 2,
      startTimeUnixNano: `${startedAt}000000`,
      endTimeUnixNano: `${Date.now()}000000`,
      attributes: [
        { key: 'number', value: { intValue: `${number}` } },
        { key: 'lane', value: { intValue: `${lane}` } },
      ],
    }
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
    return new Promise((resolve) => {
      const call = request(
        `${this.#settings.url}/v1/traces`,
        { method: 'POST', agent: this.#agent, timeout: this.#settings.sendTimeoutMs, headers: { 'content-type': 'application/json' } },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode === 200))
        },
      )
      call.on('timeout', () => call.destroy())
      call.on('error', () => resolve(false))
      call.on('close', () => resolve(false))
      call.end(body)
    })
  }
}

function serve(settings: Settings): void {
  const application = new Application(settings)
  const finish = application.run()
  process.on('message', (question: 'take' | 'finish') => {
    const answer = question === 'take' ? Promise.resolve(application.take()) : finish()
    void answer.then((taken) => process.send?.(taken))
  })
  // Nobody to serve any more.
  process.on('disconnect', () => process.exit(0))
  process.send?.('started')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(JSON.parse(process.argv[2] ?? '{}') as Settings)
