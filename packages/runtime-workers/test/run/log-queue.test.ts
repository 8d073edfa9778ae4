import type { LogEntry } from '@sluice/engine'
import { expect, test } from 'vitest'
import { LINES_PER_SECOND_MAX, LogQueue } from '../../dist/worker/log-queue.js'

function makeQueue(): { queue: LogQueue; sent: LogEntry[][]; clock: { nowMs: number } } {
  const sent: LogEntry[][] = []
  const clock = { nowMs: 0 }
  return { sent, clock, queue: new LogQueue({ send: (entries) => sent.push([...entries]), monotonicMs: () => clock.nowMs }) }
}

const line = (message: string): LogEntry => ({ level: 'info', message })

test('lines of one turn of the event loop are sent together', async () => {
  const { queue, sent } = makeQueue()
  queue.push(line('a'))
  queue.push(line('b'))
  expect(sent).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  queue.push(line('c'))
  queue.close()
  expect(sent).toEqual([[line('a'), line('b')], [line('c')]])
})

test('what is beyond the limit of a second is counted, and told with the next line', () => {
  const { queue, sent, clock } = makeQueue()
  for (let at = 0; at < LINES_PER_SECOND_MAX + 7; at++) queue.push(line(String(at)))
  clock.nowMs = 1_000
  queue.push(line('next second'))
  queue.flush()
  expect(sent.flat()).toHaveLength(LINES_PER_SECOND_MAX + 2)
  expect(sent.flat().slice(-2)).toEqual([
    { level: 'warn', message: `7 log lines were left out: more than ${LINES_PER_SECOND_MAX} in a second` },
    line('next second'),
  ])
})

test('what the engine says itself is never left out', () => {
  const { queue, sent } = makeQueue()
  for (let at = 0; at <= LINES_PER_SECOND_MAX; at++) queue.push(line(String(at)))
  const listening: LogEntry = { ...line('in listens'), event: 'source.listening' }
  queue.push(listening)
  queue.flush()
  expect(sent.flat()).toHaveLength(LINES_PER_SECOND_MAX + 1)
  expect(sent.flat().at(-1)).toEqual(listening)
})

test('the count of the last second is not lost', () => {
  const { queue, sent } = makeQueue()
  for (let at = 0; at <= LINES_PER_SECOND_MAX; at++) queue.push(line(String(at)))
  queue.close()
  expect(sent.flat().at(-1)?.message).toMatch(/^1 log lines were left out/)
})
