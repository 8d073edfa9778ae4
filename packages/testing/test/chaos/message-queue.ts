/**
 * A queue outside of every process: whoever opens it is given everything that it was not told to forget, in order. It says what a correct engine never does to its reader.
 */
import type { DeadLetter, SplitReader } from '@sluice/engine'
import type { Source } from '@sluice/operators'

export interface Message {
  readonly queue: number
  readonly n: number
}

export interface QueueShape {
  readonly queues: number
  readonly perQueue: number
  /** Every so many is a dead letter; 0: none. */
  readonly invalidEvery: number
  readonly readsAhead: boolean
  /** Forgetting takes a while. */
  readonly slow: boolean
}

export class MessageQueue {
  /** What was done to it that must never be. */
  readonly wrongs: string[] = []
  /** How often each message was given, and how many were forgotten. */
  readonly given: Map<string, number> = new Map()
  forgotten = 0
  readonly shape: QueueShape
  readonly #waiting: Message[][]

  constructor(shape: QueueShape) {
    this.shape = shape
    this.#waiting = Array.from({ length: shape.queues }, (_, queue) => Array.from({ length: shape.perQueue }, (_, n) => ({ queue, n })))
  }

  isInvalid({ n }: Message): boolean {
    return this.shape.invalidEvery > 0 && n % this.shape.invalidEvery === 0
  }

  get messages(): readonly Message[] {
    return Array.from({ length: this.shape.queues * this.shape.perQueue }, (_, at) => ({
      queue: Math.floor(at / this.shape.perQueue),
      n: at % this.shape.perQueue,
    }))
  }

  /** What it would give now. */
  waiting(queue: number): readonly Message[] {
    return this.#waiting[queue] as readonly Message[]
  }

  forget(message: Message): void {
    const waiting = this.#waiting[message.queue] as Message[]
    const at = waiting.findIndex(({ n }) => n === message.n)
    if (at < 0) return
    waiting.splice(at, 1)
    this.forgotten++
  }

  source(): Source<Message> {
    const { shape } = this
    return {
      spec: {
        kind: 'source',
        reads: 'splits',
        splits: () => Array.from({ length: shape.queues }, (_, queue) => queue),
        open: (queue) => new MessageReader(this, queue as number),
        replayable: false,
        bounded: true,
      },
      options: { type: 'queue' },
      delivery: 'at-least-once',
      replayable: false,
    }
  }
}

export const nameOf = ({ queue, n }: Message): string => `${queue}/${n}`

class MessageReader implements SplitReader {
  readonly readsAhead: boolean
  readonly #queue: MessageQueue
  readonly #name: string
  readonly #left: Message[]
  readonly #records: Message[] = []
  readonly #letters: Message[] = []
  #taken: readonly [number, number] = [0, 0]
  #covered: readonly [number, number] = [0, 0]
  #answering = false
  #ended = false
  #closed = false

  constructor(queue: MessageQueue, split: number) {
    this.#queue = queue
    this.#name = `queue ${split}`
    this.#left = [...queue.waiting(split)]
    this.readsAhead = queue.shape.readsAhead
  }

  next(): ReturnType<SplitReader['next']> {
    if (Math.random() < 0.5) return this.#take()
    return new Promise((resolve) => setTimeout(resolve, Math.random() * 10)).then(() => this.#take())
  }

  taken(records: number, letters: number): void {
    this.#check('taken', [records, letters], this.#taken, [this.#records.length, this.#letters.length])
    this.#taken = [records, letters]
  }

  covered(records: number, letters: number): void | Promise<void> {
    if (this.#answering) this.#wrong('covered is told while an answer is awaited')
    this.#check('covered', [records, letters], this.#covered, this.#taken)
    const covered = [...this.#records.slice(this.#covered[0], records), ...this.#letters.slice(this.#covered[1], letters)]
    this.#covered = [records, letters]
    const forget = (): void => {
      for (const message of covered) this.#queue.forget(message)
    }
    if (!this.#queue.shape.slow || Math.random() < 0.5) return forget()
    this.#answering = true
    return new Promise<void>((resolve) => setTimeout(resolve, Math.random() * 30)).then(() => {
      this.#answering = false
      forget()
    })
  }

  close(): void {
    if (this.#closed) this.#wrong('closed twice')
    if (this.#answering) this.#wrong('closed while an answer is awaited')
    this.#closed = true
  }

  #take(): { readonly records: readonly Message[]; readonly deadLetters: readonly DeadLetter[] } | undefined {
    if (this.#ended) this.#wrong('asked behind the end')
    if (this.#left.length === 0) {
      this.#ended = true
      return undefined
    }
    const batch = this.#left.splice(0, 1 + Math.floor(Math.random() * 20))
    for (const message of batch) {
      const name = nameOf(message)
      this.#queue.given.set(name, (this.#queue.given.get(name) ?? 0) + 1)
    }
    const letters = batch.filter((message) => this.#queue.isInvalid(message))
    const records = batch.filter((message) => !this.#queue.isInvalid(message))
    this.#letters.push(...letters)
    this.#records.push(...records)
    return { records, deadLetters: letters.map((input) => ({ operator: 'messages', input, reason: 'invalid', position: undefined })) }
  }

  #check(what: string, now: readonly [number, number], before: readonly [number, number], most: readonly [number, number]): void {
    if (this.#closed) this.#wrong(`${what} is told behind close`)
    if (now[0] < before[0] || now[1] < before[1]) this.#wrong(`${what} went back from ${before.join(' + ')} to ${now.join(' + ')}`)
    if (now[0] > most[0] || now[1] > most[1]) this.#wrong(`${what} is ${now.join(' + ')}, and at most ${most.join(' + ')} can be`)
  }

  #wrong(what: string): void {
    this.#queue.wrongs.push(`${this.#name}: ${what}`)
  }
}
