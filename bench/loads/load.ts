/** What a load generator is told, and what it says when it is done. */

export interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests per second, over all connections; of TCP those of the connections that do not write as much as they can. */
  readonly rate: number
}

export interface LoadResult {
  /** Ids were given from 0 to below this. */
  readonly sent: number
  /** A bit per id: it was acknowledged. Base64. */
  readonly accepted: string
  /** Answers by status; `errors` are connections that broke or answers that did not come. */
  readonly statuses: Readonly<Record<string, number>>
  readonly errors: number
  /** Of what was accepted, in ms, NaN where that is not known here. */
  readonly p50: number | null
  readonly p99: number | null
  /** By second. */
  readonly acceptedPerSecond: readonly number[]
  readonly refusedPerSecond: readonly number[]
  readonly p99PerSecond: readonly number[]
  /** Share of the time in which those that write as much as they can had to wait. */
  readonly blockedShare?: number
}

/** Gathers answers. */
export class LoadCount {
  next = 0
  errors = 0
  readonly #options: LoadOptions
  readonly #accepted: Uint8Array
  readonly #statuses: Record<string, number> = {}
  readonly #latencies: number[][]
  readonly #refused: number[]
  readonly #startMs = performance.now()

  constructor(options: LoadOptions, idsMax: number) {
    this.#options = options
    this.#accepted = new Uint8Array(Math.ceil(idsMax / 8))
    this.#latencies = Array.from({ length: options.seconds }, () => [])
    this.#refused = Array.from({ length: options.seconds }, () => 0)
  }

  answered(id: number, status: number, latencyMs: number): void {
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1
    const second = Math.min(this.#options.seconds - 1, Math.floor((performance.now() - this.#startMs) / 1000))
    if (status !== 200) {
      this.#refused[second] = (this.#refused[second] ?? 0) + 1
      return
    }
    this.#accepted[id >> 3] = (this.#accepted[id >> 3] as number) | (1 << (id & 7))
    this.#latencies[second]?.push(latencyMs)
  }

  result(): LoadResult {
    const all = this.#latencies.flat()
    return {
      sent: this.next,
      accepted: Buffer.from(this.#accepted).toString('base64'),
      statuses: this.#statuses,
      errors: this.errors,
      p50: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      acceptedPerSecond: this.#latencies.map(({ length }) => length),
      refusedPerSecond: this.#refused,
      p99PerSecond: this.#latencies.map((latencies) => Math.round(quantile(latencies, 0.99) * 10) / 10),
    }
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export function loadOptions(): LoadOptions {
  return JSON.parse(process.argv[2] ?? '') as LoadOptions
}

export function say(result: LoadResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0))
}
