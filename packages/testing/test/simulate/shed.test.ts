/** Sheds in whole jobs under random interleavings, and with crashes: what came out and what was dropped are those of one history, whatever was tried before. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineJob, discard, fromArray, type ShedPolicy, type Stream } from '@sluice/operators'
import { expect, test } from 'vitest'
import { simulate } from '../../src/index.js'

interface Tick {
  readonly id: number
  readonly key: string
}

const TOTAL = 500
const ticks: readonly Tick[] = Array.from({ length: TOTAL }, (_, id) => ({ id, key: `key-${id % 9}` }))

const policies: readonly (readonly [string, ShedPolicy<Tick>])[] = [
  ['drop-newest', { policy: 'drop-newest', records: 12, lossy: true }],
  ['drop-oldest', { policy: 'drop-oldest', records: 12, lossy: true, time: 20 }],
  ['sample', { policy: 'sample', keep: 0.4, records: 12, lossy: true }],
  ['priority', { policy: 'priority', records: 12, lossy: true, priority: ({ id }) => id % 4 }],
  ['latest', { policy: 'latest', records: 12, lossy: true, key: ({ key }) => key }],
  ['a trigger', { policy: 'drop-newest', records: 12, lossy: true, when: { fullFor: 2 } }],
]

function slowed(stream: Stream<Tick>): Stream<Tick> {
  return stream.mapAsync('slow', (tick) => new Promise<Tick>((resolve) => setTimeout(() => resolve(tick), 1)), { concurrency: 1 })
}

test.each(policies)('%s: no record is lost uncounted or given twice, with crashes too', { timeout: 120_000 }, async (_name, policy) => {
  const job = defineJob({ name: 'sheds' }, (builder) => {
    const shed = builder.source('ticks', fromArray<Tick>([])).shed('shed', policy)
    const { dropped } = shed
    return { kept: slowed(shed), dropped }
  })
  let lost = 0
  let crashed = 0
  for (let seed = 1; seed <= 6; seed++) {
    const { outputs, crashes } = await simulate(job, { seed, inputs: { ticks }, crashes: seed % 2 === 0 ? 2 : 0 })
    const ids = [...outputs.kept, ...outputs.dropped].map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.length).toBeLessThanOrEqual(TOTAL)
    lost += outputs.dropped.length
    crashed += crashes
  }
  expect(lost).toBeGreaterThan(0)
  expect(crashed).toBeGreaterThan(0)
})

test('spill: everything comes out once and in order, whatever crashes', { timeout: 120_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spill-'))
  try {
    const job = defineJob({ name: 'spills' }, (builder) => {
      const shed = builder.source('ticks', fromArray<Tick>([]), { parallelism: 1 }).shed('shed', { policy: 'spill', records: 8, directory })
      const kept = slowed(shed)
      kept.sink('out', discard())
      return { kept }
    })
    let crashed = 0
    for (let seed = 1; seed <= 6; seed++) {
      const { outputs, crashes } = await simulate(job, { seed, parallelism: 1, inputs: { ticks }, crashes: seed % 2 === 0 ? 2 : 0 })
      expect(outputs.kept.map(({ id }) => id)).toEqual(ticks.map(({ id }) => id))
      crashed += crashes
    }
    expect(crashed).toBeGreaterThan(0)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
