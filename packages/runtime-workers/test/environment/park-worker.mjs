/** Parks with nothing else that would keep its thread alive. */
import { Doorbell } from '@sluice/engine'
import { parentPort, workerData } from 'node:worker_threads'
import { ThreadClock } from '../../dist/environment/thread-clock.js'
import { ThreadSleeper } from '../../dist/environment/thread-sleeper.js'

const clock = new ThreadClock()
const sleeper = new ThreadSleeper({ clock, mayBlock: false })
const bell = new Doorbell(workerData.control, 1, 0)
const seen = bell.announceParked()
const waiting = sleeper.park(bell, seen, undefined)
parentPort.postMessage('parked')
await waiting
parentPort.postMessage({ wokenAtMs: clock.monotonicMs() })
await sleeper.close()
