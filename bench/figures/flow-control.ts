/** Flow control: how the source follows its consumer, where a producer begins to be held, and what strategies keep under overload. Taken by `--only flow-control`. */
import type { FanOutMode } from '../contenders/fan-out.js'
import type { OverloadPolicy } from '../contenders/overload.js'
import type { Figure, Measurement, MeasureOptions } from '../harness/figure.js'
import { type Described, sluiceFigure } from './sluice-figure.js'

const HOPS = [1, 4, 16] as const
const WORK_US = [5, 50] as const
const fanOuts: readonly { mode: FanOutMode; title: string }[] = [
  { mode: 'lossless', title: 'lossless' },
  { mode: 'latest', title: '`latest` in front of the slow ones' },
  { mode: 'drop-oldest', title: '`drop-oldest` in front of the slow ones' },
  { mode: 'sample', title: '`sample` in front of the slow ones' },
]
const policies: readonly OverloadPolicy[] = ['none', 'drop-newest', 'drop-oldest', 'sample', 'priority', 'latest', 'spill']

const figure = (described: Described, measure: (options: MeasureOptions) => Promise<Measurement>): Figure =>
  sluiceFigure('flow-control', described, measure)

export const flowControlFigures: readonly Figure[] = [
  ...HOPS.map((hops) =>
    figure(
      {
        id: `slow-consumer-${hops}`,
        title: `A consumer ten times slower for 10 s, behind ${hops === 1 ? 'one edge' : `${hops} edges`}`,
        unit: 'ms',
        better: 'lower',
        valueName: 'reaction',
        quick: true,
      },
      async (options) => (await import('../contenders/slow-consumer.js')).measureSlowConsumer(hops, options),
    ),
  ),
  ...WORK_US.map((workUs) =>
    figure(
      {
        id: `ramp-${workUs}us`,
        title: `Ramp to overload, ${workUs} us of work per record`,
        unit: 'x',
        better: 'higher',
        valueName: 'lambda_bp / lambda_max',
        quick: true,
      },
      async (options) => (await import('../contenders/ramp.js')).measureRamp(workUs, options),
    ),
  ),
  ...fanOuts.map(({ mode, title }) =>
    figure(
      {
        id: `fan-out-${mode}`,
        title: `Fan-out to 12 consumers, ${title}`,
        unit: 'x',
        better: 'higher',
        valueName: 'of the alone-rate of the fastest',
        quick: true,
      },
      async (options) => (await import('../contenders/fan-out.js')).measureFanOut(mode, options),
    ),
  ),
  ...policies.map((policy) =>
    figure(
      {
        id: `overload-${policy}`,
        title: `Overload at twice the capacity, ${policy === 'none' ? 'no policy' : `\`${policy}\``}`,
        unit: 'k records/s',
        better: 'higher',
        valueName: 'goodput',
        quick: true,
        processesMax: 1,
      },
      async (options) => (await import('../contenders/overload.js')).measureOverload(policy, options),
    ),
  ),
]
