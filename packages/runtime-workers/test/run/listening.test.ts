/** Sources that listen: where they can be reached is an event of the run, and those that share something are in one thread. */
import { run } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile } from '../support/job-folder.js'

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
