import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AsyncContext } from '@sluice/engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type AsyncLookupOptions,
  defineSource,
  fromArray,
  fromCsv,
  generate,
  interval,
  type LookupOptions,
  type Source,
} from '../../src/index.js'
import { planLookupJoin } from '../../src/join/plan-joins.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'

interface Row {
  readonly id: unknown
  readonly name: string
}

const named = (record: { id: unknown }, row: Row | undefined): unknown => [record.id, row?.name]

describe('a side table', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-lookup-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const options: LookupOptions<never, never, unknown> = { on: (record: { id: unknown }) => record.id, key: (row: Row) => row.id }

  async function lookUp(
    table: Source<unknown>,
    ids: readonly unknown[],
  ): Promise<{ context: FakeOperatorContext; found: readonly unknown[] }> {
    const { spec } = planLookupJoin('names', table, named, options)
    if (spec.kind !== 'general') throw new Error(spec.kind)
    const context = new FakeOperatorContext()
    const operator = context.drive(spec.create(context))
    await operator.open?.()
    for (const [index, id] of ids.entries()) operator.process({ id }, index, 0)
    const found = context.emitted.map(({ value, timestamp }) => [...(value as unknown[]), timestamp])
    await operator.close?.()
    return { context, found }
  }

  test('of an array: the last row of a key counts, keys of all kinds, and what is not there', async () => {
    const table = fromArray<Row>([
      { id: 1, name: 'one' },
      { id: '1', name: 'text' },
      { id: [1, 'a'], name: 'tuple' },
      { id: 0, name: 'zero' },
      { id: 1, name: 'uno' },
      { id: null, name: 'null' },
    ])
    const { found } = await lookUp(table, [1, '1', [1, 'a'], [1, 'b'], -0, 2, null])
    expect(found).toEqual([
      [1, 'uno', 0],
      ['1', 'text', 1],
      [[1, 'a'], 'tuple', 2],
      [[1, 'b'], undefined, 3],
      [-0, 'zero', 4],
      [2, undefined, 5],
      [null, 'null', 6],
    ])
  })

  test('of a file: rows that do not fit are left out, counted and told', async () => {
    const path = join(folder, 'names.csv')
    writeFileSync(path, 'id,name\n1,one\nx,nobody\n2,two\n')
    const table = fromCsv(path, { schema: z.object({ id: z.number(), name: z.string() }), onInvalid: 'drop' })
    const { found, context } = await lookUp(table, [2, 1, 3])
    expect(found).toEqual([
      [2, 'two', 0],
      [1, 'one', 1],
      [3, undefined, 2],
    ])
    expect(context.logged).toEqual(['Rows of the side table that do not fit their schema are left out.'])
  })

  test('of all splits of a source, closed in the end', async () => {
    const closed: number[] = []
    const table = defineSource<Row, number>({
      splits: () => [0, 10],
      open: (first) => {
        let next = first
        return {
          next: () => (next === first + 3 ? undefined : [{ id: next, name: `n${next++}` }]),
          close: () => void closed.push(first),
        }
      },
    })
    const { found } = await lookUp(table, [2, 12, 3])
    expect(found.map((row) => (row as unknown[])[1])).toEqual(['n2', 'n12', undefined])
    expect(closed).toEqual([0, 10])
  })

  test('a source that fails fails the operator', async () => {
    const table = defineSource<Row>({
      open: () => ({
        next: () => {
          throw new Error('no such table')
        },
      }),
    })
    await expect(lookUp(table, [])).rejects.toThrow('no such table')
  })

  test('what cannot be is refused', () => {
    const refused = (table: unknown) => () => planLookupJoin('names', table as Source<unknown>, named, options)
    expect(refused(interval('1s'))).toThrow('the side table of lookupJoin names never ends')
    expect(refused(generate((index) => index))).toThrow('the side table of lookupJoin names never ends')
    expect(refused('names.csv')).toThrow('lookupJoin names needs a source such as fromCsv(path), or a function of the key')
    expect(() => planLookupJoin('names', fromArray([]), named, { on: options.on })).toThrow(/key of lookupJoin names takes a function/)
  })
})

