/** One edge by messages between threads. */
import { MessageChannel } from 'node:worker_threads'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard } from '../harness/meter.js'
import { rateOf } from '../harness/rate.js'
import { throughputSpan } from '../harness/spans.js'
import { runThreads } from '../harness/threads.js'
import type { PostLoopData } from '../limits/post-loop.js'
import type { KindName } from '../records/kinds.js'

export async function measurePost(kind: KindName, style: PostLoopData['style'], options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const { port1, port2 } = new MessageChannel()
  const common = { style, kind, board, span: throughputSpan(options) }
  const data: PostLoopData[] = [
    { ...common, role: 'producer', port: port1 },
    { ...common, role: 'consumer', port: port2 },
  ]
  const module = new URL('../limits/post-thread.js', import.meta.url)
  return rateOf(await runThreads({ module, data, transfer: [[port1], [port2]], board, slots: 1 }))
}
