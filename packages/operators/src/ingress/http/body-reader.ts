/**
 * Reads the body of a request chunk by chunk, when it is asked to and no sooner: what is not read stays with the client, because the stream is not read either. The time that a client may
 * take runs only while somebody waits for him. Runs in the thread that listens.
 */
import type { Readable } from 'node:stream'
import { ClientGone, HttpRefusal } from './http-refusal.js'

/** Time that is left for what is being sent; runs only between `start` and `stop`. */
class ReadingTime {
  readonly #limitMs: number
  readonly #now: () => number
  #leftMs: number
  #startedMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limitMs: number, now: () => number) {
    this.#limitMs = limitMs
    this.#leftMs = limitMs
    this.#now = now
  }

  reset(): void {
    this.#leftMs = this.#limitMs
  }

  start(over: () => void): void {
    this.#startedMs = this.#now()
    this.#timer = setTimeout(over, this.#leftMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#leftMs = Math.max(0, this.#leftMs - (this.#now() - this.#startedMs))
  }
}

export interface BodyReaderOptions {
  readonly timeoutMs: number
  readonly now: () => number
  readonly isComplete: () => boolean | Promise<boolean>
  readonly decompresses: boolean
}

export class BodyReader {
  readonly #stream: Readable
  readonly #time: ReadingTime
  /** Whether an end is the end: the body came as a whole. */
  readonly #isComplete: () => boolean | Promise<boolean>
  /** What fails is the decompression, not the connection. */
  readonly #decompresses: boolean
  #ended = false
  #failure: Error | undefined
  #waiting: (() => void) | undefined

  constructor(stream: Readable, { timeoutMs, now, isComplete, decompresses }: BodyReaderOptions) {
    this.#stream = stream
    this.#time = new ReadingTime(timeoutMs, now)
    this.#isComplete = isComplete
    this.#decompresses = decompresses
    stream.on('readable', this.#onReadable)
    stream.on('end', this.#onEnd)
    stream.on('close', this.#onClose)
    stream.on('error', this.#onError)
    if (stream.readableEnded) this.#ended = true
    else if (stream.destroyed) this.#onClose()
  }

  /** The next chunk, undefined at the end. @throws ClientGone, HttpRefusal */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      this.#throwFailure()
      const chunk = this.#stream.read() as Uint8Array | null
      if (chunk !== null) return chunk
      // Reading may have failed by itself.
      this.#throwFailure()
      if (this.#ended) {
        if (!(await this.#isComplete())) throw new ClientGone()
        return undefined
      }
      await this.#wait()
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Something is whole: the next has all of the time again. */
  resetTime(): void {
    this.#time.reset()
  }

  /** Behind it the stream is nobody's. */
  release(): void {
    this.#stream.off('readable', this.#onReadable)
    this.#stream.off('end', this.#onEnd)
    this.#stream.off('close', this.#onClose)
  }

  #wait(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#waiting = () => {
        this.#time.stop()
        resolve()
      }
      this.#time.start(() => this.#fail(new HttpRefusal(408, 'BODY_TIMEOUT', 'The body was not sent in time.')))
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#wake()
  }

  readonly #onReadable = (): void => {
    this.#wake()
  }

  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake()
  }

  readonly #onClose = (): void => {
    if (!this.#ended) this.#fail(new ClientGone())
  }

  readonly #onError = (error: Error): void => {
    this.#fail(
      this.#decompresses ? new HttpRefusal(400, 'BODY_MALFORMED', `The body cannot be decompressed: ${error.message}.`) : new ClientGone(),
    )
  }
}
