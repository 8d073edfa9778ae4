/** State handles against a naive model: plain Maps per key, gone through from end to end whenever something may have expired. */
import { canonicalKey, KeyTable } from '@sluice/engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mean } from '../../src/aggregate/numeric.js'
import { aggregatingState, listState, mapState, reducingState, valueState } from '../../src/state/declare-state.js'
import { createRows, type Declarations, layOutState } from '../../src/state/state-layout.js'
import type { AggregatingState, ListState, MapState, ReducingState, Ttl, ValueState } from '../../src/state/state-types.js'

interface Handles {
  readonly value: ValueState<unknown>
  readonly counted: ValueState<number, never>
  readonly list: ListState<unknown>
  readonly map: MapState<unknown, unknown>
  readonly longest: ReducingState<string>
  readonly mean: AggregatingState<number, number>
}

/** A value and when it was touched last. */
interface Kept {
  value: unknown
  touched: number
}

interface KeyModel {
  value?: Kept | undefined
  counted?: Kept | undefined
  list: Kept[]
  /** By canonical key. */
  map: Map<unknown, Kept & { key: unknown }>
  longest?: Kept | undefined
  mean?: Kept | undefined
}

interface Expiry {
  readonly ttl: Ttl | undefined
  readonly afterMs: number
  readonly byEvent: boolean
  readonly onRead: boolean
}

const never: Expiry = { ttl: undefined, afterMs: Number.POSITIVE_INFINITY, byEvent: false, onRead: false }
const expiries: readonly Expiry[] = [
  never,
  { ttl: 10, afterMs: 10, byEvent: false, onRead: false },
  { ttl: { after: 10, refresh: 'readAndWrite' }, afterMs: 10, byEvent: false, onRead: true },
  { ttl: { after: 10, time: 'event' }, afterMs: 10, byEvent: true, onRead: false },
  { ttl: { after: 10, time: 'event', refresh: 'readAndWrite' }, afterMs: 10, byEvent: true, onRead: true },
]

function declarationsFor(ttl: Ttl | undefined): Declarations {
  return {
    value: valueState<unknown>({ ttl }),
    counted: valueState<number>({ default: 7, ttl }),
    list: listState<unknown>({ ttl }),
    map: mapState<unknown, unknown>({ ttl }),
    longest: reducingState<string>((left, right) => (right.length > left.length ? right : left), { ttl }),
    mean: aggregatingState(
      mean((value: number) => value),
      { ttl },
    ),
  }
}

function setUp(declarations: Declarations): ReturnType<typeof createRows> & { readonly clock: { ms: number; now(): number } } {
  const clock = {
    ms: 1_000,
    now(): number {
      return this.ms
    },
  }
  const layout = layOutState('process test', declarations, true, false)
  return { ...createRows(layout, new KeyTable(layout.columns), 'test', clock), clock }
}

const keys = fc.constantFrom(1, 2, 'a')
const mapKeys = fc.oneof(
  fc.integer({ min: 0, max: 12 }),
  fc.constantFrom('x', 'y', '\0k', -0, true, null, 10n),
  fc.tuple(fc.integer({ min: 0, max: 1 })),
  fc.constant(new Date(5)),
)
const plain = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ maxLength: 3 }),
  fc.constantFrom(null, true, -0),
  fc.record({ a: fc.integer() }),
)

const action = fc.oneof(
  fc.record({ do: fc.constant('set' as const), value: plain }),
  fc.record({ do: fc.constant('count' as const), value: fc.double() }),
  fc.record({ do: fc.constant('add' as const), value: plain }),
  fc.record({ do: fc.constant('replace' as const), values: fc.array(plain, { maxLength: 3 }) }),
  fc.record({ do: fc.constant('put' as const), key: mapKeys, value: plain }),
  fc.record({ do: fc.constant('put' as const), key: mapKeys, value: plain }),
  fc.record({ do: fc.constant('fill' as const), keys: fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 4, maxLength: 10 }) }),
  fc.record({ do: fc.constant('delete' as const), key: mapKeys }),
  fc.record({ do: fc.constant('look' as const), key: mapKeys }),
  fc.record({ do: fc.constant('reduce' as const), value: fc.string({ maxLength: 4 }) }),
  fc.record({ do: fc.constant('average' as const), value: fc.integer({ min: -9, max: 9 }) }),
  fc.record({ do: fc.constant('clear' as const), which: fc.constantFrom('value', 'counted', 'list', 'map', 'longest', 'mean') }),
  fc.constant({ do: 'read' as const }),
  fc.constant({ do: 'read' as const }),
  fc.constant({ do: 'read' as const }),
)

const step = fc.record({
  key: keys,
  /** The clock and the watermark move on by this. */
  passed: fc.constantFrom(0, 1, 3, 5, 9),
  /** How far the timestamp of the record is ahead of the watermark, or behind it. */
  ahead: fc.integer({ min: -5, max: 8 }),
  actions: fc.array(action, { maxLength: 6 }),
})

