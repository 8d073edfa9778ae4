import { controlBytes, Doorbell } from '@sluice/engine'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { ThreadClock } from '../../dist/environment/thread-clock.js'
import { ThreadSleeper } from '../../dist/environment/thread-sleeper.js'

const clock = new ThreadClock()
const sleepers: ThreadSleeper[] = []

function makeSleeper(mayBlock = false): ThreadSleeper {
  const sleeper = new ThreadSleeper({ clock, mayBlock })
  sleepers.push(sleeper)
  return sleeper
}

function makeBell(): Doorbell {
  return new Doorbell(new SharedArrayBuffer(controlBytes(1)), 1, 0)
}

afterEach(async () => {
  for (const sleeper of sleepers.splice(0)) await sleeper.close()
})

describe('park', () => {
  test('returns at once where the bell rang after it was looked at', async () => {
    const bell = makeBell()
    const seen = bell.announceParked()
    bell.ring()
    await makeSleeper().park(bell, seen, undefined)
    expect(Atomics.load(bell.words, bell.bellAt)).not.toBe(seen)
  })

  test('ends when the bell rings', async () => {
    const bell = makeBell()
    const seen = bell.announceParked()
    const parked = makeSleeper().park(bell, seen, undefined)
    setImmediate(() => bell.ring())
    await parked
    expect(Atomics.load(bell.words, bell.bellAt)).toBe(seen + 1)
  })

  test.each([
    ['a timer', false, 5],
    ['a timer and a short wait', true, 5.5],
    ['a short wait', true, 0.4],
  ])('ends at its deadline and not before: %s', async (_how, mayBlock, delayMs) => {
    const bell = makeBell()
    const deadlineMs = clock.monotonicMs() + delayMs
    await makeSleeper(mayBlock).park(bell, bell.announceParked(), deadlineMs)
    // The kernel rounds a wait down to whole nanoseconds.
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(deadlineMs - 0.001)
  })

  test('a deadline of an earlier park does not end a later one', async () => {
    const bell = makeBell()
    const sleeper = makeSleeper()
    const early = sleeper.park(bell, bell.announceParked(), clock.monotonicMs() + 4)
    bell.ring()
    await early
    const seen = bell.announceParked()
    let ended = false
    const late = sleeper.park(bell, seen, undefined).then(() => {
      ended = true
    })
    // Its own timer is armed later than the one left over, so that one has fired when this one does.
    await makeSleeper().park(makeBell(), 0, clock.monotonicMs() + 8)
    expect(ended).toBe(false)
    bell.wake()
    await late
  })

  test('a waiter left over from a park that ended at its deadline serves the next one', async () => {
    const bell = makeBell()
    const sleeper = makeSleeper()
    for (let round = 0; round < 5; round++) await sleeper.park(bell, bell.announceParked(), clock.monotonicMs() + 2)
    const parked = sleeper.park(bell, bell.announceParked(), undefined)
    setImmediate(() => bell.ring())
    await parked
    expect(Atomics.load(bell.words, bell.bellAt)).toBe(1)
  })
})

test('a closed sleeper leaves no waiter behind', async () => {
  const bell = makeBell()
  const sleeper = makeSleeper()
  await sleeper.park(bell, bell.announceParked(), clock.monotonicMs() + 2)
  await sleeper.close()
  expect(Atomics.notify(bell.words, bell.bellAt)).toBe(0)
})

test('a parked worker stays alive until it is woken, and its clock is ours', async () => {
  const control = new SharedArrayBuffer(controlBytes(1))
  const worker = new Worker(new URL('./park-worker.mjs', import.meta.url), { workerData: { control } })
  const messages: unknown[] = []
  const exited = once(worker, 'exit')
  const woken = new Promise<{ wokenAtMs: number }>((resolve, reject) => {
    worker.on('message', (message: 'parked' | { wokenAtMs: number }) => {
      messages.push(message)
      if (message !== 'parked') resolve(message)
    })
    worker.on('error', reject)
  })
  await once(worker, 'message')
  // An unreferenced wait would let the thread end within these turns.
  for (let turn = 0; turn < 50; turn++) await makeSleeper().park(makeBell(), 0, clock.monotonicMs() + 1)
  const beforeMs = clock.monotonicMs()
  new Doorbell(control, 1, 0).ring()
  const { wokenAtMs } = await woken
  expect(wokenAtMs).toBeGreaterThanOrEqual(beforeMs - 0.05)
  expect(wokenAtMs).toBeLessThanOrEqual(clock.monotonicMs() + 0.05)
  expect(await exited).toEqual([0])
})

test.each([
  ['rings only', 1_000_000_000],
  ['rings and deadlines', 3],
])('no wake-up is lost between two threads in 40,000 rounds: %s', async (_what, deadlineEvery) => {
  const control = new SharedArrayBuffer(controlBytes(2))
  const turns = new SharedArrayBuffer(4)
  const rounds = 40_000
  const threads = [0, 1].map((me) => {
    return new Worker(new URL('./ping-pong-worker.mjs', import.meta.url), { workerData: { control, turns, rounds, me, deadlineEvery } })
  })
  await Promise.all(threads.map((thread) => once(thread, 'exit')))
  expect(Atomics.load(new Int32Array(turns), 0)).toBe(rounds)
})
