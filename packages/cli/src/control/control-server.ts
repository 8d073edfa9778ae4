/**
 * The socket of a running job. It answers one line with one line and never holds the process; without a folder that only this user can enter there is none.
 * Main thread.
 */
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { type ControlRequest, refusal } from './protocol.js'
import { socketFolder, socketName } from './socket-folder.js'

/** A request is short. */
const REQUEST_CHARACTERS_MAX = 64 * 1024
const PRIVATE_FILE = 0o600
/** How long answers may take to leave when the process ends. */
const CLOSE_MS_MAX = 1_000

export class ControlServer {
  readonly #server: Server
  readonly #path: string
  readonly #answer: (request: ControlRequest) => unknown
  readonly #open = new Set<Promise<void>>()

  /** Settles when it listens; undefined where it cannot. `answer` gives the value of an answer, or fails. */
  static async listen(job: string, answer: (request: ControlRequest) => unknown): Promise<ControlServer | undefined> {
    const folder = socketFolder()
    if (folder === undefined) return undefined
    const path = join(folder, socketName(job, process.pid))
    rmSync(path, { force: true })
    const server = createServer({ allowHalfOpen: true })
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(path, () => resolve(true))
    })
    if (!listening) return undefined
    chmodSync(path, PRIVATE_FILE)
    return new ControlServer(server, path, answer)
  }

  private constructor(server: Server, path: string, answer: (request: ControlRequest) => unknown) {
    this.#server = server
    this.#path = path
    this.#answer = answer
    server.unref()
    server.on('error', () => {})
    server.on('connection', (socket) => {
      const served = this.#serve(socket).finally(() => this.#open.delete(served))
      this.#open.add(served)
    })
    process.on('exit', () => rmSync(path, { force: true }))
  }

  /** The job has ended: what was asked is answered first. */
  async close(): Promise<void> {
    this.#server.close()
    rmSync(this.#path, { force: true })
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS_MAX)
    })
    await Promise.race([Promise.all(this.#open), late])
    clearTimeout(timer)
  }

  async #serve(socket: Socket): Promise<void> {
    // Whoever asked may have left: the job goes on.
    socket.on('error', () => {})
    const answer = JSON.stringify(await this.#answerTo(socket))
    await new Promise<void>((resolve) => {
      socket.once('close', resolve)
      socket.end(`${answer}\n`, () => resolve())
    })
  }

  async #answerTo(socket: Socket): Promise<unknown> {
    try {
      return { ok: true, value: await this.#answer(JSON.parse(await readLine(socket)) as ControlRequest) }
    } catch (error) {
      return refusal(error)
    }
  }
}

export function readLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => {
      text += part
      const end = text.indexOf('\n')
      if (end >= 0) resolve(text.slice(0, end))
      else if (text.length > REQUEST_CHARACTERS_MAX) reject(new Error('the line is too long'))
    })
    socket.once('end', () => reject(new Error('the other side has left')))
    socket.once('close', () => reject(new Error('the other side has left')))
    socket.once('error', reject)
  })
}
