/**
 * The subtasks of one operator without an engine, driven step by step: a record, a watermark, a deadline, one thing that fires. Between any
 * two steps a checkpoint can be taken, by the writers and readers of the engine, and restored by other subtasks. The subtasks that were
 * interrupted go on while their state is written, as they do in a job.
 */
import { type GeneralSpec, hashKey, keyGroupOf, type Operator, StateRegistry } from '@sluice/engine'
import { createSnapshotWriters } from '../../../engine/src/checkpoint/file/snapshot-writer.js'
import { openSnapshot } from '../../../engine/src/checkpoint/file/snapshot-reader.js'
import { groupsOf } from '../../../engine/src/checkpoint/redistribute.js'
import { MemoryStorage } from '../../../engine/test/support/memory-storage.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'

const KEY_GROUPS = 12
const NAME = 'operator'

/** What happens to the operator. A record of input 1 may go to all subtasks. */
export type Action =
  | { readonly record: unknown; readonly key: unknown; readonly timestamp: number; readonly input: number; readonly broadcast: boolean }
  | { readonly watermark: number }
  | { readonly advanceMs: number }
  | 'end'

export interface Output {
  readonly value: unknown
  readonly timestamp: number
  readonly port: number | string
}

class Context extends FakeOperatorContext {
  override readonly keyGroups = KEY_GROUPS
  override readonly subtask: { readonly index: number; readonly parallelism: number }

  constructor(index: number, parallelism: number) {
    super()
    this.subtask = { index, parallelism }
  }
}

interface Subtask {
  readonly index: number
  readonly context: Context
  readonly registry: StateRegistry
  readonly operator: Operator
  seen: number
  ended: boolean
}

export class Fleet {
  readonly subtasks: readonly Subtask[]
  readonly #spec: GeneralSpec
  #nowMs = 1_000

  constructor(spec: GeneralSpec, parallelism: number) {
    this.#spec = spec
    this.subtasks = Array.from({ length: parallelism }, (_, index): Subtask => {
      const context = new Context(index, parallelism)
      const operator = context.drive(spec.create(context))
      const registry = new StateRegistry()
      for (const [name, part] of context.state) registry.register(name, part)
      return { index, context, registry, operator, seen: Number.NEGATIVE_INFINITY, ended: false }
    })
  }

  open(): void {
    for (const { operator } of this.subtasks) void operator.open?.()
  }

  /** Takes what all subtasks have emitted. */
  take(): readonly Output[] {
    return this.subtasks.flatMap(({ context }) => context.emitted.splice(0))
  }

  get late(): number {
    return this.subtasks.reduce((sum, { context }) => sum + context.late, 0)
  }

  /** One action, step by step; answers whether the record was handed over. After a restore it may be given again. */
  *run(action: Action, processed = false): Generator<boolean> {
    if (action === 'end') yield* this.#end()
    else if ('record' in action) {
      if (processed) return
      yield false
      const { record, key, timestamp, input, broadcast } = action
      const owner = Math.floor((keyGroupOf(hashKey(key), KEY_GROUPS) * this.subtasks.length) / KEY_GROUPS)
      for (const { index, operator } of this.subtasks) if (broadcast || index === owner) operator.process(record, timestamp, input)
      yield true
    } else if ('watermark' in action) {
      for (const subtask of this.subtasks) yield* this.#advance(subtask, action.watermark)
    } else {
      if (!processed) this.#moveClock(this.#nowMs + action.advanceMs)
      for (const { context, operator } of this.subtasks) {
        while (context.deadlineMs !== undefined && context.deadlineMs <= this.#nowMs) {
          context.deadlineMs = undefined
          operator.onDeadline?.(this.#nowMs)
          yield true
          yield* fire(operator, true)
        }
      }
    }
  }

  #moveClock(nowMs: number): void {
    this.#nowMs = nowMs
    for (const { context } of this.subtasks) context.timeMs = nowMs
  }

  *#advance(subtask: Subtask, watermark: number): Generator<boolean> {
    const { context, operator } = subtask
    if (watermark > subtask.seen) {
      subtask.seen = watermark
      context.watermark = watermark
      operator.onWatermark?.(watermark)
      yield false
    }
    yield* fire(operator, false)
  }

  *#end(): Generator<boolean> {
    for (const subtask of this.subtasks) {
      const { context, operator } = subtask
      yield* this.#advance(subtask, Number.POSITIVE_INFINITY)
      if (!subtask.ended) {
        subtask.ended = true
        const values = operator.onEnd?.()
        if (values !== undefined && values !== null) context.expand(values, Number.NaN)
        yield false
      }
      yield* fire(operator, false)
    }
  }

  /**
   * Takes a checkpoint and gives back a fleet of `parallelism` subtasks that goes on from it. While the state is written `meanwhile` is called,
   * after every few rows.
   */
  async restored(spec: GeneralSpec, parallelism: number, meanwhile: () => void): Promise<Fleet> {
    const storage = new MemoryStorage()
    const old = this.subtasks.length
    const writers = createSnapshotWriters({
      storage,
      folderOf: (id) => `chk-${id}`,
      keyGroups: KEY_GROUPS,
      attempt: 1,
      placeOf: (index) => ({ index, parallelism: old }),
    })
    const taken = this.subtasks.map(({ index, operator, registry, seen, ended }) => {
      const writer = writers.begin(1, index)
      writer.section(NAME, 'time', { seen, ended })
      if (operator.snapshot !== undefined) writer.section(NAME, 'operator', operator.snapshot())
      writer.freeze(NAME, registry)
      return writer
    })
    const nowMs = this.#nowMs
    for (const writer of taken) {
      meanwhile()
      while (!writer.step(() => true)) meanwhile()
    }
    const files = (await Promise.all(taken.map(async (writer) => writer.finish()))).filter((file) => file !== undefined)
    const reader = openSnapshot({ storage, id: 1, files })
    const fleet = new Fleet(spec, parallelism)
    fleet.#moveClock(nowMs)
    fleet.open()
    const times = (await reader.sections(NAME, 'time')) as readonly { index: number; value: { seen: number; ended: boolean } }[]
    const sections = await reader.sections(NAME, 'operator')
    for (const subtask of fleet.subtasks) {
      const { index, context, operator, registry } = subtask
      const { from, to } = groupsOf(index, parallelism, KEY_GROUPS)
      await reader.loadKeyed(NAME, from, to, registry)
      const same = old === parallelism
      const ownTimes = times.filter((section) => !same || section.index === index)
      const heirs = times.filter((section) => section.index % parallelism === index)
      subtask.seen = Math.min(...ownTimes.map(({ value }) => value.seen))
      subtask.ended = heirs.length > 0 && heirs.every(({ value }) => value.ended)
      context.watermark = subtask.seen
      const union = fleet.#spec.redistribution === 'union'
      const mine = sections.filter((section) => (same ? section.index === index : union || section.index % parallelism === index))
      operator.restore?.({ watermark: subtask.seen, states: mine.map(({ value }) => value), ended: subtask.ended })
    }
    return fleet
  }

  /** What fires behind a restore. */
  settle(): void {
    for (const { operator } of this.subtasks) for (const _ of fire(operator, false));
  }
}

function* fire(operator: Operator, processed: boolean): Generator<boolean> {
  while (operator.fire?.() === true) yield processed
}
