/** What is measured: a figure has contenders that do the same work, one of them Sluice, one of them the limit. */

export type Unit = 'M records/s' | 'k records/s' | 'ns per record' | 'ms' | 'us' | '% of a core' | 'bytes' | 's' | 'x' | 'requests'

/** What one process measured. */
export interface Measurement {
  readonly value: number
  /** CPU time of all threads of the process per record: steadier than the clock where the machine is shared. */
  readonly cpuNsPerRecord?: number | undefined
  /** Further numbers by name, in the unit of the figure: p50, p99.9. */
  readonly details?: Readonly<Record<string, number>> | undefined
  /** What is drawn: values over one axis, all equally long. */
  readonly series?: Series | undefined
}

export type Series = Readonly<Record<string, readonly number[]>>

/** Figures that are taken by themselves alone, with charts. */
export type Section = 'flow-control' | 'borders'

export interface MeasureOptions {
  /** A smoke run: as short as it can be and still go through everything. */
  readonly quick: boolean
}

export interface Contender {
  readonly id: string
  readonly label: string
  /** `extra`: Sluice, but not through its public API, or not what the target speaks of. */
  readonly role: 'sluice' | 'limit' | 'peer' | 'extra'
  readonly measure: (options: MeasureOptions) => Promise<Measurement>
}

export interface Figure {
  /** `row/figure`, what `--only` looks for. */
  readonly id: string
  readonly title: string
  readonly unit: Unit
  readonly better: 'higher' | 'lower'
  /** What `Measurement.value` is, where it is one of several numbers. */
  readonly valueName?: string | undefined
  readonly contenders: readonly Contender[]
  /** Part of a smoke run. */
  readonly quick: boolean
  /** Taken only when it is asked for: its section and its results are its own. */
  readonly section?: Section | undefined
  /** How long one process may take. Default 2 min. */
  readonly timeLimitMs?: number | undefined
  /** Processes per contender at most. */
  readonly processesMax?: number | undefined
}
