import { describe, expect, it } from 'vitest'
import { formatRecords } from '../../src/sink/table-text.js'
import { print } from '../../src/sink/print.js'
import type { SinkSpec, SinkContext } from '@sluice/engine'

describe('a table of records', () => {
  it('has a column per field, numbers to the right, and says what it leaves out', () => {
    expect(
      formatRecords(
        [
          { airport: 'OAK', flights: 30845, mean: 8.7 },
          { airport: 'X', flights: 5, mean: null },
        ],
        219,
      ),
    ).toBe(
      ['airport  flights  mean', '-------  -------  ----', 'OAK       30,845   8.7', 'X              5', '... and 219 more', ''].join('\n'),
    )
  })

  it('keeps only the first rows in the order asked for, however many come', async () => {
    let text = ''
    const { spec } = print<{ n: number }>({ format: 'table', compare: (left, right) => right.n - left.n, limit: 3 })
    const context = { host: { collect() {}, writeOut: (out: string) => void (text += out) } } as Partial<SinkContext> as SinkContext
    const writer = (spec as SinkSpec).create(context)
    await writer.open?.()
    for (let n = 0; n < 100; n += 10) await writer.write(Array.from({ length: 10 }, (_, k) => ({ n: ((n + k) * 7) % 100 })))
    await writer.finish?.()
    expect(text.split('\n').slice(2, 6)).toEqual(['99', '98', '97', '... and 97 more'])
  })

  it('refuses a format that it does not know', () => {
    expect(() => print({ format: 'yaml' as 'json' })).toThrow(/'json' or 'table'/)
  })
})
