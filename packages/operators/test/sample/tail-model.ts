/** What `tailSample` promises, written down as simply as can be: one subtask, lists that are searched from end to end. */
import type { TraceInfo, TracePolicy } from '../../src/index.js'

export interface Span {
  readonly id: number
  readonly trace: string
  readonly failed: boolean
  readonly startMs: number
  readonly endMs: number
  readonly text: string
}

export interface ModelBounds {
  readonly decideAfterMs: number
  readonly traces: number
  readonly records: number
  readonly bytes: number
  readonly recordsPerTrace: number
  readonly rememberedTraces: number
  readonly rememberedForMs: number
  readonly whenFull: 'decideEarly' | 'dropNewest'
}

interface OpenTrace {
  readonly key: string
  sinceMs: number
  readonly spans: Span[]
}

interface Decision {
  readonly key: string
  readonly kept: boolean
  sinceMs: number
}

export const sizeOf = (value: unknown): number => JSON.stringify(value).length

export class TailModel {
  readonly out: number[] = []
  readonly dropped: number[] = []
  open: OpenTrace[] = []
  decided: Decision[] = []
  readonly #bounds: ModelBounds
  readonly #policies: readonly TracePolicy<Span>[]
  readonly #keptAtOnce: (span: Span) => boolean
  nowMs = 1_000

  constructor(bounds: ModelBounds, policies: readonly TracePolicy<Span>[]) {
    this.#bounds = bounds
    this.#policies = policies
    const drops = policies.findIndex(({ rule }) => rule.kind === 'dropWhen')
    const early = policies.filter((_, index) => drops < 0 || index < drops)
    this.#keptAtOnce = (span) => early.some(({ rule }) => rule.kind === 'keepIfAny' && rule.test(span) === true)
  }

  push(span: Span): void {
    const { rememberedForMs, traces, records, bytes, recordsPerTrace, whenFull } = this.#bounds
    const decision = this.decided.find(({ key }) => key === span.trace)
    if (decision !== undefined) {
      if (this.nowMs - decision.sinceMs < rememberedForMs) {
        ;(decision.kept ? this.out : this.dropped).push(span.id)
        return
      }
      this.decided.splice(this.decided.indexOf(decision), 1)
    }
    let trace = this.open.find(({ key }) => key === span.trace)
    if (trace === undefined) {
      trace = { key: span.trace, sinceMs: this.nowMs, spans: [] }
      this.open.push(trace)
    }
    if (this.#keptAtOnce(span)) {
      this.#close(trace, true, span)
      return
    }
    const fits = (): boolean => this.open.length <= traces && this.heldRecords + 1 <= records && this.heldBytes + sizeOf(span) <= bytes
    while (!fits()) {
      const first = this.open[0] as OpenTrace
      const last = this.open.at(-1) as OpenTrace
      const tooLarge = sizeOf(span) > bytes
      if (whenFull === 'dropNewest') {
        const victim: OpenTrace = tooLarge ? trace : last
        this.#close(victim, false, victim === trace ? span : undefined)
        if (victim === trace) return
      } else {
        const victim: OpenTrace = tooLarge ? trace : first
        const added: Span | undefined = victim === trace ? span : undefined
        this.#close(victim, this.#keeps(victim, 'full', added), added)
        if (victim === trace) return
      }
    }
    trace.spans.push(span)
    if (trace.spans.length >= recordsPerTrace) this.#close(trace, this.#keeps(trace, 'recordsPerTrace'))
  }

  advance(byMs: number): void {
    this.nowMs += byMs
    const due = this.open.filter(({ sinceMs }) => sinceMs + this.#bounds.decideAfterMs <= this.nowMs)
    for (const trace of due) this.#close(trace, this.#keeps(trace, 'time'))
  }

  end(): void {
    for (const trace of this.open.slice()) this.#close(trace, this.#keeps(trace, 'end'))
  }

  get heldRecords(): number {
    return this.open.reduce((sum, { spans }) => sum + spans.length, 0)
  }

  get heldBytes(): number {
    return this.open.reduce((sum, { spans }) => sum + spans.reduce((bytes, span) => bytes + sizeOf(span), 0), 0)
  }

  #keeps({ key, spans, sinceMs }: OpenTrace, cause: TraceInfo['cause'], last?: Span): boolean {
    const all = last === undefined ? spans : [...spans, last]
    for (const { rule } of this.#policies) {
      if (rule.kind === 'keepIfAny' && all.some((span) => rule.test(span) === true)) return true
      if (rule.kind === 'keepIfLonger') {
        const starts = all.map((span) => rule.intervalOf(span)[0])
        const ends = all.map((span) => rule.intervalOf(span)[1])
        if (Math.max(...ends) - Math.min(...starts) >= rule.durationMs) return true
      }
      if (rule.kind !== 'keepWhen' && rule.kind !== 'dropWhen') continue
      if (rule.test(all, { key, waitedMs: this.nowMs - sinceMs, cause }) === true) return rule.kind === 'keepWhen'
    }
    return false
  }

  #close(trace: OpenTrace, kept: boolean, last?: Span): void {
    this.open.splice(this.open.indexOf(trace), 1)
    const spans = last === undefined ? trace.spans : [...trace.spans, last]
    ;(kept ? this.out : this.dropped).push(...spans.map(({ id }) => id))
    this.decided.push({ key: trace.key, kept, sinceMs: this.nowMs })
    if (this.decided.length > this.#bounds.rememberedTraces) this.decided.shift()
  }
}