test.each(expiries)('handles do what Maps do, with ttl $ttl', ({ ttl, afterMs, byEvent, onRead }) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { rows, handles, clock } = setUp(declarationsFor(ttl))
      const state = handles as unknown as Handles
      const models = new Map<unknown, KeyModel>()
      rows.eventNow = 0
      for (const { key, passed, ahead, actions } of steps) {
        clock.ms += passed
        rows.eventNow += passed
        const timestamp = rows.eventNow + ahead
        const now = byEvent ? rows.eventNow : clock.ms
        const touch = byEvent ? Math.max(timestamp, rows.eventNow) : clock.ms
        const alive = (kept: Kept): boolean => !(now >= kept.touched + afterMs)
        const model: KeyModel = models.get(key) ?? { list: [], map: new Map() }
        models.set(key, model)
        const drop = (): void => {
          for (const name of ['value', 'counted', 'longest', 'mean'] as const) {
            const kept = model[name]
            if (kept !== undefined && !alive(kept)) model[name] = undefined
          }
          model.list = model.list.filter(alive)
          for (const [canonical, kept] of model.map) if (!alive(kept)) model.map.delete(canonical)
        }
        drop()
        const kept = (value: unknown): Kept => ({ value, touched: touch })
        const read = (one: Kept | undefined): unknown => {
          if (one !== undefined && onRead) one.touched = touch
          return one?.value
        }
        const put = (mapKey: unknown, value: unknown): void => {
          state.map.set(mapKey, value)
          const canonical = canonicalKey(mapKey)
          const before = model.map.get(canonical)
          if (before === undefined) model.map.set(canonical, { ...kept(value), key: mapKey })
          else Object.assign(before, kept(value))
        }
        rows.open(key, timestamp)
        for (const each of actions) {
          switch (each.do) {
            case 'set':
              state.value.set(each.value)
              model.value = kept(each.value)
              break
            case 'count':
              state.counted.set(each.value)
              model.counted = kept(each.value)
              break
            case 'add':
              state.list.add(each.value)
              model.list.push(kept(each.value))
              break
            case 'replace':
              state.list.set(each.values)
              model.list = each.values.map(kept)
              break
            case 'put':
              put(each.key, each.value)
              break
            case 'fill':
              for (const one of each.keys) put(one, one)
              break
            case 'delete':
              state.map.delete(each.key)
              model.map.delete(canonicalKey(each.key))
              break
            case 'look': {
              const entry = model.map.get(canonicalKey(each.key))
              expect(state.map.has(each.key)).toBe(entry !== undefined)
              expect(state.map.get(each.key)).toEqual(read(entry))
              break
            }
            case 'reduce': {
              const before = read(model.longest) as string | undefined
              state.longest.add(each.value)
              model.longest = kept(before === undefined || each.value.length > before.length ? each.value : before)
              break
            }
            case 'average': {
              const before = (model.mean?.value as readonly number[] | undefined) ?? []
              state.mean.add(each.value)
              model.mean = kept([...before, each.value])
              break
            }
            case 'clear':
              state[each.which as keyof Handles].clear()
              if (each.which === 'list') model.list = []
              else if (each.which === 'map') model.map.clear()
              else model[each.which as 'value'] = undefined
              break
            case 'read': {
              expect(state.value.get()).toEqual(read(model.value))
              expect(state.counted.get()).toEqual(read(model.counted) ?? 7)
              expect(state.list.size).toBe(model.list.length)
              expect(state.list.values()).toEqual(model.list.map(read))
              expect(state.map.size).toBe(model.map.size)
              expect([...state.map.entries()]).toEqual(
                [...model.map.values()].map((entry) => [entry.key === 0 ? 0 : entry.key, read(entry)]),
              )
              expect([...state.map.keys()]).toEqual([...model.map.values()].map((entry) => (entry.key === 0 ? 0 : entry.key)))
              expect([...state.map.values()]).toEqual([...model.map.values()].map(({ value }) => value))
              expect(state.longest.get()).toEqual(read(model.longest))
              const numbers = read(model.mean) as readonly number[] | undefined
              const expected = numbers === undefined ? undefined : numbers.reduce((left, right) => left + right, 0) / numbers.length
              if (expected === undefined) expect(state.mean.get()).toBeUndefined()
              else expect(state.mean.get()).toBeCloseTo(expected)
              break
            }
          }
        }
        rows.close()
        rows.sweep()
        if (ttl !== undefined) continue
        const full = [...models.values()].filter(
          (each) => each.value ?? each.counted ?? each.longest ?? each.mean ?? (each.list.length > 0 || each.map.size > 0 || undefined),
        )
        expect(rows.table.size).toBe(full.length)
      }
    }),
    { numRuns: 200 },
  )
})

test.each([6, 12])('entries expire in the order in which they were touched, whatever their order: %s keys', (count) => {
  const { rows, handles, clock } = setUp({ map: mapState<number, number>({ ttl: 10 }) })
  const { map } = handles as unknown as Handles
  const at = (ms: number, act: () => void): void => {
    clock.ms = ms
    rows.open('key', Number.NaN)
    act()
    rows.close()
  }
  at(0, () => {
    for (let key = 0; key < 6; key++) map.set(key, key)
  })
  at(5, () => map.set(0, 10))
  at(6, () => {
    for (let key = 6; key < count; key++) map.set(key, key)
  })
  at(7, () => map.set(1, 11))
  at(12, () => expect([...map.keys()]).toEqual([0, 1, ...Array.from({ length: count - 6 }, (_none, index) => index + 6)]))
  at(15, () => expect([...map.entries()][0]).toEqual([1, 11]))
  at(16, () => expect([...map.keys()]).toEqual([1]))
  at(17, () => expect(map.size).toBe(0))
  expect(rows.table.size).toBe(0)
})
