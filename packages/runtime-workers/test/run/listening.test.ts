/** Sources that listen: where they can be reached is an event of the run, and those that share something are in one thread. */
import { connect } from 'node:net'
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile, jobFolder } from '../support/job-folder.js'

const LISTENING = `
  import { defineJob, defineSource, discard } from 'sluice'
  import { threadId } from 'node:worker_threads'
  export default defineJob({ name: 'listening' }, (job) => {
    const shared = (name) => job.source(name, defineSource({
      colocation: 'listen a port',
      open: (_split, context) => {
        context.log.info('in thread ' + threadId)
        for (let line = 0; line < 6_000; line++) context.log.info('chatter')
        context.announce({ url: 'tcp://127.0.0.1:4242/' + name, host: '127.0.0.1', port: 4242 })
        return { next: () => undefined }
      },
    }))
    shared('a').union(shared('b'), shared('c')).sink('out', discard())
  })`

test.each([0, 3])('what a source announces is told once, and is no line of user code: %i workers', async (workers) => {
  const lines: string[] = []
  const heard: unknown[] = []
  const notices: unknown[] = []
  const handle = run(jobFile(LISTENING), { workers, log: ({ message }) => void lines.push(message) })
  handle.events.on('listening', (event) => heard.push(event)).on('notice', (notice) => notices.push(notice))
  await handle.finished
  const expected = ['a', 'b', 'c'].map((operator) => ({ operator, url: `tcp://127.0.0.1:4242/${operator}`, host: '127.0.0.1', port: 4242 }))
  expect(heard).toHaveLength(3)
  expect(heard).toEqual(expect.arrayContaining(expected))
  expect(notices).toHaveLength(3)
  expect(notices[0]).toMatchObject({ event: 'source.listening', level: 'info', subtask: 0 })
  expect(lines.filter((line) => line.includes('listens'))).toEqual([])
  expect(new Set(lines.filter((line) => line.startsWith('in thread'))).size).toBe(1)
})

const RECEIVING = `
  import { defineJob, forEach, fromTcp } from 'sluice'
  import { z } from 'zod'
  export default defineJob({ name: 'receiving', params: z.object({ port: z.number() })}, (job, { port }) => {
    job.source('lines', fromTcp({ port })).map((line) => {
      if (line === 'fail') throw new Error('as it was told')
      console.log(line)
      return line
    }).sink('out', forEach(() => {}))
  })`

test('a job that starts again listens on the same port', async () => {
  // Below those that systems give out: nobody takes it while the job starts again.
  const port = 20_000 + (process.pid % 10_000)
  const said: string[] = []
  const waiting = new Map<string, () => void>()
  const handle = run(jobFile(RECEIVING), {
    workers: 1,
    params: { port },
    checkpoint: { interval: 20, directory: jobFolder({}) },
    restart: { strategy: 'fixed', attempts: 3, delay: 10 },
    log: ({ message }) => {
      said.push(message)
      waiting.get(message)?.()
    },
  })
  const hears = (line: string): Promise<void> =>
    said.includes(line) ? Promise.resolve() : new Promise((resolve) => waiting.set(line, resolve))
  const listens = (): Promise<number> => new Promise((resolve) => handle.events.once('listening', (event) => resolve(event.port)))
  expect(await listens()).toBe(port)
  const first = connect(port, '127.0.0.1')
  const closed = new Promise((resolve) => first.once('close', resolve))
  first.on('error', () => undefined).resume()
  first.write('one\n')
  await hears('one')
  const again = listens()
  first.write('fail\n')
  await closed
  expect(await again).toBe(port)
  connect(port, '127.0.0.1').end('two\n')
  await hears('two')
  await handle.stop()
  expect((await handle.finished).restarts).toBe(1)
  expect(said).toEqual(['one', 'two'])
})
