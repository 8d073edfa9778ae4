import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimerQueue } from '../../src/state/timer-queue.js'

interface Timer {
  readonly time: number
  readonly slot: number
  readonly namespace: number
  readonly order: number
}

const groupOf = (slot: number): number => (slot * 5) % 3

/** Timers in an array that is sorted whenever it is asked. */
class SortedTimers {
  #timers: Timer[] = []
  #order = 0

  #same(time: number, slot: number, namespace: number): (timer: Timer) => boolean {
    return (timer) => timer.time === time && timer.slot === slot && timer.namespace === namespace
  }

  get size(): number {
    return this.#timers.length
  }

  set(time: number, slot: number, namespace: number): boolean {
    if (this.#timers.some(this.#same(time, slot, namespace))) return false
    this.#timers.push({ time, slot, namespace, order: this.#order++ })
    return true
  }

  cancel(time: number, slot: number, namespace: number): boolean {
    const before = this.size
    this.#timers = this.#timers.filter((timer) => !this.#same(time, slot, namespace)(timer))
    return this.size < before
  }

  take(until: number): Timer | undefined {
    this.#timers.sort((a, b) => a.time - b.time || groupOf(a.slot) - groupOf(b.slot) || a.order - b.order)
    const [first] = this.#timers
    return first !== undefined && first.time <= until ? this.#timers.shift() : undefined
  }
}

const times = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom(0.5, -0, 2 ** 40, 2 ** 40 + 0.25, -8.64e15))
const step = fc.record({
  action: fc.constantFrom('set', 'set', 'set', 'cancel', 'take', 'drain'),
  time: times,
  slot: fc.nat({ max: 6 }),
  namespace: fc.constantFrom(0, 0, 0, 7, 1.5),
})

test.each([undefined, 300])('timers fire as from a sorted array, whatever is set and cancelled (sequences: %s)', (sequences) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new TimerQueue(undefined, sequences)
      const model = new SortedTimers()
      const takeBoth = (until: number): boolean => {
        const expected = model.take(until)
        expect(queue.take(until)).toBe(expected !== undefined)
        if (expected === undefined) return false
        const { time, slot, namespace } = queue
        expect({ time: time + 0, slot, namespace }).toEqual({ time: expected.time + 0, slot: expected.slot, namespace: expected.namespace })
        return true
      }
      const drain = (until: number): void => {
        let more = true
        while (more) more = takeBoth(until)
      }
      for (const { action, time, slot, namespace } of steps) {
        if (action === 'set') expect(queue.set(time, groupOf(slot), slot, namespace)).toBe(model.set(time, slot, namespace))
        else if (action === 'cancel') expect(queue.cancel(time, slot, namespace)).toBe(model.cancel(time, slot, namespace))
        else if (action === 'take') takeBoth(time)
        else drain(time)
        expect(queue.size).toBe(model.size)
      }
      drain(Number.POSITIVE_INFINITY)
      expect(queue.dueAt).toBe(Number.POSITIVE_INFINITY)
    }),
  )
})

test('registrations are numbered anew before their numbers run out, and keep their order', () => {
  const queue = new TimerQueue(undefined, 8)
  const fired: number[] = []
  for (let slot = 0; slot < 100; slot++) {
    queue.set(1, 2, slot)
    if (slot < 4) continue
    queue.take(1)
    fired.push(queue.slot)
  }
  expect(fired).toEqual(Array.from({ length: 96 }, (_none, slot) => slot))
})

test('many timers come in order, half of them cancelled', () => {
  const queue = new TimerQueue()
  const count = 20_000
  for (let slot = 0; slot < count; slot++) queue.set((slot * 7919) % 10_007, slot % 128, slot)
  for (let slot = 0; slot < count; slot += 2) expect(queue.cancel((slot * 7919) % 10_007, slot)).toBe(true)
  let last = Number.NEGATIVE_INFINITY
  let taken = 0
  while (queue.take(Number.POSITIVE_INFINITY)) {
    expect(queue.time).toBeGreaterThanOrEqual(last)
    expect(queue.slot % 2).toBe(1)
    last = queue.time
    taken++
  }
  expect(taken).toBe(count / 2)
})

test('a queue that was cleared can be used again', () => {
  const queue = new TimerQueue()
  for (let slot = 0; slot < 50; slot++) queue.set(slot, 0, slot)
  queue.clear()
  expect([queue.size, queue.has(3, 3), queue.take(100)]).toEqual([0, false, false])
  queue.set(3, 0, 3)
  expect(queue.take(3)).toBe(true)
})
