import { describe, expect, it } from 'vitest'
import { functionFacts } from '../../src/coordinator/read-function.js'

type Row = { a: number; b: { c: number }; tags: string[] }
const nameless: (row: Row) => unknown = (row) => ({ [`k${row.a}`]: 1 })

describe('the keys of what a function returns', () => {
  it.each<[string, unknown, readonly string[]]>([
    ['a literal', (row: Row) => ({ a: row.a, b: { c: 1 } }), ['a', 'b']],
    ['shorthand and quoted names', (a: number) => ({ a, 'b c': a / 2, d: `${a}` }), ['a', 'b c', 'd']],
    [
      'a block with one return',
      (index: number) => {
        const at = index << 3
        return { x: at, y: at + 1 }
      },
      ['x', 'y'],
    ],
    [
      'the same keys on every path',
      (row: Row) => {
        if (row.a > 0) return { sign: 1, of: row.a }
        const list = [1].map((k) => ({ other: k }))
        return row.a < 0 ? { sign: -1, of: row.a } : { sign: list.length, of: 0 }
      },
      ['sign', 'of'],
    ],
    [
      'a function expression',
      function (row: Row) {
        return { a: row.a }
      },
      ['a'],
    ],
  ])('are known: %s', (_, fn, keys) => {
    expect(functionFacts.resultKeys(fn)).toEqual(keys)
  })

  it.each<[string, unknown]>([
    ['a spread', (row: Row) => ({ ...row, d: 1 })],
    ['a computed key', nameless],
    [
      'a getter',
      () => ({
        get a() {
          return 1
        },
      }),
    ],
    ['another order on another path', (row: Row) => (row.a > 0 ? { a: 1, b: 2 } : { b: 2, a: 1 })],
    [
      'a path without a return',
      // A function made from text: the compiler would not let it pass.
      new Function('row', 'if (row.a > 0) return { a: 1 }'),
    ],
    ['the argument itself', (row: Row) => row],
    [
      'a variable',
      (row: Row) => {
        const out: Record<string, number> = { a: row.a }
        if (row.a > 1) out['b'] = 1
        return out
      },
    ],
    ['integer-like keys', () => ({ b: 1, '1': 2 })],
    ['an async function', async () => ({ a: 1 })],
    [
      'a generator',
      function* () {
        yield 1
        return { a: 1 }
      },
    ],
    ['native code', Math.abs],
    [
      'a bound function',
      function (this: unknown) {
        return { a: 1 }
      }.bind(undefined),
    ],
    [
      'a class',
      class {
        a = 1
      },
    ],
    ['no function', undefined],
  ])('are not known: %s', (_, fn) => {
    expect(functionFacts.resultKeys(fn)).toBeUndefined()
  })
})

describe('whether a function leaves the keys of its record alone', () => {
  it.each<[string, unknown]>([
    ['a comparison', (row: Row) => row.a > 1],
    ['a nested read', (row: Row) => row.b.c === row.tags.length],
    ['a pattern', ({ a, b }: Row) => a > b.c],
    ['a call with a field', (row: Row) => String(row.a).startsWith('1')],
    ['no parameter', () => true],
  ])('yes: %s', (_, fn) => {
    expect(functionFacts.leavesKeys(fn)).toBe(true)
  })

  it.each<[string, unknown]>([
    [
      'an assignment',
      (row: Record<string, number>) => {
        row['x'] = 1
        return true
      },
    ],
    ['an increment', (row: Row) => row.a++ > 1],
    ['a delete', (row: Partial<Row>) => delete row.a],
    ['handing it on', (row: Row) => Object.keys(row).length > 1],
    [
      'an alias',
      (row: Row) => {
        const other = row
        return other.a > 1
      },
    ],
    ['a closure', (row: Row) => [1].some(() => Object.assign(row, { x: 1 }))],
    ['a rest pattern', ({ a, ...rest }: Row) => a > Object.keys(rest).length],
    [
      'arguments',
      function () {
        return Object.keys(arguments[0] as object).length > 0
      },
    ],
    ['a method of the record', (row: Row) => row.hasOwnProperty('a')],
    ['native code', Boolean],
  ])('nobody knows: %s', (_, fn) => {
    expect(functionFacts.leavesKeys(fn)).toBe(false)
  })
})
