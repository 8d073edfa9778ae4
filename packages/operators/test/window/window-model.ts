/** Windows done naively: every record is kept in every window that it belongs to, and results are made from all of them. */
import fc from 'fast-check'
import type { Operator } from '@sluice/engine'
import type { FakeOperatorContext } from '../support/fake-operator-context.js'

export interface Reading {
  readonly key: string
  readonly value: number
}

export type Step = { readonly record: Reading; readonly timestamp: number } | { readonly watermark: number }

export interface Result {
  readonly key: string
  readonly start: number
  readonly end: number
  readonly values: readonly number[]
}

/** What one step gave: results, sorted where their order is not promised, and how many records were late. */
export interface Outcome {
  readonly results: readonly Result[]
  readonly late: number
}

interface ModelWindow {
  readonly start: number
  readonly end: number
  readonly values: Map<string, number[]>
}

/** Windows of fixed bounds: `windowsOf` gives all those that a timestamp belongs to. */
export function modelOf(
  steps: readonly Step[],
  windowsOf: (timestamp: number) => readonly { readonly start: number; readonly end: number }[],
  latenessMs: number,
): readonly Outcome[] {
  let watermark = Number.NEGATIVE_INFINITY
  const open = new Map<number, ModelWindow>()
  return [...steps, { watermark: Number.POSITIVE_INFINITY }].map((step): Outcome => {
    const results: Result[] = []
    if ('watermark' in step) {
      const before = watermark
      watermark = Math.max(watermark, step.watermark)
      for (const { start, end, values } of open.values()) {
        if (end - 1 <= before || end - 1 > watermark) continue
        for (const [key, list] of values) results.push({ key, start, end, values: [...list] })
      }
      return { results: sorted(results), late: 0 }
    }
    const { record, timestamp } = step
    const live = windowsOf(timestamp).filter(({ end }) => end - 1 + latenessMs > watermark)
    for (const { start, end } of live) {
      const window = open.get(start) ?? { start, end, values: new Map() }
      open.set(start, window)
      const list = window.values.get(record.key) ?? []
      window.values.set(record.key, [...list, record.value])
      if (end - 1 <= watermark) results.push({ key: record.key, start, end, values: [...list, record.value] })
    }
    return { results: sorted(results), late: live.length === 0 ? 1 : 0 }
  })
}

/** Runs an operator over the steps, and the end of the input. */
export async function outcomesOf(
  steps: readonly Step[],
  context: FakeOperatorContext,
  operator: Operator,
  resultOf: (value: never) => Result,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let watermark = Number.NEGATIVE_INFINITY
  const take = (): Outcome => {
    const emitted = context.emitted.splice(0)
    const results = emitted.filter(({ port }) => port === 0).map(({ value }) => resultOf(value as never))
    for (const [index, { timestamp }] of emitted.filter(({ port }) => port === 0).entries()) {
      if (timestamp !== (results[index] as Result).end - 1) throw new Error(`a result of ${results[index]?.end} has the time ${timestamp}`)
    }
    // Results leave in the order of time.
    for (const [index, { end }] of results.entries()) {
      if (end < (results[index - 1]?.end ?? end)) throw new Error(`a result of ${end} comes after one of ${results[index - 1]?.end}`)
    }
    const { late } = context
    context.late = 0
    if (emitted.filter(({ port }) => port === 1).length !== late) throw new Error('late records are counted and sent')
    return { results: sorted(results), late }
  }
  for (const step of steps) {
    if ('record' in step) operator.process(step.record, step.timestamp, 0)
    else if (step.watermark > watermark) {
      watermark = step.watermark
      context.advanceWatermark(watermark)
    }
    outcomes.push(take())
  }
  await context.end()
  outcomes.push(take())
  for (const [name, { size }] of context.state) if (size !== 0) throw new Error(`${size} rows of ${name} are left at the end`)
  return outcomes
}

function sorted(results: readonly Result[]): readonly Result[] {
  return results.toSorted((left, right) => left.end - right.end || left.start - right.start || (left.key < right.key ? -1 : 1))
}

/** Records around a time that moves on, some of them far behind, and watermarks. */
export const arbitrarySteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          key: fc.constantFrom('a', 'b', 'c'),
          value: fc.integer({ min: 0, max: 9 }),
          at: fc.integer({ min: -60, max: 25 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ by: fc.integer({ min: 0, max: 40 }), behind: fc.integer({ min: 0, max: 25 }) }) },
    ),
    { maxLength: 80 },
  )
  .map((moves) => {
    let time = -40
    return moves.map((move): Step => {
      if ('by' in move) {
        time += move.by
        return { watermark: time - move.behind }
      }
      return { record: { key: move.key, value: move.value }, timestamp: time + move.at }
    })
  })
