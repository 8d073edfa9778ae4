/** Whole small jobs over simulated workers: the joined rows do not depend on parallelism, on the seed, or on the order of two streams. */
import { describe, expect, test } from 'vitest'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { defineJob, fromArray, generate, type JobBuilder, type Stream, tumbling, type Update } from '../../src/index.js'
import { tableOf } from './drive.js'

interface Auction {
  readonly id: number
  readonly category: number
  readonly at: number
}

interface Bid {
  readonly auction: number
  readonly price: number
  readonly at: number
}

const AUCTIONS = 60
const BIDS = 1_200
const auctionOf = (index: number): Auction => ({ id: index, category: index % 5, at: index * 100 })
const bidOf = (index: number): Bid => ({ auction: (index * 7919) % (AUCTIONS + 10), price: (index * 104_729) % 1_000, at: index * 5 })
const auctions = Array.from({ length: AUCTIONS }, (_, index) => auctionOf(index))
const bids = Array.from({ length: BIDS }, (_, index) => bidOf(index))

async function collect(
  declaration: (auctions: Stream<Auction, never>, bids: Stream<Bid, never>, job: JobBuilder) => Stream<unknown>,
  parallelism: number,
  seed: number,
): Promise<readonly unknown[]> {
  const graph = defineJob({ name: 'test' }, (job) => {
    const out = declaration(
      job.source('auctions', generate(auctionOf, { count: AUCTIONS })).withTimestamps((auction) => auction.at, { monotonous: true }),
      job.source('bids', generate(bidOf, { count: BIDS })).withTimestamps((bid) => bid.at, { monotonous: true }),
      job,
    )
    return { out }
  }).declare({}, { collect: true })
  const collected: unknown[] = []
  const host = { collect: (_stream: string, records: readonly unknown[]) => void collected.push(...records), writeOut: () => {} }
  await new Simulation(graph, { parallelism, seed, host }).run()
  return collected
}

const runs = [1, 2, 3].flatMap((parallelism) => [1, 2, 3].map((seed) => [parallelism, seed] as const))
const sorted = (rows: Iterable<unknown>): readonly string[] => [...rows].map((row) => JSON.stringify(row)).toSorted()

const join = (auction: Auction, bid: Bid) => ({ id: auction.id, category: auction.category, price: bid.price, at: bid.at })
const joinOptional = (auction: Auction | undefined, bid: Bid | undefined) => ({ id: auction?.id, auction: bid?.auction, price: bid?.price })

const pairs = auctions.flatMap((auction) => bids.filter((bid) => bid.auction === auction.id).map((bid) => [auction, bid] as const))

