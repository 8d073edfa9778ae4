/**
 * The other end of OTLP over HTTP, in a process of its own: sends one request again and again, a few at a time over connections that are kept, or takes requests and looks at none of
 * them. Told what to do by messages.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { askChild, nextMessage } from './ask-child.js'

const CONNECTIONS = 4
/** Where the receiver has no room. */
const AGAIN_MS = 5

interface Sending {
  readonly port: number
  readonly requests: number
  /** Base64. */
  readonly body: string
}

/** The side of whoever measures. */
export class OtlpPeer {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(): Promise<OtlpPeer> {
    const child = fork(fileURLToPath(import.meta.url))
    return new OtlpPeer(child, (await nextMessage(child)) as number)
  }

  /** Until all are taken. */
  async send(port: number, body: Uint8Array, requests: number): Promise<void> {
    const answer = await askChild(this.#child, { port, requests, body: Buffer.from(body).toString('base64') } satisfies Sending)
    if (answer !== 'sent') throw new Error(String(answer))
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }
}

/** The side of the process. */
async function serve(): Promise<void> {
  const server = createServer((taken, response) => {
    taken.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.on('message', (sending: Sending) => {
    sendAll(sending).then(
      () => process.send?.('sent'),
      (error: Error) => process.send?.(error.message),
    )
  })
  // Nobody to serve any more.
  process.on('disconnect', () => process.exit(0))
  process.send?.((server.address() as AddressInfo).port)
}

async function sendAll({ port, requests, body }: Sending): Promise<void> {
  const bytes = Buffer.from(body, 'base64')
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const headers = { 'content-type': 'application/x-protobuf', 'content-length': bytes.length }
  const send = (): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', agent, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
      sent.once('error', reject).end(bytes)
    })
  let left = requests
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      let status = await send()
      while (status === 429) {
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
        status = await send()
      }
      if (status !== 200) throw new Error(`a request was answered with ${status}`)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, lane))
  agent.destroy()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve()
