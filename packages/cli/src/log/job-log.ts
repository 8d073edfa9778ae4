/**
 * The one logger of the command line: lines of the catalogue in, pino out, as JSON or in words. Main thread only; it never blocks a worker.
 * pino is loaded when the workers run; what is logged before waits, with the time at which it happened.
 */
import { commonFields, type JobLogLine, type LogLevel } from './events.js'
import { Redactor } from './redact.js'

export interface JobLogOptions {
  /** The name until the job is known. */
  readonly job: string
  readonly format: 'pretty' | 'json'
  /** Only errors. */
  readonly quiet: boolean
  /** Turns a line of JSON into words; used by `pretty`. */
  readonly printer: { print(line: Readonly<Record<string, unknown>>): string }
  readonly write: (text: string) => void
  readonly nowMs: () => number
}

const order: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 }

type Emit = (level: LogLevel, facts: Record<string, unknown>, msg: string) => void

export class JobLog {
  readonly #options: JobLogOptions
  readonly #waiting: { readonly line: JobLogLine; readonly job: string; readonly timeMs: number }[] = []
  #job: string
  #redactor = new Redactor()
  #emit: Emit | undefined
  #opening: Promise<void> | undefined
  #timeMs = 0

  constructor(options: JobLogOptions) {
    this.#options = options
    this.#job = options.job
  }

  /** From now on lines carry this name, and these texts are hidden. */
  identify(job: string, redactor: Redactor): void {
    this.#job = job
    this.#redactor = redactor
  }

  get redactor(): Redactor {
    return this.#redactor
  }

  write(line: JobLogLine): void {
    if (this.#options.quiet && order[line.level] < order.error) return
    const entry = { line, job: this.#job, timeMs: this.#options.nowMs() }
    if (this.#emit !== undefined) {
      this.#send(entry, this.#emit)
      return
    }
    this.#waiting.push(entry)
    // The plan waits for the start, which it would delay.
    if (line.event !== 'job.planned') void this.#open()
  }

  /** Settles when everything written so far is out. */
  async flush(): Promise<void> {
    if (this.#waiting.length > 0) await this.#open()
  }

  #open(): Promise<void> {
    this.#opening ??= this.#load()
    return this.#opening
  }

  async #load(): Promise<void> {
    const { pino } = await import('pino')
    const { format, printer, write } = this.#options
    const destination =
      format === 'json' ? { write } : { write: (json: string) => write(printer.print(JSON.parse(json) as Record<string, unknown>)) }
    const logger = pino(
      {
        base: null,
        level: 'debug',
        messageKey: 'msg',
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"time":"${new Date(this.#timeMs).toISOString()}"`,
      },
      destination,
    )
    this.#emit = (level, facts, msg) => logger[level](facts, msg)
    for (const entry of this.#waiting.splice(0)) this.#send(entry, this.#emit)
  }

  #send({ line, job, timeMs }: { readonly line: JobLogLine; readonly job: string; readonly timeMs: number }, emit: Emit): void {
    const fields = this.#redactor.value(line.fields) as Readonly<Record<string, unknown>>
    const facts: Record<string, unknown> = { job, event: line.event }
    // A field never hides what is on every line.
    for (const [name, value] of Object.entries(fields)) if (!Object.hasOwn(commonFields, name)) facts[name] = value
    this.#timeMs = timeMs
    emit(line.level, facts, this.#redactor.text(line.msg))
  }
}