describe.each(runs)('at parallelism %i with seed %i', (parallelism, seed) => {
  test('join', async () => {
    const rows = await collect(
      (left, right) =>
        left
          .keyBy((auction) => auction.id)
          .join(
            'joined',
            right.keyBy((bid) => bid.auction),
            join,
          ),
      parallelism,
      seed,
    )
    expect(sorted(rows)).toEqual(sorted(pairs.map(([auction, bid]) => join(auction, bid))))
  })

  test('full outer join', async () => {
    const rows = await collect(
      (left, right) =>
        left
          .keyBy((auction) => auction.id)
          .join(
            'joined',
            right.keyBy((bid) => bid.auction),
            joinOptional,
            { type: 'full' },
          ),
      parallelism,
      seed,
    )
    const expected = [
      ...pairs.map(([auction, bid]) => joinOptional(auction, bid)),
      ...bids.filter(({ auction }) => auction >= AUCTIONS).map((bid) => joinOptional(undefined, bid)),
    ]
    expect(sorted(tableOf(rows as Update<unknown>[]).values())).toEqual(sorted(expected))
  })

  test('interval join', async () => {
    const rows = await collect(
      (left, right) =>
        left
          .keyBy((auction) => auction.id)
          .intervalJoin(
            'joined',
            right.keyBy((bid) => bid.auction),
            join,
            { before: '100ms', after: '1s' },
          ),
      parallelism,
      seed,
    )
    const expected = pairs.filter(([auction, bid]) => bid.at >= auction.at - 100 && bid.at <= auction.at + 1_000)
    expect(expected.length).toBeGreaterThan(20)
    expect(sorted(rows)).toEqual(sorted(expected.map(([auction, bid]) => join(auction, bid))))
  })

  test('window join', async () => {
    const rows = await collect(
      (left, right) =>
        left
          .keyBy((auction) => auction.id)
          .windowJoin(
            'joined',
            right.keyBy((bid) => bid.auction),
            (auction, bid, window) => ({ ...join(auction, bid), window }),
            {
              window: tumbling('1s'),
            },
          ),
      parallelism,
      seed,
    )
    const startOf = (at: number): number => Math.floor(at / 1_000) * 1_000
    const expected = pairs
      .filter(([auction, bid]) => startOf(auction.at) === startOf(bid.at))
      .map(([auction, bid]) => ({ ...join(auction, bid), window: { start: startOf(bid.at), end: startOf(bid.at) + 1_000 } }))
    expect(expected.length).toBeGreaterThan(20)
    expect(sorted(rows)).toEqual(sorted(expected))
  })

  test('temporal join', async () => {
    const rows = await collect(
      (left, right) =>
        right
          .keyBy((bid) => bid.auction % 5)
          .temporalJoin(
            'joined',
            left.keyBy((auction) => auction.category),
            (bid, auction) => ({ bid, last: auction?.id }),
            { type: 'left' },
          ),
      parallelism,
      seed,
    )
    const expected = bids.map((bid) => {
      const last = auctions.filter((auction) => auction.category === bid.auction % 5 && auction.at <= bid.at).at(-1)
      return { bid, last: last?.id }
    })
    expect(sorted(rows)).toEqual(sorted(expected))
  })

  test('lookup join, dedupe and topN', async () => {
    const rows = await collect(
      (_left, right) =>
        right
          .lookupJoin('auctions-of', fromArray(auctions), (bid, auction) => ({ ...bid, category: auction?.category ?? -1 }), {
            on: (bid) => bid.auction,
            key: (auction) => auction.id,
          })
          .lookupJoin(
            'names',
            async (category: number) => `category ${category}`,
            (bid, name) => ({ ...bid, name }),
            {
              on: (bid) => bid.category,
              concurrency: 4,
            },
          )
          .keyBy((bid) => [bid.auction, bid.price])
          .dedupe('once')
          .keyBy((bid) => bid.name ?? '')
          .topN('highest', 3, (one, other) => other.price - one.price, { emit: 'end' }),
      parallelism,
      seed,
    )
    const best = new Map<string, number[]>()
    const seen = new Set<string>()
    for (const { auction, price } of bids) {
      if (seen.has(`${auction} ${price}`)) continue
      seen.add(`${auction} ${price}`)
      const name = `category ${auction < AUCTIONS ? auction % 5 : -1}`
      best.set(name, [...(best.get(name) ?? []), price].toSorted((one, other) => other - one).slice(0, 3))
    }
    const found = (rows as Update<readonly { price: number }[], string>[]).map(({ key, value }) => [key, value.map(({ price }) => price)])
    expect(sorted(found)).toEqual(sorted(best))
  })
})

test('a hot key gives far more than the channels hold at once', async () => {
  const graph = defineJob({ name: 'test' }, (job) => {
    const left = job
      .source(
        'left',
        generate((index) => ({ index, padding: 'x'.repeat(200) }), { count: 300 }),
      )
      .keyBy(() => 'hot')
    const right = job
      .source(
        'right',
        generate((index) => ({ index }), { count: 300 }),
      )
      .keyBy(() => 'hot')
    const out = left
      .join('joined', right, (one, other) => ({ left: one.index, right: other.index, padding: one.padding }))
      .rebalance()
      .map((pair) => ({ ...pair }))
    return { out }
  }).declare({}, { collect: true })
  const seen = new Set<number>()
  let rows = 0
  const host = {
    collect: (_stream: string, records: readonly unknown[]) => {
      rows += records.length
      for (const { left, right } of records as { left: number; right: number }[]) seen.add(1_000 * left + right)
    },
    writeOut: () => {},
  }
  await new Simulation(graph, { parallelism: 2, seed: 7, host }).run()
  expect([rows, seen.size]).toEqual([90_000, 90_000])
})

test.each(runs)('a lookup by the key of the stream, at parallelism %i with seed %i', async (parallelism, seed) => {
  const table = fromArray(auctions)
  const asked = new Map<number, number>()
  const lookup = async (id: number): Promise<Auction | undefined> => {
    asked.set(id, (asked.get(id) ?? 0) + 1)
    return auctions[id]
  }
  const enrich = (bid: Bid, auction: Auction | undefined) => ({ ...bid, category: auction?.category ?? null })
  const expected = sorted(bids.map((bid) => enrich(bid, auctions[bid.auction])))
  const keyed = (right: Stream<Bid, never>) => right.keyBy((bid) => bid.auction)
  const found = await collect((_, right) => keyed(right).lookupJoin('l', table, enrich, { key: ({ id }) => id }), parallelism, seed)
  expect(sorted(found)).toEqual(expected)
  const answered = await collect((_, right) => keyed(right).lookupJoin('l', lookup, enrich), parallelism, seed)
  expect(sorted(answered)).toEqual(expected)
  expect([...asked.values()]).toEqual(Array.from({ length: AUCTIONS + 10 }, () => 1))
})
