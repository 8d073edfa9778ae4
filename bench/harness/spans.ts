/** How long things are measured, in one place. */
import type { MeasureOptions } from './figure.js'
import type { Span } from './meter.js'

/** Throughput: warm-up covers the start of threads' optimised code on both sides. */
export function throughputSpan({ quick }: MeasureOptions): Span {
  return quick ? { warmMs: 100, measureMs: 150 } : { warmMs: 800, measureMs: 1_500 }
}
