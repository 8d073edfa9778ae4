/** What is aimed at on two cores, and whether it was met. The floor is what must be reached, the aim what is hoped for. */
import type { ContenderResult, FigureResult, TargetResult } from './results.js'

type Read = (figures: ReadonlyMap<string, FigureResult>) => number | undefined

interface Target {
  readonly target: string
  readonly unit: string
  readonly read: Read
  readonly floor: number
  readonly aim: number
  readonly better: 'higher' | 'lower'
}

function contender(figures: ReadonlyMap<string, FigureResult>, figure: string, id: string): ContenderResult | undefined {
  const found = figures.get(figure)?.contenders.find((each) => each.id === id)
  return found === undefined || found.values.length === 0 ? undefined : found
}

const value =
  (figure: string): Read =>
  (figures) =>
    contender(figures, figure, 'sluice')?.median

const ratio =
  (figure: string, to: string): Read =>
  (figures) =>
    contender(figures, figure, to)?.ratio?.median

const worst =
  (...figures: string[]): Read =>
  (found) => {
    const values = figures.map((figure) => contender(found, figure, 'sluice')?.max).filter((each) => each !== undefined)
    return values.length === 0 ? undefined : Math.max(...values)
  }

/** Time per map without what the source and the sink take. */
const perMap: Read = (figures) => {
  const short = contender(figures, 'chain/1-map', 'sluice')?.median
  const long = contender(figures, 'chain/16-maps', 'sluice')?.median
  return short === undefined || long === undefined ? undefined : (long - short) / 15
}

/** Of the same work with 60 times as many results. */
const slidingRatio: Read = (figures) => {
  const often = contender(figures, 'windows/sliding-1s', 'sluice')?.median
  const seldom = contender(figures, 'windows/sliding-1m', 'sluice')?.median
  return often === undefined || seldom === undefined ? undefined : often / seldom
}

/** What the longest pause is with checkpoints, above what it is without. */
const pauseOfCheckpoints: Read = (figures) => {
  const on = contender(figures, 'checkpoints/pause', 'sluice')?.median
  const off = contender(figures, 'checkpoints/pause', 'none')?.median
  return on === undefined || off === undefined ? undefined : Math.max(0, on - off)
}

const targets: readonly Target[] = [
  {
    target: 'one edge, 64-byte records, to the limit loop',
    unit: 'x',
    read: ratio('edge/numbers64', 'limit'),
    floor: 0.35,
    aim: 0.6,
    better: 'higher',
  },
  { target: 'one edge, 64-byte records', unit: 'M records/s', read: value('edge/numbers64'), floor: 30, aim: 90, better: 'higher' },
  {
    target: 'one edge, string of 49 characters, to the limit loop',
    unit: 'x',
    read: ratio('edge/text49', 'limit'),
    floor: 0.5,
    aim: 0.85,
    better: 'higher',
  },
  {
    target: 'the same, to `postMessage` of arrays of 256',
    unit: 'x',
    read: ratio('edge/text49', 'objects'),
    floor: 3,
    aim: 6,
    better: 'higher',
  },
  {
    target: 'keyed exchange and count, to the limit loop',
    unit: 'x',
    read: ratio('exchange/count', 'limit'),
    floor: 0.4,
    aim: 0.7,
    better: 'higher',
  },
  {
    target: 'chain of 16 maps, to a generated loop',
    unit: 'x',
    read: ratio('chain/16-maps', 'limit'),
    floor: 0.4,
    aim: 0.8,
    better: 'higher',
  },
  { target: 'chain of 16 maps, per map', unit: 'ns', read: perMap, floor: 4, aim: 1.5, better: 'lower' },
  { target: 'latency at 10 k records/s, p99', unit: 'us', read: value('latency/10k'), floor: 1000, aim: 200, better: 'lower' },
  { target: 'idle job, CPU', unit: '% of a core', read: value('idle/cpu'), floor: 1, aim: 0.2, better: 'lower' },
  {
    target: 'held above the bound behind a stalled sink, worst',
    unit: 'bytes',
    read: worst('stalled/numbers64', 'stalled/page1k'),
    floor: 0,
    aim: 0,
    better: 'lower',
  },
  {
    target: 'start of a small job to its first record',
    unit: 'ms',
    read: value('start/first-record'),
    floor: 400,
    aim: 200,
    better: 'lower',
  },
  {
    target: 'sliding window of 10 min every second, to every minute',
    unit: 'x',
    read: slidingRatio,
    floor: 1.5,
    aim: 1.5,
    better: 'lower',
  },
  {
    target: 'throughput with a checkpoint every second and 1 M keys, to none',
    unit: 'x',
    read: ratio('checkpoints/throughput', 'none'),
    floor: 0.85,
    aim: 0.97,
    better: 'higher',
  },
  {
    target: 'longest pause of records with checkpoints, beyond that without',
    unit: 'ms',
    read: pauseOfCheckpoints,
    floor: 40,
    aim: 5,
    better: 'lower',
  },
  {
    target: 'unaligned checkpoint behind a sink that does not return',
    unit: 'ms',
    read: value('checkpoints/unaligned'),
    floor: 1000,
    aim: 200,
    better: 'lower',
  },
  {
    target: 'the same begun aligned, unaligned after 500 ms',
    unit: 'ms',
    read: value('checkpoints/aligned-timeout'),
    floor: 1500,
    aim: 800,
    better: 'lower',
  },
  {
    target: 'restore of 1 M keys to the first result',
    unit: 'ms',
    read: value('checkpoints/restore'),
    floor: 2000,
    aim: 700,
    better: 'lower',
  },
  { target: 'size of a checkpoint to the raw state', unit: 'x', read: value('checkpoints/size'), floor: 1.5, aim: 1.1, better: 'lower' },
  ...[5, 50].map((workUs) => ({
    target: `lambda_bp to lambda_max, ${workUs} us of work per record`,
    unit: 'x',
    read: value(`flow-control/ramp-${workUs}us`),
    floor: 0.85,
    aim: 0.95,
    better: 'higher' as const,
  })),
  ...['latest', 'drop-oldest', 'sample'].map((policy) => ({
    target: `fastest of 12 consumers to its rate alone, \`${policy}\` in front of the slow ones`,
    unit: 'x',
    read: value(`flow-control/fan-out-${policy}`),
    floor: 0.8,
    aim: 0.95,
    better: 'higher' as const,
  })),
  { target: 'type checking of a job of 200 nodes', unit: 's', read: value('types/200-nodes'), floor: 0.5, aim: 0.5, better: 'lower' },
]

/** Of the figures that were taken. */
export function judgeTargets(figures: readonly FigureResult[]): TargetResult[] {
  const byId = new Map(figures.map((figure) => [figure.id, figure]))
  return targets.flatMap(({ read, ...target }) => {
    const value = read(byId)
    if (value === undefined) return []
    const reaches = (bound: number): boolean => (target.better === 'higher' ? value >= bound : value <= bound)
    return [{ ...target, value, met: reaches(target.aim) ? 'aim' : reaches(target.floor) ? 'floor' : 'no' }]
  })
}
