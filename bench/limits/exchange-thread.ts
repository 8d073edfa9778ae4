/** Entry of a thread of the exchange loop. */
import { workerData } from 'node:worker_threads'
import { exchange, type ExchangeLoopData } from './exchange-loop.js'

exchange(workerData as ExchangeLoopData)
