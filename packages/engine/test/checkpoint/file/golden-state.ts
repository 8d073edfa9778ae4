/** State of every kind, always the same: what the golden files of state format 1 were written from. */
import { hashKey, keyGroupOf } from '../../../src/key/index.js'
import type { ChannelSlice } from '../../../src/channel/channel-slice.js'
import type { SnapshotWriter } from '../../../src/checkpoint/snapshot.js'
import type { KeyTable } from '../../../src/state/key-table.js'
import { StateRegistry } from '../../../src/state/state-registry.js'
import { TimerQueue } from '../../../src/state/timer-queue.js'

export const GOLDEN_KEY_GROUPS = 8

const keys: readonly unknown[] = [
  0,
  -1,
  1.5,
  2 ** 40,
  Number.NEGATIVE_INFINITY,
  '',
  'key',
  'é \ud83d\ude00',
  'lone \ud800',
  'x'.repeat(300),
  true,
  false,
  null,
  7n,
  -(10n ** 30n),
  new Date(86_400_000),
  [1, 'a', null],
  { b: 2, a: [true] },
]

const values: readonly unknown[] = [
  undefined,
  null,
  true,
  -0,
  3,
  0.1,
  'text',
  '\udc00',
  12n,
  -(2n ** 70n),
  new Date(-1),
  [1, 2, 3.5],
  ['a', { id: 1, name: 'n' }, [undefined]],
  Object.assign([1], { length: 3, 2: 3 }),
  { id: 1, name: 'a', inner: { x: [{ id: 2, name: 'b', inner: null }] } },
  JSON.parse('{"__proto__":1,"constructor":2}'),
  new Map<unknown, unknown>([
    ['k', { id: 3, name: 'c', inner: undefined }],
    [1, new Set([1, 'a'])],
  ]),
  Uint8Array.of(1, 2, 255),
  Float64Array.of(0.5, Number.NaN),
  new Uint8Array([9, 8]).buffer,
  /a+/giu,
  Object.assign(new TypeError('no'), { stack: 'TypeError: no' }),
]

export interface GoldenState {
  readonly registry: StateRegistry
  readonly table: KeyTable
}

export function goldenState(): GoldenState {
  const registry = new StateRegistry()
  const table = registry.keyTable(
    'rows',
    ['number', 'value', 'number'],
    ['count', 'held', { name: 'expiry', initial: Number.POSITIVE_INFINITY }],
  )
  const panes = registry.windowTables('panes', ['value', 'number'])
  const timers = registry.register('timers', new TimerQueue(table))
  const paneTimers = registry.register('pane timers', new TimerQueue(panes))
  for (const [index, value] of values.entries()) {
    const key = index < keys.length ? keys[index] : `more ${index}`
    const slot = table.slotOf(key)
    write(table, slot, [index + 0.5, value, index])
    if (index % 3 === 0) timers.set(1000 - index, keyGroupOf(hashKey(key), GOLDEN_KEY_GROUPS), slot)
    for (const namespace of [0, 60_000, -0.5]) {
      const pane = panes.open(namespace)
      const at = pane.slotOf(key)
      write(pane, at, [value, index])
      if (index % 5 === 0) paneTimers.set(index, keyGroupOf(hashKey(key), GOLDEN_KEY_GROUPS), at, namespace)
    }
  }
  return { registry, table }
}

export const goldenSection: unknown = { watermark: 12, splits: [{ path: 'a.csv', at: 100 }], left: [] }

export const goldenSlices: readonly ChannelSlice[] = [
  {
    edge: 'a.0 -> b[0]',
    fromIndex: 1,
    toIndex: 2,
    side: 'producer',
    timed: true,
    content: { kind: 'values', values: [{ id: 1, name: 'a', inner: 1 }, 'text'], times: Float64Array.of(1, 2) },
    watermark: 5,
    idle: false,
    ended: undefined,
  },
  {
    edge: 'a.0 -> b[0]',
    fromIndex: 1,
    toIndex: 2,
    side: 'consumer',
    timed: true,
    content: { kind: 'frames', definitions: [Uint8Array.of(1, 2)], frames: Uint8Array.of(3, 4, 5) },
    watermark: Number.NaN,
    idle: true,
    ended: undefined,
  },
]

/** Writes all of it. */
export function writeGolden(writer: SnapshotWriter): void {
  writer.section('op', 'operator', goldenSection)
  for (const slice of goldenSlices) writer.slice(slice)
  writer.freeze('op', goldenState().registry)
  while (!writer.step(() => false));
}

function write(table: KeyTable, slot: number, row: readonly unknown[]): void {
  for (const [index, column] of table.columns.entries()) {
    if (column.kind === 'number') column.values[slot] = row[index] as number
    else {
      while (column.values.length < slot) column.values.push(undefined)
      column.values[slot] = row[index]
    }
  }
}
