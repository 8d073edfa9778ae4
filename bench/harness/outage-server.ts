/**
 * A server in a process of its own that can be down: it refuses connections, or answers 503. Each request takes a while. It keeps what it answered well by the id
 * of the record: the path of a request, or the `id` of each record of its body. Told what to do, and asked what it saw, by messages.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { askChild, nextMessage } from './ask-child.js'

/** How a server is down. */
export type Outage = 'refused' | '503'

interface Settings {
  /** How long a request takes. */
  readonly serviceMs: number
  /** Ids run from 0 to below this. */
  readonly idsMax: number
}

type Command = { readonly type: 'down'; readonly outage: Outage } | { readonly type: 'up' | 'report' }

export interface ServerReport {
  /** Requests that arrived, those answered with 503 among them. */
  readonly requests: number
  /** Ids that were answered well, and answers beyond the first of an id. */
  readonly ids: number
  readonly repeated: number
}

/** The side of whoever measures. */
export class OutageServer {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(settings: Settings): Promise<OutageServer> {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(settings)])
    const port = (await nextMessage(child)) as number
    return new OutageServer(child, port)
  }

  async down(outage: Outage): Promise<void> {
    await this.#ask({ type: 'down', outage })
  }

  async up(): Promise<void> {
    await this.#ask({ type: 'up' })
  }

  async report(): Promise<ServerReport> {
    return (await this.#ask({ type: 'report' })) as ServerReport
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  #ask(command: Command): Promise<unknown> {
    return askChild(this.#child, command)
  }
}

/** The side of the process. */
class Served {
  readonly #settings: Settings
  readonly #answered: Uint8Array
  #requests = 0
  #ids = 0
  #repeated = 0
  #outage: Outage | undefined
  #server: Server | undefined
  #port = 0

  constructor(settings: Settings) {
    this.#settings = settings
    this.#answered = new Uint8Array(settings.idsMax)
  }

  async listen(): Promise<number> {
    const server = createServer({ keepAlive: true }, (request, response) => {
      this.#requests++
      if (this.#outage === undefined) this.#serve(request, response)
      else {
        request.resume()
        response.writeHead(503).end()
      }
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    return this.#port
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.once('end', () => {
      const ids = body === '' ? [Number(request.url?.slice(1))] : idsOf(JSON.parse(body))
      setTimeout(() => this.#answer(ids, response), this.#settings.serviceMs)
    })
  }

  #answer(ids: readonly number[], response: ServerResponse): void {
    // What it was about to answer when it went down is lost, as far as the client can tell.
    if (this.#outage !== undefined) {
      response.destroy()
      return
    }
    for (const id of ids) {
      if (this.#answered[id] === 0) this.#ids++
      else this.#repeated++
      this.#answered[id] = 1
    }
    response.writeHead(200, { 'content-length': '2' }).end('ok')
  }

  async obey(command: Command): Promise<unknown> {
    if (command.type === 'down') {
      this.#outage = command.outage
      if (command.outage === 'refused') {
        const server = this.#server as Server
        const closed = new Promise((resolve) => server.close(resolve))
        server.closeAllConnections()
        await closed
      }
      return true
    }
    if (command.type === 'up') {
      const { listening } = this.#server as Server
      this.#outage = undefined
      if (!listening) await this.listen()
      return true
    }
    return { requests: this.#requests, ids: this.#ids, repeated: this.#repeated } satisfies ServerReport
  }
}

function idsOf(body: unknown): number[] {
  return (body as readonly { readonly id: number }[]).map(({ id }) => id)
}

async function serve(settings: Settings): Promise<void> {
  const served = new Served(settings)
  const tell = (message: unknown): void => void process.send?.(message)
  process.on('message', (command: Command) => void served.obey(command).then(tell))
  // Nobody to serve any more.
  process.on('disconnect', () => process.exit(0))
  tell(await served.listen())
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(JSON.parse(process.argv[2] ?? '{}') as Settings)
