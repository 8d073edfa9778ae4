/** What is written is what was there at the freeze, whatever happens to tables, windows and timers while it is written. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSnapshotEntries, verifySnapshotFile } from '../../../src/checkpoint/file/inspect-file.js'
import { openSnapshot } from '../../../src/checkpoint/file/snapshot-reader.js'
import { createSnapshotWriters } from '../../../src/checkpoint/file/snapshot-writer.js'
import type { SnapshotWriter, SnapshotWriters } from '../../../src/checkpoint/snapshot.js'
import { canonicalKey, hashKey, keyGroupOf } from '../../../src/key/index.js'
import type { NumberColumn, ValueColumn } from '../../../src/state/column.js'
import type { KeyTable } from '../../../src/state/key-table.js'
import { StateRegistry } from '../../../src/state/state-registry.js'
import { TimerQueue } from '../../../src/state/timer-queue.js'
import type { WindowTables } from '../../../src/state/window-tables.js'
import { MemoryStorage } from '../../support/memory-storage.js'

const KEY_GROUPS = 8

/** Every kind of key; of each as many as there are numbers. */
const keyOf = (index: number): unknown =>
  [
    index,
    -index - 0.25,
    `key ${index}`,
    [index, null, `\ud800${index}`],
    { a: index, b: [true] },
    BigInt(index) * 10n ** 20n,
    new Date(index),
    `\udc00 ${index}`,
    index % 2 === 0 ? -0 : null,
    index % 2 === 0,
  ][index % 10]

const valueOf = (index: number): unknown =>
  [
    undefined,
    { id: index, name: `n${index}` },
    [{ id: index, deep: { x: [1, index] } }],
    new Map([[`k${index}`, { id: index, name: 'm' }]]),
    `text \ud800 ${index}`,
    [1, 2.5, -0, index],
    null,
    'x'.repeat(index * 40),
    new Set([index, 'a']),
    { [`dynamic ${index}`]: index },
  ][index % 10]

class Model {
  readonly registry = new StateRegistry()
  readonly table: KeyTable
  readonly windows: WindowTables
  readonly timers: TimerQueue
  readonly windowTimers: TimerQueue

  constructor() {
    this.table = this.registry.keyTable('rows', ['number', 'value', 'number'])
    this.windowTimers = new TimerQueue((this.windows = this.registry.windowTables('panes', ['value', 'number'])))
    this.registry.register('pane timers', this.windowTimers)
    this.timers = this.registry.register('timers', new TimerQueue(this.table))
  }

  put(table: KeyTable, index: number, number: number): void {
    this.write(table, table.slotOf(keyOf(index)), number)
  }

  /** Changes rows by their slots, as a walk or a timer does. */
  walk(table: KeyTable, from: number, number: number): void {
    let slot = table.next(Math.max(from, table.goneBelow))
    for (let count = 0; count < 5 && slot >= 0; count++, slot = table.next(slot + 1)) {
      table.touch(slot)
      this.write(table, slot, number)
    }
  }

  write(table: KeyTable, slot: number, number: number): void {
    for (const column of table.columns) {
      if (column.kind === 'number') column.values[slot] = number
      else put(column, slot, valueOf(number))
    }
  }

  setTimer(queue: TimerQueue, table: KeyTable, index: number, time: number, namespace: number): void {
    const slot = table.find(keyOf(index))
    if (slot >= 0) queue.set(time, keyGroupOf(hashKey(keyOf(index)), KEY_GROUPS), slot, namespace)
  }

  /** By slots too: nothing looks the row up before. */
  remove(table: KeyTable, from: number, queue: TimerQueue, namespace: number): void {
    const slot = table.next(from)
    if (slot < 0) return
    for (let time = 0; time < 6; time++) queue.cancel(time, slot, namespace)
    table.remove(slot)
  }

  /** Everything, as entries that can be compared. */
  entries(): string[] {
    const entries: string[] = []
    const dump = (state: string, namespace: number | undefined, table: KeyTable): void => {
      for (let slot = table.next(table.goneBelow); slot >= 0; slot = table.next(slot + 1)) {
        const columns = table.columns.map((column) => (slot < column.values.length ? column.values[slot] : undefined))
        entries.push(show({ state, namespace, key: table.keyAt(slot), columns }))
      }
    }
    dump('rows', undefined, this.table)
    for (const namespace of this.windows.namespaces()) dump('panes', namespace, this.windows.get(namespace) as KeyTable)
    for (const [queue, state] of [
      [this.timers, 'timers'],
      [this.windowTimers, 'pane timers'],
    ] as const) {
      for (let namespace = 0; namespace < 4; namespace++) {
        const table = queue === this.timers ? this.table : this.windows.get(namespace)
        if (table === undefined) continue
        for (let slot = table.next(table.goneBelow); slot >= 0; slot = table.next(slot + 1)) {
          for (let time = 0; time < 6; time++) {
            if (queue.has(time, slot, namespace)) entries.push(show({ state, namespace, key: table.keyAt(slot), time }))
          }
        }
      }
    }
    return entries.sort()
  }
}

