/** Operators for tests of event time. */
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { OperatorSpec, SplitReader, SplitSourceSpec, TimestampsSpec, WatermarkSpec } from '../../src/graph/operator-spec.js'

export interface Timed {
  readonly t: number
}

export function timestamps(options: Partial<WatermarkSpec> = {}): TimestampsSpec {
  return {
    kind: 'timestamps',
    fn: (record: Timed) => record.t,
    watermarks: { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false, ...options },
  }
}

export function splits(
  count: number,
  open: (split: number) => SplitReader | Promise<SplitReader>,
  options: Partial<SplitSourceSpec> = {},
): SplitSourceSpec {
  const list = Array.from({ length: count }, (_, split) => split)
  return { kind: 'source', reads: 'splits', splits: () => list, open: (split) => open(split as number), replayable: true, ...options }
}

/** What one subtask of a watching operator saw, in order. */
export interface Seen {
  readonly subtask: number
  readonly watermark?: number
  readonly value?: Timed
  readonly timestamp?: number
  /** The operator's watermark when the record came. */
  readonly at?: number
}

/** Passes records on and writes down what it sees, with the time of the test. */
export function watch(seen: Seen[], onWatermark: (watermark: number, context: OperatorContext) => void = () => {}): OperatorSpec {
  return {
    kind: 'general',
    create: (context) => {
      let at = Number.NEGATIVE_INFINITY
      const { index } = context.subtask
      return {
        process(value, timestamp) {
          seen.push({ subtask: index, value: value as Timed, timestamp, at })
          context.emit(value, timestamp)
        },
        onWatermark(watermark) {
          at = watermark
          seen.push({ subtask: index, watermark })
          onWatermark(watermark, context)
        },
      }
    },
  }
}

export interface WindowResult {
  readonly key: number
  readonly end: number
  readonly count: number
}

/** Tumbling windows that count per key; one result per call of `fire`. Late records are counted. */
export function countWindows(sizeMs: number, keyOf: (record: Timed) => number): OperatorSpec {
  return {
    kind: 'general',
    create: (context) => {
      const windows = new Map<number, Map<number, number>>()
      let at = Number.NEGATIVE_INFINITY
      let due: WindowResult[] = []
      return {
        process(value, timestamp) {
          const end = Math.floor(timestamp / sizeMs) * sizeMs + sizeMs
          if (end - 1 <= at) return context.countLate(1)
          let window = windows.get(end)
          if (window === undefined) windows.set(end, (window = new Map()))
          const key = keyOf(value as Timed)
          window.set(key, (window.get(key) ?? 0) + 1)
        },
        onWatermark(watermark) {
          at = watermark
          const ends = [...windows.keys()].filter((end) => end - 1 <= watermark).sort((left, right) => left - right)
          for (const end of ends) {
            const counts = [...(windows.get(end) ?? [])]
            windows.delete(end)
            due.push(...counts.map(([key, count]) => ({ key, end, count })))
          }
        },
        fire() {
          const [next, ...rest] = due
          if (next === undefined) return false
          due = rest
          context.emit({ ...next, t: next.end - 1 }, next.end - 1)
          return true
        },
      }
    },
  }
}
