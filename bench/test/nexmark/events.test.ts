import { run, defineJob } from 'sluice'
import { expect, test } from 'vitest'
import { fromNexmark } from '../../nexmark/events/from-nexmark.js'
import { type ColumnOf, ENCODINGS, type EventKind, KINDS } from '../../nexmark/events/layout.js'
import { OpenedEvents } from '../../nexmark/events/opened-events.js'
import { packEvents } from '../../nexmark/events/pack-events.js'
import { recordReader } from '../../nexmark/events/record-reader.js'
import { Generator } from '../../nexmark/generator/generator.js'
import type { NexmarkEvent } from '../../nexmark/generator/model.js'

const KIND_NAMES = { persons: 'person', auctions: 'auction', bids: 'bid' } as const

function made(kind: EventKind, count: number, groupSize: number): readonly object[] {
  const generator = new Generator({ flavour: 'BC', count, groupSize })
  return Array.from({ length: count }, (_, number) => [number, generator.event(number)] as const)
    .filter((entry: readonly [number, NexmarkEvent]) => entry[1].kind === KIND_NAMES[kind])
    .map(([number, { value }]) => ({ ...value, number }))
}

const allColumns = <K extends EventKind>(kind: K): readonly ColumnOf<K>[] => Object.keys(ENCODINGS[kind]) as ColumnOf<K>[]

test.each([
  [0, 1],
  [1, 1],
  [256, 1],
  [3_001, 1],
  [3_001, 1_000],
])('what was packed is read back: %i events in groups of %i', (count, groupSize) => {
  const events = new OpenedEvents(packEvents({ flavour: 'BC', count, groupSize }))
  expect(events.blocks).toBe(Math.ceil(count / 256))
  for (const kind of KINDS) {
    const records: object[] = []
    const read = recordReader(events, kind, allColumns(kind))
    for (let block = 0; block < events.blocks; block++)
      read(events.firstRow(kind, block), events.firstRow(kind, block + 1), records as never)
    expect(records).toEqual(made(kind, count, groupSize))
  }
})

test('a column that is not there is refused by name', () => {
  const events = new OpenedEvents(packEvents({ flavour: 'B', count: 10 }))
  expect(() => recordReader(events, 'bids', ['seller' as 'price'])).toThrow(/bids have no column seller/)
})

test.each([1, 2, 3])('the source gives every record once, in %i splits', async (splits) => {
  const count = 20_000
  const buffer = packEvents({ flavour: 'BC', count })
  const job = defineJob({ name: 'all' }, (job) => ({
    bids: job.source('bids', fromNexmark(buffer, { kind: 'bids', columns: ['number', 'price'], splits })),
    persons: job.source('persons', fromNexmark(buffer, { kind: 'persons', columns: ['number', 'name'], splits })),
  }))
  const { outputs } = await run(job).finished
  const byNumber = (left: { number: number }, right: { number: number }): number => left.number - right.number
  expect([...outputs.bids].sort(byNumber)).toEqual(
    made('bids', count, 1).map((bid) => ({ number: (bid as { number: number }).number, price: (bid as { price: number }).price })),
  )
  expect(outputs.persons).toHaveLength(count / 50)
})
