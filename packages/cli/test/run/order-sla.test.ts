/** The example with keyed state and timers, run as a user runs it: every overdue order once, whatever the parallelism. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/order-sla.ts')

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test.each([1, 2])('2,000 of 10,000 orders are overdue, at parallelism %s', async (parallelism) => {
  const { status, stderr } = await folder.run('run', example, '--parallelism', `${parallelism}`, '--workers', '2')
  expect(stderr).toContain('(the last one: finished)')
  expect(status).toBe(0)
  const lines = (await readFile(join(folder.path, 'overdue.jsonl'), 'utf8')).trimEnd().split('\n')
  const overdue = lines.map((line) => JSON.parse(line) as { orderId: number; overdueSince: number; lastSeen: number })
  overdue.sort((left, right) => left.orderId - right.orderId)
  // Every fifth order takes 50 minutes a step; that it was shipped after 100 minutes is known when the watermark, 2 hours behind, comes to 60.
  const expected = Array.from({ length: 2_000 }, (_none, index) => {
    const placedAt = 5 * index * 60_000
    return { orderId: 5 * index, overdueSince: placedAt + 3_600_000, lastSeen: placedAt + 6_000_000 }
  })
  expect(overdue).toEqual(expected)
})
