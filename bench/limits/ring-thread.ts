/** Entry of a thread of the ring loop. */
import { workerData } from 'node:worker_threads'
import { consume, produce, type RingLoopData } from './ring-loop.js'

const data = workerData as RingLoopData
if (data.role === 'producer') produce(data)
else consume(data)
