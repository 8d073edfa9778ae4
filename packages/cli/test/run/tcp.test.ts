/** The example of TCP as a user runs it: where it listens is in the log, and what a client sends comes out. */
import { connect } from 'node:net'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { parseLog, startSluice } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/tcp.ts')

test('readings over TCP', async () => {
  const job = startSluice(['run', example, '--param', 'port=0', '--log', 'json', '--workers', '2'])
  let lines = 0
  const printed = new Promise<void>((done) => {
    job.process.stdout?.on('data', (text: string) => {
      lines += text.split('\n').length - 1
      if (lines >= 3) done()
    })
  })
  const [listening] = await job.logged('source.listening', 1)
  const port = listening!['port'] as number
  connect(port, '127.0.0.1').end('{"sensor":"a","value":1}\nnonsense\n{"sensor":"a","value":2}\n')
  await printed
  job.process.kill('SIGINT')
  const { stdout } = await job.ended
  const records = parseLog(stdout)
  // Two subtasks of `slow` take the two readings, and either may be the first to pass its reading on.
  const [first, second] = records.filter((one) => 'mean' in one)
  expect([
    { key: 'a', readings: 1, mean: 1 },
    { key: 'a', readings: 1, mean: 2 },
  ]).toContainEqual(first)
  expect(second).toEqual({ key: 'a', readings: 2, mean: 1.5 })
  expect(records.find((one) => 'wrong' in one)).toMatchObject({ from: expect.stringMatching(/^127\.0\.0\.1:\d+ line 2$/) as string })
  expect(listening).toMatchObject({ operator: 'readings', subtask: 0, host: '127.0.0.1', url: `tcp://127.0.0.1:${port}` })
})
