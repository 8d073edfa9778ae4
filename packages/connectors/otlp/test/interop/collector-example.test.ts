/** The example of a collector, over real threads: what is sent to it comes out, and what is not worth keeping does not. */
import { resolve } from 'node:path'
import { run } from 'sluice'
import { expect, onTestFinished, test } from 'vitest'
import { writeLogs, writeMetrics, writeSpans } from '../../src/protobuf/write-request.js'
import { addressOf, startReceiver } from '../support/running-receiver.js'
import { sampleLogs, samplePoints, sampleSpans } from '../support/sample-records.js'

const example = resolve(import.meta.dirname, '../../../../../examples/otlp-collector.ts')

test('otlp-collector: whole traces, logs and metrics pass from applications to a back end', async () => {
  const backEnd = await startReceiver()
  const handle = run(example, { params: { port: 0, to: backEnd.url, decideAfterMs: 50 }, workers: 2, parallelism: 2 })
  onTestFinished(() => handle[Symbol.asyncDispose]())
  const url = await addressOf(handle, 3)
  const post = async (path: string, body: Uint8Array): Promise<number> => {
    const headers = { 'content-type': 'application/x-protobuf' }
    return (await fetch(url + path, { method: 'POST', headers, body: body as NonNullable<RequestInit['body']> })).status
  }
  const trace = (id: string, code: 'error' | 'unset') =>
    sampleSpans.slice(0, 3).map((span) => ({ ...span, traceId: id.repeat(32), status: { code, message: '' } }))
  const failed = trace('1', 'error').map((span, index) =>
    index === 0 ? span : { ...span, status: { code: 'unset' as const, message: '' } },
  )
  const statuses = [
    await post('/v1/traces', writeSpans([...failed, ...trace('2', 'unset')])),
    await post('/v1/logs', writeLogs([...sampleLogs, { ...sampleLogs[0]!, severityNumber: 5 }])),
    await post('/v1/metrics', writeMetrics(samplePoints)),
  ]
  expect(statuses).toEqual([200, 200, 200])
  // What is still being decided on is decided at a drain.
  await handle.drain()
  await handle.finished
  const { spans, logs, points } = await backEnd.received()
  expect(spans).toHaveLength(3)
  expect(new Set(spans)).toEqual(new Set(failed))
  // Two subtasks send: records of a kind come in any order.
  expect([...logs].sort((a, b) => a.timeNanos - b.timeNanos)).toStrictEqual(sampleLogs)
  expect(points).toHaveLength(samplePoints.length)
  expect(new Set(points)).toEqual(new Set(samplePoints))
})
