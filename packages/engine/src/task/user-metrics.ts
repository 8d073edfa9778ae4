/** Counters and gauges of user code, bounded per operator, gathered by the runtime at each report. */
import { SluiceError } from '../errors/sluice-error.js'
import type { OperatorMetrics } from '../graph/operator-context.js'

/** Names one operator may use. */
const NAMES_MAX = 64

export interface UserMetric {
  readonly operator: string
  readonly subtask: number
  readonly name: string
  readonly kind: 'count' | 'gauge'
  readonly value: number
}

export class UserMetrics implements OperatorMetrics {
  readonly #operator: string
  readonly #subtask: number
  readonly #values = new Map<string, { kind: 'count' | 'gauge'; value: number }>()

  constructor(operator: string, subtask: number) {
    this.#operator = operator
    this.#subtask = subtask
  }

  count(name: string, by = 1): void {
    this.#entry(name, 'count').value += by
  }

  gauge(name: string, value: number): void {
    this.#entry(name, 'gauge').value = value
  }

  list(): UserMetric[] {
    return [...this.#values].map(([name, { kind, value }]) => ({ operator: this.#operator, subtask: this.#subtask, name, kind, value }))
  }

  #entry(name: string, kind: 'count' | 'gauge'): { value: number } {
    let entry = this.#values.get(name)
    if (entry === undefined) {
      if (this.#values.size >= NAMES_MAX)
        throw new SluiceError(
          'SLUICE_OPTIONS_INVALID',
          `${this.#operator} uses more than ${NAMES_MAX} metric names; '${name}' is one too many.`,
          {
            operator: this.#operator,
            hint: 'Metric names are fixed words: put what varies into the log or into records.',
          },
        )
      entry = { kind, value: 0 }
      this.#values.set(name, entry)
    }
    return entry
  }
}