describe('a function', () => {
  class FakeAsyncContext extends FakeOperatorContext implements AsyncContext {
    readonly signal = new AbortController().signal
    readonly recordId = 'lookup/0/0'
    deadLetter(_record: unknown, error: unknown): void {
      throw error
    }
  }

  interface Call {
    readonly key: unknown
    readonly answer: (name: string | undefined) => void
    readonly fail: (error: Error) => void
  }

  function start(options: Omit<AsyncLookupOptions<never, unknown>, 'on'> = {}) {
    const calls: Call[] = []
    const lookup = (key: unknown): Promise<Row | undefined> =>
      new Promise((resolve, reject) => {
        calls.push({ key, answer: (name) => resolve(name === undefined ? undefined : { id: key, name }), fail: reject })
      })
    const { spec } = planLookupJoin('names', lookup, named, { on: (record: { id: unknown }) => record.id, ...options })
    if (spec.kind !== 'async') throw new Error(spec.kind)
    const context = new FakeAsyncContext()
    return { calls, context, spec, ask: (id: unknown, by: AsyncContext = context): unknown => spec.fn({ id } as never, by) }
  }

  test('answers are kept, also that there is none; those who ask meanwhile share the call', async () => {
    const { calls, ask } = start()
    const asked = [ask(1), ask(2), ask(1), ask(null)]
    expect(calls.map(({ key }) => key)).toEqual([1, 2, null])
    calls[0]?.answer('one')
    calls[1]?.answer(undefined)
    calls[2]?.answer('null')
    expect(await Promise.all(asked)).toEqual([
      [1, 'one'],
      [2, undefined],
      [1, 'one'],
      [null, 'null'],
    ])
    // What is known needs no promise.
    expect([ask(1), ask(2), ask(null)]).toEqual([
      [1, 'one'],
      [2, undefined],
      [null, 'null'],
    ])
    expect(calls).toHaveLength(3)
  })

  test('errors are not kept', async () => {
    const { calls, ask } = start()
    const both = [ask(1), ask(1)]
    calls[0]?.fail(new Error('down'))
    for (const one of await Promise.allSettled(both)) expect(one).toMatchObject({ status: 'rejected', reason: { message: 'down' } })
    const again = ask(1)
    calls[1]?.answer('one')
    expect(await again).toEqual([1, 'one'])
  })

  test('an answer lives as long as it says, by the clock of the job', async () => {
    const { calls, ask, context } = start({ cache: { ttl: '10s' } })
    const first = ask(1)
    calls[0]?.answer('one')
    await first
    context.advance(10_000)
    expect(ask(1)).toEqual([1, 'one'])
    context.advance(1)
    const second = ask(1)
    calls[1]?.answer('uno')
    expect(await second).toEqual([1, 'uno'])
  })

  test('the answers that were used last are kept', async () => {
    const { calls, ask } = start({ cache: { entries: 2 } })
    for (const [index, id] of [1, 2].entries()) {
      const asked = ask(id)
      calls[index]?.answer('known')
      await asked
    }
    ask(1)
    const third = ask(3)
    calls[2]?.answer('known')
    await third
    ask(1)
    ask(2)
    expect(calls.map(({ key }) => key)).toEqual([1, 2, 3, 2])
  })

  test('without a cache every record has a call of its own; every subtask has its own cache', async () => {
    const { calls, ask } = start({ cache: false })
    const asked = [ask(1), ask(1)]
    for (const [index, call] of calls.entries()) call.answer(`answer ${index}`)
    expect(await Promise.all(asked)).toEqual([
      [1, 'answer 0'],
      [1, 'answer 1'],
    ])
    const cached = start()
    class SecondSubtask extends FakeAsyncContext {
      override readonly subtask: { readonly index: number; readonly parallelism: number } = { index: 1, parallelism: 2 }
    }
    cached.ask(1)
    cached.ask(1, new SecondSubtask())
    expect(cached.calls).toHaveLength(2)
  })

  test('a function that answers at once', () => {
    let calls = 0
    const lookup = (key: unknown): unknown => {
      calls++
      return { id: key, name: 'known' }
    }
    const { spec } = planLookupJoin('names', lookup, named, { on: (record: { id: unknown }) => record.id })
    if (spec.kind !== 'async') throw new Error(spec.kind)
    const context = new FakeAsyncContext()
    expect([1, 1].map((id) => spec.fn({ id } as never, context))).toEqual([
      [1, 'known'],
      [1, 'known'],
    ])
    expect(calls).toBe(1)
  })

  test('how many at once, in which order and how long are those of mapAsync', () => {
    expect(start({ concurrency: 8, ordered: false, timeout: '5s' }).spec).toMatchObject({
      concurrency: 8,
      ordered: false,
      timeoutMs: 5_000,
    })
    expect(() => start({ concurrency: 0 })).toThrow(/concurrency of lookupJoin names is 0/)
    expect(() => start({ cache: { entries: 0 } })).toThrow(/cache.entries of lookupJoin names is 0/)
    expect(() => start({ cache: { ttl: 0 } })).toThrow(/cache.ttl of lookupJoin names is 0/)
  })
})
