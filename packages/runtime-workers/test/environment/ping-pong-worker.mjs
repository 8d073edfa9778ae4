/** One of two threads that hand a turn back and forth the way task loops do: announce, look again, park. */
import { Doorbell } from '@sluice/engine'
import { parentPort, workerData } from 'node:worker_threads'
import { ThreadClock } from '../../dist/environment/thread-clock.js'
import { ThreadSleeper } from '../../dist/environment/thread-sleeper.js'

const { control, turns, rounds, me, deadlineEvery } = workerData
const clock = new ThreadClock()
const sleeper = new ThreadSleeper({ clock, mayBlock: true })
const mine = new Doorbell(control, 2, me)
const other = new Doorbell(control, 2, 1 - me)
const turn = new Int32Array(turns)
let parks = 0

for (let round = me; round < rounds; round += 2) {
  while (Atomics.load(turn, 0) < round) {
    const seen = mine.announceParked()
    // Deadlines of all lengths come between the rings, so that waiters and timers are left over from earlier parks.
    const deadlineMs = ++parks % deadlineEvery === 0 ? clock.monotonicMs() + (parks % 7) / 2 : undefined
    if (Atomics.load(turn, 0) < round) await sleeper.park(mine, seen, deadlineMs)
    mine.announceAwake()
  }
  Atomics.store(turn, 0, round + 1)
  other.ring()
}
await sleeper.close()
parentPort.postMessage({ parks })
