/** What is asked of a process that measures or checks one query, and what it answers. */
export interface QueryTask {
  readonly what: 'job' | 'loop' | 'check'
  readonly query: string
  readonly events: number
  readonly groupSize: number
  readonly parallelism: number
}

export interface QueryMeasurement {
  /** All events are counted, also those of kinds that the query does not read: over the second half, to the end of the last sink. */
  readonly eventsPerSecond: number
  /** From the first event on, with the work of the JIT. */
  readonly coldEventsPerSecond: number
  /** Of all threads, over the second half. */
  readonly cpuSecondsPerMillionEvents: number
  /** Largest resident set of the process. */
  readonly peakBytes: number
  /** The events themselves, which are part of the resident set. */
  readonly eventsBytes: number
  /** Rows; of updating results changes. 0 where the query writes its results itself. */
  readonly results: number
  /** Of a job: its tasks and the edges between them. */
  readonly plan?: readonly string[] | undefined
}

export interface CheckResult {
  /** What the result was held against. */
  readonly against: string
  /** What differs; undefined where nothing does. */
  readonly difference?: string | undefined
}
