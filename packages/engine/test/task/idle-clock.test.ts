import { describe, expect, it } from 'vitest'
import { IdleClock, Silence, type SilenceCode } from '../../src/task/idle-clock.js'

/** Looks at these times, each step taking no time; the time at which the input became idle. */
function idleAt(clock: IdleClock, looks: readonly (readonly [atMs: number, found: SilenceCode])[]): number | undefined {
  for (const [atMs, found] of looks) if (clock.look(atMs, atMs, found)) return atMs
  return undefined
}

/** Looks when the clock asks for it. */
function lookOn(clock: IdleClock, fromMs: number): number {
  let atMs = fromMs
  for (let looks = 0; looks < 100 && !clock.look(atMs, atMs, Silence.empty); looks++) atMs = clock.deadlineMs
  return atMs
}

const empty = Silence.empty
const filtered = Silence.filtered
const none = Silence.none

describe('the idle clock', () => {
  it('runs while the input has nothing', () => {
    expect(lookOn(new IdleClock(30_000), 5)).toBeCloseTo(30_005, 3)
  })

  it('stands still between a look that found something and the next', () => {
    const clock = new IdleClock(1000)
    expect(
      idleAt(clock, [
        [0, empty],
        [240, empty],
        [490, empty],
        [500, none],
        [90_000, empty],
        [90_240, empty],
        [90_480, empty],
        [90_490, none],
        [200_000, empty],
      ]),
    ).toBe(undefined)
    expect(clock.deadlineMs).toBe(200_000 + 1000 - 970)
  })

  it('begins anew with a record', () => {
    const clock = new IdleClock(1000)
    idleAt(clock, [
      [0, empty],
      [250, empty],
      [500, empty],
      [750, empty],
    ])
    clock.reset()
    expect(lookOn(clock, 800)).toBeCloseTo(1800, 3)
  })

  it('counts one look of a pause of the whole process', () => {
    const clock = new IdleClock(1000)
    expect(
      idleAt(clock, [
        [0, empty],
        [10_000_000, empty],
      ]),
    ).toBe(undefined)
    expect(clock.deadlineMs).toBe(10_000_250)
  })

  it('runs while records come and all are filtered out, but not through one long call', () => {
    const clock = new IdleClock(1000)
    const steps = Array.from({ length: 2000 }, (_, step) => [step, filtered] as const)
    expect(idleAt(clock, steps)).toBe(1000)
    const slow = new IdleClock(1000)
    slow.look(0, 0, filtered)
    expect(slow.look(1, 900_000, filtered)).toBe(false)
  })

  it('counts the waiting between records that are filtered out', () => {
    const clock = new IdleClock(1000)
    expect(
      idleAt(
        clock,
        Array.from({ length: 20 }, (_, index) => [index * 100, index % 2 === 0 ? empty : filtered] as const),
      ),
    ).toBe(1000)
  })

  it('is never idle without a limit', () => {
    const clock = new IdleClock(Number.POSITIVE_INFINITY)
    expect(
      idleAt(clock, [
        [0, empty],
        [1e12, empty],
      ]),
    ).toBe(undefined)
    expect(clock.deadlineMs).toBe(Number.POSITIVE_INFINITY)
  })
})
