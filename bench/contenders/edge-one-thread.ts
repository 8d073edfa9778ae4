/**
 * Both ends of a ring on one thread, taking turns: what an edge costs in code alone, with nobody to wake and nothing to wait for. It uses the
 * engine without its runtime. Time per record, encoding and decoding together; steady even on a busy machine when read as CPU time.
 */
import { allocateShared, Command, ControlWord, type Environment, planJob, resolveSettings, WorkerLoop } from '@sluice/engine'
import { Buffer } from 'node:buffer'
import type { MeasureOptions, Measurement } from '../harness/figure.js'
import { createBoard, Meter, type Reading, readSlot } from '../harness/meter.js'
import { timeOf } from '../harness/rate.js'
import { throughputSpan } from '../harness/spans.js'
import edgeJob from '../jobs/edge.job.js'
import { type KindName, recordKind } from '../records/kinds.js'
import { summingSink } from '../records/summing-sink.js'

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const environment: Environment = {
  clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
  sleeper: { park: nextTurn, yieldToEventLoop: nextTurn },
  random: Math.random,
  log: () => {},
  spinMicroseconds: 0,
  codeGeneration: true,
  setTimer(delayMs, fire) {
    const timer = setTimeout(fire, delayMs)
    return { cancel: () => clearTimeout(timer) }
  },
}

export async function measureEngineOnOneThread(kind: KindName, options: MeasureOptions): Promise<Measurement> {
  const board = createBoard(1)
  const params = await edgeJob.parseParams({ board, kind, span: throughputSpan(options) })
  const graph = edgeJob.declare(params, { collect: false })
  const settings = resolveSettings(graph.settings, { cores: 2, workers: 2, parallelism: 1 })
  const plan = planJob(graph, settings)
  if (plan.channels[0]?.kind !== 'ring') throw new Error('the edge is no ring')
  const shared = allocateShared(plan)
  const loops = Array.from(
    { length: plan.workers },
    (_, worker) => new WorkerLoop({ graph, plan, settings, shared, worker, environment, resources: new Map(), overwrite: false }),
  )
  const control = new Int32Array(shared.control)
  const watch = setInterval(() => {
    if (readSlot(board, 0) !== undefined) Atomics.store(control, ControlWord.command, Command.stop)
  }, 20)
  await Promise.all(loops.map((loop) => loop.run()))
  clearInterval(watch)
  return timeOf([readSlot(board, 0) as Reading])
}

const RING_BYTES = 128 * 1024

/** Fills a buffer and empties it. */
export async function measureLoopOnOneThread(kind: KindName, options: MeasureOptions): Promise<Measurement> {
  const { make, encode, decode, measure, bytesMax } = recordKind(kind)
  const board = createBoard(1)
  const meter = new Meter(board, 0, throughputSpan(options))
  const take = summingSink(measure, meter)
  const shared = new SharedArrayBuffer(RING_BYTES)
  const view = new DataView(shared)
  const bytes = Buffer.from(shared)
  const cursor = { at: 0 }
  const batch = Math.floor(RING_BYTES / bytesMax)
  const fill = (from: number): void => {
    let at = 0
    for (let index = from; index < from + batch; index++) at = encode(make(index), view, bytes, at)
  }
  const empty = (): void => {
    cursor.at = 0
    for (let count = 0; count < batch; count++) take(decode(view, bytes, cursor))
  }
  for (let index = 0; !meter.ended; index += batch) {
    fill(index)
    empty()
  }
  return timeOf([readSlot(board, 0) as Reading])
}
