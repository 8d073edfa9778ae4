/** One edge as a hand-written loop. */
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { throughputSpan } from '../harness/spans.js'
import { runThreads } from '../harness/threads.js'
import type { RingLoopData } from '../limits/ring-loop.js'
import { createRing } from '../limits/ring-words.js'
import type { KindName } from '../records/kinds.js'

export async function measureRing(kind: KindName, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const common = { kind, board, ring: createRing(), span: throughputSpan(options) }
  const data: RingLoopData[] = [
    { ...common, role: 'producer' },
    { ...common, role: 'consumer' },
  ]
  return rateOf(await runThreads({ module: new URL('../limits/ring-thread.js', import.meta.url), data, board, slots: 1 }))
}
