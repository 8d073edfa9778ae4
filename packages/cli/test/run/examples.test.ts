/** What the log says of the examples: who sets the pace. */
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parseLog, runSluice } from '../support/run-sluice.js'

const example = (name: string): string => resolve(import.meta.dirname, '../../../../examples', name)

test('slow-sink: the sink is the bottleneck and the source is held back', async () => {
  const args = ['run', example('slow-sink.ts'), '--param', 'records=5000', '--param', 'delayMs=0', '--log', 'json', '--report', '100ms']
  const { status, stderr } = await runSluice([...args, '--parallelism', '2', '--workers', '2'])
  expect(status).toBe(0)
  const reports = parseLog(stderr).filter(
    (line) => line.event === 'job.bottleneck' && Object.hasOwn(line['heldBackMsPerSecond'] as object, 'numbers'),
  )
  expect(reports.map((line) => line['operator'])).toContain('slow')
  expect(parseLog(stderr).at(-1)).toMatchObject({
    event: 'job.finished',
    recordsIn: 5000,
    bottleneck: expect.stringMatching(/^slow \(subtask 0\) is the bottleneck: .*source numbers/) as string,
  })
}, 60_000)

test('fan-out: the slowest of twelve consumers is named, and nobody loses a record', async () => {
  const { status, stderr } = await runSluice(['run', example('fan-out.ts'), '--log', 'json', '--report', '100ms', '--workers', '2'])
  expect(status).toBe(0)
  expect(parseLog(stderr).at(-1)).toMatchObject({
    event: 'job.finished',
    recordsIn: 5000,
    bottleneck: expect.stringMatching(/^consumer-(9|10|11) /) as string,
  })
  const consumed = (parseLog(stderr).at(-1)?.['subtasks'] as readonly { readonly task: string; readonly recordsIn: number }[]).filter(
    ({ task }) => task.startsWith('consumer-'),
  )
  for (let consumer = 0; consumer < 12; consumer++) {
    const records = consumed.filter(({ task }) => task === `consumer-${consumer}`).reduce((sum, { recordsIn }) => sum + recordsIn, 0)
    expect(records).toBe(Math.ceil(5000 / (consumer + 1)))
  }
}, 60_000)
