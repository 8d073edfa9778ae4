/** What the log says of the examples: who sets the pace. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder, parseLog, startSluice } from '../support/run-sluice.js'

const example = (name: string): string => resolve(import.meta.dirname, '../../../../examples', name)

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test('slow-sink: the sink is the bottleneck and the source is held back', async () => {
  const args = ['run', example('slow-sink.ts'), '--param', 'records=1000000', '--log', 'json', '--report', '100ms']
  const job = startSluice([...args, '--parallelism', '2', '--workers', '2'])
  await job.said(
    /slow \(subtask 0\) is the bottleneck: [\d.]+ of 1 calls under way, [\d.]+ m?s each, holds source numbers back \d+ % of the time through/,
  )
  // What is in flight at a sink that takes 1,000 records a second is not waited for.
  job.process.kill('SIGKILL')
  const { stderr } = await job.ended
  const line = parseLog(stderr.slice(0, stderr.lastIndexOf('\n'))).findLast(({ msg }) => String(msg).includes('holds source numbers back'))
  expect(line).toMatchObject({ operator: 'slow', subtask: 0, because: ['map -> sum', 'sum -> slow'] })
})

test('fan-out: the slowest of twelve consumers is named, and nobody loses a record', async () => {
  // Ten times as slow as in the example: on a busy machine everything else may take longer than what the consumers wait.
  const slower = (await readFile(example('fan-out.ts'), 'utf8')).replace('resolve, consumer - 8', 'resolve, 10 * (consumer - 8)')
  expect(slower).toContain('10 * (consumer - 8)')
  await folder.write('fan-out.ts', slower)
  const { status, stderr } = await folder.run('run', 'fan-out.ts', '--log', 'json', '--report', '100ms', '--workers', '2')
  expect(status).toBe(0)
  expect(parseLog(stderr).at(-1)).toMatchObject({
    event: 'job.finished',
    recordsIn: 5000,
    bottleneck: expect.stringMatching(/^consumer-(9|10|11) /) as string,
  })
  const subtasks = parseLog(stderr).at(-1)!['subtasks'] as readonly { readonly task: string; readonly recordsIn: number }[]
  for (let consumer = 0; consumer < 12; consumer++) {
    const records = subtasks.filter(({ task }) => task === `consumer-${consumer}`).reduce((sum, { recordsIn }) => sum + recordsIn, 0)
    expect(records).toBe(Math.ceil(5000 / (consumer + 1)))
  }
})