function put(column: ValueColumn, slot: number, value: unknown): void {
  while (column.values.length < slot) column.values.push(undefined)
  column.values[slot] = value
}

function show(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => {
    if (each instanceof Map) return ['map', ...each]
    if (each instanceof Set) return ['set', ...each]
    if (typeof each === 'bigint') return `${each}n`
    if (Object.is(each, -0)) return '-0'
    return each
  })
}

const step = fc.record({
  action: fc.constantFrom(
    'put',
    'put',
    'put',
    'pane',
    'pane',
    'remove',
    'remove pane',
    'drop',
    'walk',
    'clear',
    'timer',
    'timer',
    'pane timer',
    'take',
    'step',
    'gone',
    'freeze',
  ),
  index: fc.nat(60),
  number: fc.nat(200),
  namespace: fc.nat(3),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function apply(model: Model, { action, index, number, namespace }: Step, writer: SnapshotWriter | undefined): void {
  const { table, windows, timers, windowTimers } = model
  const pane = windows.get(namespace)
  switch (action) {
    case 'put':
      // More than one, so that tables grow.
      for (let each = 0; each < 8; each++) model.put(table, index * 8 + each, number)
      return
    case 'pane':
      for (let each = 0; each < 8; each++) model.put(windows.open(namespace), index * 8 + each, number)
      return
    case 'walk':
      model.walk(table, index, number)
      if (pane !== undefined) model.walk(pane, index, number)
      return
    case 'remove':
      for (let each = 0; each < 4; each++) model.remove(table, index * 8 + each, timers, 0)
      return
    case 'remove pane':
      if (pane !== undefined) model.remove(pane, index, windowTimers, namespace)
      return
    case 'drop':
      if (pane === undefined) return
      for (let slot = pane.next(0); slot >= 0; slot = pane.next(slot + 1)) {
        for (let time = 0; time < 6; time++) windowTimers.cancel(time, slot, namespace)
      }
      windows.drop(namespace)
      return
    case 'clear':
      if (index > 30) return
      timers.clear()
      table.clear()
      return
    case 'timer':
      for (let each = 0; each < 8; each++) model.setTimer(timers, table, index * 8 + each, number % 6, 0)
      return
    case 'pane timer':
      if (pane === undefined) return
      for (let each = 0; each < 8; each++) model.setTimer(windowTimers, pane, index * 8 + each, number % 6, namespace)
      return
    case 'take':
      timers.take(number % 6)
      windowTimers.take(number % 6)
      return
    case 'gone':
      if (pane !== undefined && index < 30) pane.goneBelow = Math.min(pane.end, pane.goneBelow + (number % 5))
      return
    case 'step':
      if (number % 3 === 0) writer?.step(() => true)
      break
    case 'freeze':
  }
}

function createWriters(storage: MemoryStorage): SnapshotWriters {
  return createSnapshotWriters({
    storage,
    folderOf: (id) => `chk-${id}`,
    keyGroups: KEY_GROUPS,
    attempt: 1,
    placeOf: () => ({ index: 0, parallelism: 1 }),
  })
}

test('what is written is what was there at the freeze, and what is loaded is what was written, at any split of the key groups', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), fc.integer({ min: 1, max: 4 }), async (steps, parts) => {
      const storage = new MemoryStorage()
      const writers = createWriters(storage)
      const model = new Model()
      let open: { writer: SnapshotWriter; expected: string[]; order: string[] } | undefined
      let id = 0
      const complete = async (): Promise<void> => {
        if (open === undefined) return
        const { writer, expected, order } = open
        open = undefined
        while (!writer.step(() => false));
        const handle = await writer.finish()
        if (expected.length === 0) {
          expect(handle).toBeUndefined()
          return
        }
        if (handle === undefined) throw new Error('nothing was written')
        await verifySnapshotFile(storage, handle)
        const read: string[] = []
        for await (const entry of readSnapshotEntries(storage, handle)) {
          if (entry.type === 'row') {
            const { state, namespace, key, columns } = entry
            expect(entry.group).toBe(keyGroupOf(hashKey(key), KEY_GROUPS))
            read.push(show({ state, namespace, key, columns: Object.entries(columns).map(([, value]) => value) }))
          } else if (entry.type === 'timer') {
            const { state, namespace, key, time } = entry
            read.push(show({ state, namespace, key, time }))
          }
        }
        expect(read.sort()).toEqual(expected)
        const loaded: string[] = []
        const taken: string[] = []
        for (let part = 0; part < parts; part++) {
          const from = Math.floor((KEY_GROUPS * part) / parts)
          const to = Math.floor((KEY_GROUPS * (part + 1)) / parts)
          const into = new Model()
          await openSnapshot({ storage, id, files: [handle] }).loadKeyed('op', from, to, into.registry)
          loaded.push(...into.entries())
          while (into.timers.take(Number.POSITIVE_INFINITY)) taken.push(`${into.timers.time} ${show(into.table.keyAt(into.timers.slot))}`)
        }
        expect(loaded.sort()).toEqual(expected)
        if (parts === 1) expect(taken).toEqual(order)
      }
      for (const each of steps) {
        apply(model, each, open?.writer)
        if (each.action !== 'freeze') continue
        await complete()
        id++
        const writer = writers.begin(id, 0)
        const expected = model.entries()
        writer.freeze('op', model.registry)
        open = { writer, expected, order: orderOf(model) }
      }
      await complete()
      await complete()
    }),
    { numRuns: 60 },
  )
})

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The timers in the order in which they would fire, by a queue that was given the same ones: ranks decide, so all of one group and time count. */
function orderOf({ timers, table }: Model): string[] {
  const order: string[] = []
  const frozen: { time: number; group: number; sequence: number; slot: number }[] = []
  const view = timers.freeze({ timer: (slot, group, time, _namespace, sequence) => frozen.push({ time, group, sequence, slot }) })
  while (view.step());
  frozen.sort((left, right) => left.time - right.time || left.group - right.group || left.sequence - right.sequence)
  for (const { time, slot } of frozen) order.push(`${time} ${show(table.keyAt(slot))}`)
  return order
}

