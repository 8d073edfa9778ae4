/** The decision alone: shares of time, priorities, what is saved up, who starves. Costs and what waits are the test's. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputSelection, SAVED_MS_MAX, type SelectedEdge, STARVED_MS_MAX, STARVED_TURN_MS } from '../../src/task/input-selection.js'

interface Play {
  readonly spentMs: readonly number[]
  /** Edges in the order in which they were read. */
  readonly order: readonly number[]
}

/** Reads for so long; `costOf`: ms of one driver call over an edge, `waits`: whether it has something. */
function play(
  edges: readonly SelectedEdge[],
  forMs: number,
  costOf: (edge: number) => number,
  waits: (edge: number, nowMs: number) => boolean = () => true,
  selection: InputSelection = new InputSelection(edges),
): Play {
  const edgeOf = new Map(edges.flatMap(({ channels }, edge) => channels.map((channel) => [channel, edge] as const)))
  const spentMs = edges.map(() => 0)
  const order: number[] = []
  let nowMs = 0
  let channel = selection.choose()
  let passed = 0
  while (nowMs < forMs) {
    const edge = edgeOf.get(channel) as number
    if (!waits(edge, nowMs)) {
      if (++passed > 2 * edgeOf.size) nowMs += 1
      channel = selection.pass()
      continue
    }
    passed = 0
    const costMs = costOf(edge)
    nowMs += costMs
    spentMs[edge] = (spentMs[edge] as number) + costMs
    order.push(edge)
    channel = selection.count(costMs, true)
  }
  return { spentMs, order }
}

const edge = (channel: number, weight = 1, priority = 0): SelectedEdge => ({ weight, priority, channels: [channel] })
const shares = ({ spentMs }: Play): number[] => spentMs.map((ms) => ms / spentMs.reduce((sum, each) => sum + each, 0))

describe('edges of one priority', () => {
  it('share time by their weights, whatever a call over each of them costs', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ weight: fc.integer({ min: 1, max: 20 }), costMs: fc.double({ min: 0.05, max: 2, noNaN: true }) }), {
          minLength: 2,
          maxLength: 6,
        }),
        (given) => {
          const edges = given.map(({ weight }, channel) => edge(channel, weight))
          const total = given.reduce((sum, { weight }) => sum + weight, 0)
          const got = shares(play(edges, 5_000, (each) => given[each]?.costMs as number))
          got.forEach((share, each) => expect(share).toBeCloseTo((given[each]?.weight as number) / total, 2))
        },
      ),
      { numRuns: 30 },
    )
  })

  it('are never behind by more than one call of each', () => {
    const edges = [edge(0, 3), edge(1, 1)]
    const { order } = play(edges, 400, () => 1)
    for (let at = 0; at + 4 <= order.length; at += 4) expect(order.slice(at, at + 4).filter((each) => each === 0)).toHaveLength(3)
  })

  it('give what one does not use to the others at once, and owe it no more than is saved up', () => {
    const edges = [edge(0), edge(1)]
    const selection = new InputSelection(edges)
    expect(
      play(
        edges,
        60_000,
        () => 1,
        (each) => each === 0,
        selection,
      ).spentMs[1],
    ).toBe(0)
    const back = play(
      edges,
      400,
      () => 1,
      () => true,
      selection,
    )
    const aheadMs = back.order.indexOf(0)
    expect(aheadMs).toBeGreaterThan(0)
    expect(aheadMs).toBeLessThanOrEqual(SAVED_MS_MAX + 2)
    expect(Math.abs((back.spentMs[0] as number) - (back.spentMs[1] as number))).toBeLessThanOrEqual(SAVED_MS_MAX + 2)
  })

  it('count what a record expands to as time of the edge that it came from', () => {
    const edges = [edge(0), edge(1)]
    const selection = new InputSelection(edges)
    const calls = [0, 0]
    for (let round = 0, channel = selection.choose(); round < 4000; round++) {
      calls[channel] = (calls[channel] as number) + 1
      const read = channel
      channel = selection.count(1, true)
      if (read !== 0) continue
      selection.countMore(2)
      channel = selection.choose()
    }
    expect((calls[1] as number) / (calls[0] as number)).toBeCloseTo(3, 1)
  })

  it('are read in turn where the clock stands still', () => {
    const { order } = play([edge(0), edge(1)], 0, () => 0)
    expect(order).toEqual([])
    const selection = new InputSelection([edge(0), edge(1)])
    const channels = [selection.choose()]
    for (let call = 0; call < 9; call++) channels.push(selection.count(0, true))
    expect(channels.filter((channel) => channel === 0)).toHaveLength(5)
  })
})

