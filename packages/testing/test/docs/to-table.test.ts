// to-table.test.ts
import { checkSinkContract } from '@sluice/testing'
import { defineSink } from '@sluice/operators'
import { expect, test } from 'vitest'

interface Row {
  readonly n: number
}

/** By place: committed rows by the name of their transaction. */
const tables = new Map<string, Map<string, readonly number[]>>()
const tableAt = (place: string): Map<string, readonly number[]> => tables.get(place) ?? tables.set(place, new Map()).get(place)!

const toTable = (place: string) =>
  defineSink<Row>({
    transactional: true,
    open: ({ subtask, run }) => {
      let rows: number[] = []
      return {
        write: (records) => void rows.push(...records.map(({ n }) => n)),
        prepare(checkpoint) {
          const transaction = { name: `${subtask.index}/${checkpoint}`, rows }
          rows = []
          return transaction
        },
        commit(prepared) {
          const { name, rows: committed } = prepared as { name: string; rows: number[] }
          tableAt(place).set(name, committed)
        },
        finish() {
          if (run === undefined) tableAt(place).set('all', rows)
        },
      }
    },
  })

test('keeps what it promises', async () => {
  const { scenarios } = await checkSinkContract({
    sink: toTable,
    record: (n): Row => ({ n }),
    visible: (place) => [...tableAt(place).values()].flat(),
  })
  expect(scenarios).toBeGreaterThan(50)
})
