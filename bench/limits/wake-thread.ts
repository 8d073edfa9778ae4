/** Entry of a thread of the wake-up loop. */
import { workerData } from 'node:worker_threads'
import { consumeDue, produceDue, type WakeLoopData } from './wake-loop.js'

const data = workerData as WakeLoopData
if (data.role === 'producer') produceDue(data)
else await consumeDue(data)
