/** Declared state that is not what it was when the checkpoint was taken. */
import type { GeneralSpec } from '@sluice/engine'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { fromArray, listState, mapState, valueState, type StateDeclaration } from '../../src/index.js'
import { declare, nodeOf } from '../support/graphs.js'
import { Fleet } from './fleet.js'

type Handles = Readonly<Record<string, { get?: unknown }>>

function specOf(state: Readonly<Record<string, StateDeclaration<unknown>>>, onRecord: (n: number, state: never) => unknown): GeneralSpec {
  const graph = declare((job) => {
    job
      .source('numbers', fromArray<number>([]))
      .keyBy((n) => n % 2)
      .process('op', { state, onRecord: (n, context) => [onRecord(n, context.state as never)] })
  })
  return nodeOf(graph, 'op').spec as GeneralSpec
}

async function carriedOver(before: GeneralSpec, after: GeneralSpec): Promise<readonly unknown[]> {
  const give = (fleet: Fleet, n: number): void => {
    for (const _ of fleet.run({ record: n, key: n % 2, timestamp: Number.NaN, input: 0, broadcast: false }));
  }
  const fleet = new Fleet(before, 2)
  for (const n of [1, 2, 3]) give(fleet, n)
  const restored = await fleet.restored(after, 1, () => {})
  for (const n of [5, 4]) give(restored, n)
  return restored.take().map(({ value }) => value)
}

interface Kept {
  readonly list: { add(n: number): void; values(): readonly number[] }
  readonly map: { set(key: number, n: number): void; entries(): Iterable<readonly [number, number]> }
}

const keep = (n: number, { list, map }: Kept): unknown => {
  list.add(n)
  map.set(n, n)
  return { list: list.values(), map: [...map.entries()] }
}

test.each([
  [undefined, '1h'],
  ['1h', undefined],
] as const)('lists and maps get a ttl or lose it: %s, then %s', async (before, after) => {
  const statesOf = (ttl: '1h' | undefined) => ({ list: listState<number>({ ttl }), map: mapState<number, number>({ ttl }) })
  const given = await carriedOver(specOf(statesOf(before), keep), specOf(statesOf(after), keep))
  expect(given).toEqual([
    {
      list: [1, 3, 5],
      map: [
        [1, 1],
        [3, 3],
        [5, 5],
      ],
    },
    {
      list: [2, 4],
      map: [
        [2, 2],
        [4, 4],
      ],
    },
  ])
})

test('a state is new, another one is gone', async () => {
  const before = specOf({ gone: valueState<number>(), sum: valueState<number>({ default: 0 }) }, (n: number, state: Handles) => {
    const { gone, sum } = state as unknown as Record<string, { get(): number; set(n: number): void }>
    gone?.set(n)
    sum?.set((sum.get() ?? 0) + n)
  })
  const after = specOf(
    { sum: valueState<number>({ default: 0 }), fresh: valueState<number>({ default: 7 }) },
    (_n: number, state: Handles) => {
      const { sum, fresh } = state as unknown as Record<string, { get(): number }>
      return { sum: sum?.get(), fresh: fresh?.get() }
    },
  )
  expect(await carriedOver(before, after)).toEqual([
    { sum: 4, fresh: 7 },
    { sum: 2, fresh: 7 },
  ])
})

const put = ((n: number, { item }: { item: { get(): unknown; set(value: unknown): void } }) => {
  const held = item.get()
  if (held === undefined) item.set({ n, old: true })
  return held
}) as never

test('a schema gives new fields their defaults and lets others go', async () => {
  const before = specOf({ item: valueState({ schema: z.object({ n: z.number(), old: z.boolean() }) }) }, put)
  const after = specOf({ item: valueState({ schema: z.object({ n: z.number(), unit: z.string().default('EUR') }) }) }, put)
  expect(await carriedOver(before, after)).toEqual([
    { n: 1, unit: 'EUR' },
    { n: 2, unit: 'EUR' },
  ])
})

test('what does not fit the schema, or is of another kind, names operator, state and field', async () => {
  const before = specOf({ item: valueState() }, put)
  const misfit = specOf({ item: valueState({ schema: z.object({ n: z.string() }) }) }, put)
  await expect(carriedOver(before, misfit)).rejects.toThrow(/state item of operator for key [01] does not fit its schema: n: /)
  await expect(carriedOver(before, specOf({ item: listState() }, put))).rejects.toThrow(
    expect.objectContaining({ code: 'SLUICE_STATE_INCOMPATIBLE', message: expect.stringContaining('state item') }),
  )
})
