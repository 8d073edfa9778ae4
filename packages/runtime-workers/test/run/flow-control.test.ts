/** Flow control on real threads: pull edges, weights, operators that hold records back, with checkpoints and a thread that ends in the middle. */
import { run, type RunResult } from '@sluice/runtime-workers'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jobFolder } from '../support/job-folder.js'

const RECORDS = 1_000

/**
 * A diamond whose branches meet behind one another's limits: a stream that says the rate comes from the stream that it limits, a queue goes to disk. Numbers per key
 * say whether anything is lost or there twice.
 */
const JOB = `
  import { defineJob, generate, valueState } from 'sluice'
  import { existsSync, writeFileSync } from 'node:fs'
  import { z } from 'zod'
  const params = z.object({ mark: z.string(), spill: z.string() })
  export default defineJob({ name: 'flow', params, parallelism: 2 }, (job, { mark, spill }) => {
    const numbers = job.source('numbers', generate((id) => ({ id, pad: 'x'.repeat(id % 500 === 0 ? 40_000 : id % 50) }), { count: ${RECORDS}, rate: 4_000 }), { parallelism: 1 })
    const left = numbers.map((record) => ({ ...record, side: 'left' }), { name: 'left' })
    const right = numbers.keyBy((record) => record.id % 13).process('right', {
      onRecord(record) {
        if (record.id === 500 && !existsSync(mark)) {
          writeFileSync(mark, '')
          process.exit(3)
        }
        return [{ ...record, side: 'right' }]
      },
    })
    const rates = numbers.filter((record) => record.id % 100 === 0).map(() => 20_000, { name: 'rates' })
    const numbered = left.union(right)
      .map((record) => record, { name: 'meet', parallelism: 3 })
      .rateLimit('limit', { rate: rates, initial: 1_000, burst: 5 })
      .shed('queue', { policy: 'spill', directory: spill, records: 20, diskBytes: '16mb' })
      .keyBy((record) => record.side + record.id % 50)
      .process('number', {
        state: { count: valueState({ default: 0 }) },
        onRecord(record, context) {
          const count = context.state.count.get() + 1
          context.state.count.set(count)
          return [{ side: record.side, id: record.id, count }]
        },
      })
    return { numbered }
  })`

const edges = {
  'numbers -> right': { prefetch: 1 },
  'left -> meet': { prefetch: 3, weight: 0.1 },
  'right -> meet': { priority: 1 },
  'meet -> limit': { prefetch: 20 },
  'rates -> limit': { weight: 3, window: '1ms' },
  'queue -> number': { prefetch: 7 },
} as const

test.each(['aligned', 'unaligned'] as const)('is exact behind a thread that ended, with %s checkpoints', async (mode) => {
  const folder = jobFolder({ 'job.ts': JOB })
  const result: RunResult<unknown> = await run(join(folder, 'job.ts'), {
    workers: 2,
    collect: true,
    edges,
    params: { mark: join(folder, 'mark'), spill: join(folder, 'spill') },
    checkpoint: { interval: 40, directory: join(folder, 'checkpoints'), mode },
    restart: { strategy: 'fixed', attempts: 1, delay: 1 },
  }).finished
  expect(result.restarts).toBe(1)
  const { numbered } = result.outputs as { numbered: readonly { side: string; id: number; count: number }[] }
  const found = numbered.map(({ side, id }) => `${side} ${id}`).sort()
  const wanted = ['left', 'right'].flatMap((side) => Array.from({ length: RECORDS }, (_, id) => `${side} ${id}`)).sort()
  expect(found).toEqual(wanted)
  const counts = new Map<string, number[]>()
  for (const { side, id, count } of numbered) counts.set(side + (id % 50), [...(counts.get(side + (id % 50)) ?? []), count])
  for (const each of counts.values()) expect(each.sort((a, b) => a - b)).toEqual(each.map((_, index) => index + 1))
})
