/**
 * One seed of the test of sources that acknowledge: queues that forget what complete checkpoints cover, a job with state between them and a database with two phases, and crashes.
 * Whatever happens, no message is lost, and what is in the database twice was given twice, because no checkpoint covered it.
 */
import type { CheckpointMode } from '@sluice/engine'
import { defineJob, valueState } from '@sluice/operators'
import { drawCrashes } from '../../src/job/fault-plan.js'
import { drawSettings } from '../../src/job/simulate.js'
import { Simulation } from '../../src/job/simulation.js'
import { Scheduler } from '../../src/schedule/scheduler.js'
import type { SeededRandom } from '../../src/schedule/seeded-random.js'
import { SimulationFailure } from '../../src/schedule/simulation-failure.js'
import { Database } from './database.js'
import { type Message, MessageQueue, nameOf, type QueueShape } from './message-queue.js'

export interface QueueReport {
  readonly seed: number
  readonly crashes: number
  readonly checkpoints: number
  readonly failedCheckpoints: number
  readonly forgotten: number
  /** Messages that were given more than once, and those that were counted more than once. */
  readonly givenAgain: number
  readonly countedAgain: number
}

function drawShape(random: SeededRandom): QueueShape {
  return {
    queues: random.pick([1, 2, 5, 40]),
    perQueue: 5 + random.below(60),
    invalidEvery: random.pick([0, 3, 7]),
    readsAhead: random.chance(0.5),
    slow: random.chance(0.5),
  }
}

export async function runSeed(seed: number): Promise<QueueReport> {
  const scheduler = new Scheduler({ seed, choicesMax: 200_000 })
  const { random } = scheduler
  const shape = drawShape(random)
  const queue = new MessageQueue(shape)
  const database = new Database(random.pick([0, 2, 30]))
  const asynchronous = random.chance(0.3)
  const mode = random.pick<CheckpointMode>(['aligned', 'unaligned'])
  const intervalMs = random.logUniform(10, 100)
  const layout = drawSettings(random, { checkRecords: false })
  const drawn = drawCrashes(random.below(6), random)
  const stop = { of: seed % 2 === 0 ? 'cut' : 'stop' } as const
  const crashes = random.chance(0.3) ? [...drawn, { ...stop, choice: Math.ceil(random.logUniform(50, 3_000)) }] : drawn
  const job = defineJob({ name: 'messages' }, (builder) => {
    const messages = builder.source('messages', queue.source())
    const waited = asynchronous
      ? messages.mapAsync(
          'wait',
          async (message) => {
            if (message.n % 3 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
            return message
          },
          { concurrency: 8 },
        )
      : messages
    waited
      .flatMap((message) => [message])
      .keyBy(({ queue: key, n }) => (key * 7 + n) % 11)
      .process('count', {
        state: { count: valueState<number>({ default: 0 }) },
        onRecord(message, { state }) {
          state.count.set(state.count.get() + 1)
          return [message]
        },
      })
      .sink('out', database.sink('messages'))
    builder.deadLetters.sink('letters', database.sink('letters'))
  })
  const graph = job.declare({}, { collect: false })
  const simulation = new Simulation({
    scheduler,
    declare: () => graph,
    settings: () => ({
      ...layout,
      restart: { kind: 'fixed', attempts: 1_000, delayMs: 5 },
      checkpoint: { directory: 'simulated', intervalMs, mode, timeoutMs: 20_000, retain: 3 },
    }),
    crashes,
    disk: { slowMs: random.pick([0.5, 5, 80]), failures: random.pick([0, 0.02]) },
    healAfter: 8_000,
  })
  try {
    await simulation.run()
    const wrongs = [...queue.wrongs, ...database.wrongs, ...compare(queue, database, simulation.faults.injected === 0)]
    if (wrongs.length > 0) throw new Error(wrongs.slice(0, 10).join('\n'))
  } catch (error) {
    const message = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error)
    throw new SimulationFailure(seed, `${message}\n${JSON.stringify({ shape, mode, intervalMs, crashes })}`, { cause: error })
  }
  const { events, faults } = simulation
  return {
    seed,
    crashes: faults.injected,
    checkpoints: events.filter(({ type }) => type === 'checkpoint.completed').length,
    failedCheckpoints: events.filter(({ type }) => type === 'checkpoint.failed').length,
    forgotten: queue.forgotten,
    givenAgain: [...queue.given.values()].filter((times) => times > 1).length,
    countedAgain: [...countsOf(database).values()].filter((times) => times > 1).length,
  }
}

function countsOf(database: Database): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  const count = (message: Message): void => void counts.set(nameOf(message), (counts.get(nameOf(message)) ?? 0) + 1)
  for (const { value } of database.rows('messages')) count(value as Message)
  for (const { value } of database.rows('letters')) count((value as { readonly input: Message }).input)
  return counts
}

function compare(queue: MessageQueue, database: Database, orderly: boolean): readonly string[] {
  const counts = countsOf(database)
  if (orderly && queue.forgotten < queue.messages.length)
    return [`${queue.forgotten} of ${queue.messages.length} messages are covered, and the job has ended`]
  return queue.messages.flatMap((message) => {
    const name = nameOf(message)
    const counted = counts.get(name) ?? 0
    const given = queue.given.get(name) ?? 0
    if (counted === 0) return [`message ${name} is lost; it was given ${given} times`]
    return counted > given ? [`message ${name} was given ${given} times and counted ${counted} times`] : []
  })
}
