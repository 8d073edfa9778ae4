/** What a run of the benchmarks found, as it is written to a file. */
import type { Contender, Figure, Measurement, Series } from './figure.js'
import type { Machine } from './machine.js'
import { pairwiseRatios, type Summary, summarise } from './statistics.js'

export interface ContenderResult extends Summary {
  readonly id: string
  readonly label: string
  readonly role: Contender['role']
  /** By process. */
  readonly values: readonly number[]
  readonly cpuNsPerRecord: Summary | undefined
  readonly details: Readonly<Record<string, Summary>>
  /** How many times better Sluice is, round by round; undefined for Sluice itself. */
  readonly ratio: Summary | undefined
  /** The same in CPU time per record. */
  readonly cpuRatio: Summary | undefined
  /** What is drawn: of the process whose value is the median. */
  readonly series?: Series | undefined
  /** What went wrong, by process. */
  readonly failures: readonly string[]
}

export interface FigureResult {
  readonly id: string
  readonly title: string
  readonly unit: Figure['unit']
  readonly better: Figure['better']
  readonly valueName: string | undefined
  readonly contenders: readonly ContenderResult[]
}

export interface TargetResult {
  readonly target: string
  readonly unit: string
  readonly value: number
  readonly floor: number
  readonly aim: number
  readonly better: 'higher' | 'lower'
  readonly met: 'aim' | 'floor' | 'no'
}

export interface Results {
  readonly date: string
  readonly commit: string
  readonly quick: boolean
  readonly processes: number
  readonly machine: Machine
  readonly figures: readonly FigureResult[]
  readonly targets: readonly TargetResult[]
}

/** One contender's measurements; undefined where the process failed, so that rounds stay aligned. */
export interface Rounds {
  readonly contender: Contender
  readonly measurements: readonly (Measurement | undefined)[]
  readonly failures: readonly string[]
}

export function figureResult(figure: Figure, rounds: readonly Rounds[]): FigureResult {
  const own = rounds.find(({ contender }) => contender.role === 'sluice')
  return {
    id: figure.id,
    title: figure.title,
    unit: figure.unit,
    better: figure.better,
    valueName: figure.valueName,
    contenders: rounds.map((each) => contenderResult(figure, each, own)),
  }
}

function contenderResult(figure: Figure, rounds: Rounds, own: Rounds | undefined): ContenderResult {
  const { contender, measurements, failures } = rounds
  const done = measurements.filter((measurement) => measurement !== undefined)
  const values = done.map(({ value }) => value)
  const cpu = done.flatMap(({ cpuNsPerRecord }) => (cpuNsPerRecord === undefined ? [] : [cpuNsPerRecord]))
  const names = [...new Set(done.flatMap(({ details }) => Object.keys(details ?? {})))]
  return {
    id: contender.id,
    label: contender.label,
    role: contender.role,
    values,
    ...summarise(values),
    cpuNsPerRecord: cpu.length === 0 ? undefined : summarise(cpu),
    details: Object.fromEntries(names.map((name) => [name, summarise(done.flatMap(({ details }) => details?.[name] ?? []))])),
    ratio: own === undefined || own === rounds ? undefined : ratioOf(own, rounds, ({ value }) => value, figure.better),
    cpuRatio: own === undefined || own === rounds ? undefined : ratioOf(own, rounds, ({ cpuNsPerRecord }) => cpuNsPerRecord, 'lower'),
    series: atMedian(done)?.series,
    failures,
  }
}

/** The measurement in the middle; of an even number the lower one of both. */
function atMedian(done: readonly Measurement[]): Measurement | undefined {
  return done.toSorted((left, right) => left.value - right.value)[(done.length - 1) >> 1]
}

function ratioOf(
  own: Rounds,
  other: Rounds,
  read: (measurement: Measurement) => number | undefined,
  better: Figure['better'],
): Summary | undefined {
  const mine: number[] = []
  const theirs: number[] = []
  own.measurements.forEach((measurement, round) => {
    const opposite = other.measurements[round]
    const left = measurement === undefined ? undefined : read(measurement)
    const right = opposite === undefined ? undefined : read(opposite)
    if (left === undefined || right === undefined || left <= 0 || right <= 0) return
    mine.push(left)
    theirs.push(right)
  })
  if (mine.length === 0) return undefined
  return summarise(better === 'higher' ? pairwiseRatios(mine, theirs) : pairwiseRatios(theirs, mine))
}
