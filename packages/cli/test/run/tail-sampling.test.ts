/** The example of tail-based sampling, run as a user runs it: exactly the traces that fail, are slow, or are of the share, each whole and in one piece. */
import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/tail-sampling.ts')
const TRACES = 400

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test('the example keeps whole traces', async () => {
  // At 2 all spans of a trace come from one subtask of the source, and so in order.
  const args = ['--param', `spans=${TRACES * 10}`, '--param', 'decideAfterMs=30000', '--parallelism', '2']
  const { status, stdout, stderr } = await folder.run('run', example, ...args)
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
  const kept = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { trace: number; name: string })
  const traces = new Set(kept.map(({ trace }) => trace))
  expect(traces.size).toBe(kept.length)
  for (let trace = 0; trace < TRACES; trace++) if (trace % 50 === 0 || trace % 70 === 0) expect(traces).toContain(trace)
  // A hundredth of 400 is four; ten times as many would be no share.
  expect(kept.length).toBeLessThan(40 + TRACES / 50 + TRACES / 70)
  const whole = Array.from({ length: 10 }, (_none, part) => `step ${part}`).join(', ')
  expect(kept.filter(({ name }) => name !== whole)).toEqual([])
})