test('many rows, more than one read of blocks, are loaded as they were', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number', 'value'])
  const count = 60_000
  for (let index = 0; index < count; index++) {
    const slot = table.slotOf(index % 2 === 0 ? index : `key ${index}`)
    ;(table.columns[0] as NumberColumn).values[slot] = index
    put(table.columns[1] as ValueColumn, slot, { text: 'x'.repeat(index % 700), index })
  }
  const writer = createWriters(storage).begin(1, 0)
  writer.freeze('op', registry)
  while (!writer.step(() => true)) if (writer.pendingBytes > 4e6) await new Promise((resolve) => setImmediate(resolve))
  const handle = await writer.finish()
  if (handle === undefined) throw new Error('nothing was written')
  let found = 0
  for (const [from, to] of [
    [0, 3],
    [3, 8],
  ] as const) {
    const into = new StateRegistry()
    const loaded = into.keyTable('rows', ['number', 'value'])
    await openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', from, to, into)
    for (let slot = 0; slot < loaded.end; slot++) {
      const index = (loaded.columns[0] as NumberColumn).values[slot] as number
      const { text, index: held } = (loaded.columns[1] as ValueColumn).values[slot] as { text: string; index: number }
      // An expectation per row would take longer than all else.
      if (loaded.keyAt(slot) !== (index % 2 === 0 ? index : `key ${index}`) || text.length !== index % 700 || held !== index) {
        expect({ key: loaded.keyAt(slot), length: text.length, held }).toBe(index)
      }
      found++
    }
  }
  expect(found).toBe(count)
})

test('a timer keeps its key, whoever has its slot now', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', [])
  const timers = registry.register('timers', new TimerQueue(table))
  const slot = table.slotOf('first')
  timers.set(5, keyGroupOf(hashKey('first'), KEY_GROUPS), slot)
  const writer = createWriters(storage).begin(1, 0)
  writer.freeze('op', registry)
  for (const next of ['second', 'third', 'fourth']) {
    table.remove(slot)
    expect(table.slotOf(next)).toBe(slot)
  }
  while (!writer.step(() => false));
  const handle = await writer.finish()
  if (handle === undefined) throw new Error('nothing was written')
  const entries = await collect(readSnapshotEntries(storage, handle))
  expect(entries.map((entry) => 'key' in entry && entry.key)).toEqual(['first', 'first'])
})

test('keys are the same behind a restore', async () => {
  const storage = new MemoryStorage()
  const registry = new StateRegistry()
  const table = registry.keyTable('rows', ['number'])
  for (let index = 0; index < 400; index++) (table.columns[0] as NumberColumn).values[table.slotOf(keyOf(index))] = index
  const writer = createWriters(storage).begin(1, 0)
  writer.freeze('op', registry)
  while (!writer.step(() => false));
  const handle = await writer.finish()
  if (handle === undefined) throw new Error('nothing was written')
  const into = new StateRegistry()
  const loaded = into.keyTable('rows', ['number'])
  await openSnapshot({ storage, id: 1, files: [handle] }).loadKeyed('op', 0, KEY_GROUPS, into)
  expect(loaded.size).toBe(table.size)
  for (let index = 0; index < 400; index++) {
    const slot = loaded.find(keyOf(index))
    expect(canonicalKey(loaded.keyAt(slot))).toEqual(canonicalKey(keyOf(index)))
    expect((loaded.columns[0] as NumberColumn).values[slot]).toBe((table.columns[0] as NumberColumn).values[table.find(keyOf(index))])
  }
})