describe('an edge of a higher priority', () => {
  it('is read first, and what it leaves goes to the others in the same round', () => {
    const edges = [edge(0), edge(1, 1, 1)]
    const { order } = play(
      edges,
      100,
      () => 1,
      (each, nowMs) => each === 0 || nowMs % 10 < 3,
    )
    order.forEach((each, at) => expect(each).toBe(at % 10 < 3 ? 1 : 0))
  })

  it('leaves an edge that it starves a little of the time, and no more', () => {
    const edges = [edge(0), edge(1, 1, 1)]
    const played = play(edges, 100_000, () => 0.5)
    expect(shares(played)[0]).toBeCloseTo(STARVED_TURN_MS / (STARVED_MS_MAX + STARVED_TURN_MS), 3)
    let since = 0
    let longest = 0
    for (const each of played.order) {
      since = each === 0 ? 0 : since + 0.5
      longest = Math.max(longest, since)
    }
    expect(longest).toBeLessThanOrEqual(STARVED_MS_MAX)
  })

  it('has no turn of those who starve taken from it where these have nothing', () => {
    const edges = [edge(0), edge(1, 1, 1)]
    const { order } = play(
      edges,
      10_000,
      () => 0.5,
      (each) => each === 1,
    )
    expect(order.every((each) => each === 1)).toBe(true)
  })
})

it('reads an edge that weighs next to nothing once in a while', () => {
  const { order } = play([edge(0, 1e-6), edge(1, 1000)], 10_000, () => 0.5)
  expect(order.filter((each) => each === 0).length).toBeGreaterThan(100)
})

it('reads the channels of an edge in turn, one frame each', () => {
  const selection = new InputSelection([{ weight: 1, priority: 0, channels: [0, 2, 3] }, edge(1)])
  const read: number[] = []
  let channel = selection.choose()
  for (let call = 0; call < 24; call++) {
    read.push(channel)
    channel = selection.count(1, call % 4 >= 2)
  }
  const ofFirst = read.filter((each) => each !== 1)
  expect(new Set(ofFirst)).toEqual(new Set([0, 2, 3]))
  expect(ofFirst).toHaveLength(12)
})

it('looks at every channel in as many steps as there are, whatever was read before', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          weight: fc.integer({ min: 1, max: 9 }),
          priority: fc.integer({ min: -1, max: 1 }),
          width: fc.integer({ min: 1, max: 3 }),
        }),
        {
          minLength: 1,
          maxLength: 5,
        },
      ),
      fc.array(fc.record({ costMs: fc.nat(700), passes: fc.nat(20), ends: fc.boolean() }), { maxLength: 30 }),
      (given, moves) => {
        let next = 0
        const edges = given.map(({ width, ...rest }) => ({ ...rest, channels: Array.from({ length: width }, () => next++) }))
        const selection = new InputSelection(edges)
        let channel = selection.choose()
        for (const { costMs, passes, ends } of moves) {
          for (let pass = 0; pass < passes; pass++) channel = selection.pass()
          channel = selection.count(costMs, ends)
        }
        const seen = new Set<number>()
        for (let step = 0; step < next; step++) {
          seen.add(channel)
          channel = selection.pass()
        }
        expect(seen.size).toBe(next)
      },
    ),
  )
})
