/** A chain of steps on one thread, as a job and as everything it is compared to. Time per record. */
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard, Meter, type Reading, readSlot } from '../harness/meter.js'
import { timeOf } from '../harness/rate.js'
import { runMetered } from '../harness/run-job.js'
import { throughputSpan } from '../harness/spans.js'
import { generatedLoop, inlinedLoop } from '../limits/chain-loops.js'
import { type ChainName, chainSteps, type Step } from '../records/chain-steps.js'
import { asyncGenerators, nodeStreams, rxjs } from './chain-peers.js'

const styles = { generatedLoop, inlinedLoop, nodeStreams, rxjs, asyncGenerators } satisfies Record<
  string,
  (steps: readonly Step[], meter: Meter) => void | Promise<void>
>
export type ChainStyle = keyof typeof styles

export async function measureChainLoop(style: ChainStyle, chain: ChainName, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  await styles[style](chainSteps(chain), new Meter(board, 0, throughputSpan(options)))
  return timeOf([readSlot(board, 0) as Reading])
}

export async function measureChain(chain: ChainName, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const { readings } = await runMetered({
    job: new URL('../jobs/chain.job.js', import.meta.url),
    params: { board, span: throughputSpan(options), chain },
    workers: 1,
    parallelism: 1,
    board,
    slots: 1,
    rings: 0,
  })
  return timeOf(readings)
}
