/** The limit of starting: a process that starts one thread, which tells the time. */
import { writeSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'

if (isMainThread) new Worker(new URL(import.meta.url))
else writeSync(1, `first record at ${performance.timeOrigin + performance.now()}\n`)
