/** Spans of many traces at once through a tail sample; what it keeps is counted by trace, beside what there was. */
import { attribute, errors, slowerThan, type Span } from '@sluice/otlp'
import { defineJob, forEach, generate, keepShare } from 'sluice'
import { z } from 'zod'

/** One of so many traces fails. */
const FAILS_ONE_OF = 100
/** One of so many traces has a span that comes long after the others. */
const LATE_ONE_OF = 20

const params = z.object({
  spans: z.number(),
  /** Spans per second. */
  rate: z.number(),
  /** Traces that are under way at once. */
  lanes: z.number(),
  /** How many spans behind the last one of its trace a late span is. */
  lateBehind: z.number(),
  lengthMin: z.number(),
  lengthMax: z.number(),
  decideAfterMs: z.number(),
  records: z.number(),
  bytes: z.number(),
  recordsPerTrace: z.number(),
  /** Uint16 by trace: spans that were made. Of a trace that fails the sign bit is set. */
  made: z.instanceof(SharedArrayBuffer),
  /** Uint16 by trace: spans that were kept. */
  kept: z.instanceof(SharedArrayBuffer),
})

export const FAILED_BIT = 0x8000

interface Shape {
  readonly lanes: number
  readonly lateBehind: number
  readonly lengthMin: number
  readonly lengthMax: number
}

/** Gives spans in order, once: lanes in turn, each with trace behind trace. */
class SpanMaker {
  readonly #shape: Shape
  readonly #made: Uint16Array
  readonly #trace: Int32Array
  readonly #left: Int32Array
  /** How many spans behind this one the trace fails; below 0: it does not. */
  readonly #failsIn: Int32Array
  readonly #late: { readonly due: number; readonly trace: number }[] = []
  #lateAt = 0
  #traces = 0
  #lane = 0
  #state = 1

  constructor(shape: Shape, made: Uint16Array) {
    this.#shape = shape
    this.#made = made
    this.#trace = new Int32Array(shape.lanes)
    this.#left = new Int32Array(shape.lanes)
    this.#failsIn = new Int32Array(shape.lanes)
  }

  next(index: number): Span {
    const late = this.#late[this.#lateAt]
    if (late !== undefined && late.due <= index) {
      this.#lateAt++
      this.#count(late.trace, 1)
      return spanOf(index, late.trace, false)
    }
    const lane = this.#lane
    this.#lane = (lane + 1) % this.#shape.lanes
    if (this.#left[lane] === 0) this.#begin(lane)
    const trace = this.#trace[lane] as number
    this.#count(trace, 1)
    const left = (this.#left[lane] as number) - 1
    this.#left[lane] = left
    if (left === 0 && trace % LATE_ONE_OF === 0) this.#late.push({ due: index + this.#shape.lateBehind, trace })
    const failsIn = this.#failsIn[lane] as number
    this.#failsIn[lane] = failsIn - 1
    if (failsIn === 0) this.#made[trace] = (this.#made[trace] as number) | FAILED_BIT
    return spanOf(index, trace, failsIn === 0)
  }

  #begin(lane: number): void {
    const trace = this.#traces++
    const { lengthMin, lengthMax } = this.#shape
    const length = lengthMin + (this.#random() % (lengthMax - lengthMin + 1))
    const fails = this.#random() % FAILS_ONE_OF === 0
    this.#trace[lane] = trace
    this.#left[lane] = length
    this.#failsIn[lane] = fails ? this.#random() % length : -1
  }

  #count(trace: number, spans: number): void {
    this.#made[trace] = (this.#made[trace] as number) + spans
  }

  /** mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let bits = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return (bits ^ (bits >>> 14)) >>> 0
  }
}

const OK = { code: 'unset', message: '' } as const
const FAILED = { code: 'error', message: 'failed' } as const
const RESOURCE = '{"attributes":{"service.name":"shop"}}'

function spanOf(index: number, trace: number, failed: boolean): Span {
  return {
    traceId: trace.toString(16).padStart(32, '0'),
    spanId: (index + 1).toString(16).padStart(16, '0'),
    parentSpanId: '',
    name: 'GET /orders/{id}',
    kind: 'server',
    startTimeMs: 1_700_000_000_000 + index / 200,
    startTimeNanos: 0,
    endTimeMs: 1_700_000_000_005 + index / 200,
    endTimeNanos: 0,
    durationMs: 5,
    status: failed ? FAILED : OK,
    attributes: { 'http.request.method': 'GET', 'http.route': '/orders/{id}', 'http.response.status_code': failed ? 500 : 200 },
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    traceState: '',
    flags: 1,
    serviceName: 'shop',
    resource: RESOURCE,
    scopeName: 'http',
    scope: '{"name":"http"}',
  }
}

export default defineJob(
  { name: 'bench-telemetry', params },
  (job, { spans, rate, decideAfterMs, records, bytes, recordsPerTrace, made, kept, ...shape }) => {
    const keptSpans = new Uint16Array(kept)
    let maker: SpanMaker | undefined
    const spanAt = (index: number): Span => {
      maker ??= new SpanMaker(shape, new Uint16Array(made))
      return maker.next(index)
    }
    job
      .source('spans', generate(spanAt, { count: spans, rate }))
      .keyBy(({ traceId }) => traceId)
      .tailSample('tail', {
        decideAfter: decideAfterMs,
        policies: [errors(), slowerThan('1h'), attribute('http.route', '/checkout', 'checkout'), keepShare('others', 0.01)],
        records,
        bytes,
        recordsPerTrace,
      })
      .sink(
        'kept',
        forEach(({ traceId }) => {
          const trace = Number.parseInt(traceId, 16)
          keptSpans[trace] = (keptSpans[trace] as number) + 1
        }),
      )
  },
)
