/** The example of a collector beside an application, killed while its back end is down and started again: what the application was told that it has arrives, in order. */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RunResult } from '@sluice/runtime-workers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder, type Started, startSluice } from '../support/run-sluice.js'
import { sendSpans, SpanBackEnd } from '../support/span-back-end.js'

const example = resolve(import.meta.dirname, '../../../../examples/sidecar.ts')
const SPANS = 4_000
const PER_REQUEST = 200

let folder: JobFolder
let backEnd: SpanBackEnd
beforeEach(async () => {
  folder = await JobFolder.create()
  backEnd = await SpanBackEnd.start()
})
const running = new Set<Started>()
afterEach(async () => {
  for (const { process, ended } of running) {
    process.kill('SIGKILL')
    await ended
  }
  running.clear()
  await backEnd.close()
  await folder.remove()
})

interface Collector extends Started {
  /** What applications send to. */
  readonly url: string
}

/** With a queue in memory that is far too small, so that most of what waits is on disk. */
async function startCollector(params: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Collector> {
  const all = Object.entries({ port: '0', encoding: 'json', records: '100', ...params })
  const given = all.flatMap(([name, value]) => ['--param', `${name}=${value}`])
  const run = ['run', example, ...given, '--checkpoint-interval', '100ms', '--workers', '1', '--log', 'json', ...args]
  const started = startSluice(run, { cwd: folder.path, env: { XDG_RUNTIME_DIR: folder.path } })
  running.add(started)
  const [line] = await started.logged('source.listening', 1)
  return { ...started, url: String(line?.['url']) }
}

async function kill(collector: Collector): Promise<void> {
  collector.process.kill('SIGKILL')
  await collector.ended
}

const allSpans = Array.from({ length: SPANS }, (_none, number) => number)

async function sendAll(url: string): Promise<void> {
  for (let from = 0; from < SPANS; from += PER_REQUEST) expect(await sendSpans(url, from, from + PER_REQUEST)).toBe(200)
}

/** A collector that goes on from the last checkpoint, with the back end up again, in order and none twice. */
async function deliversAll(): Promise<void> {
  backEnd.answer()
  const restored = await startCollector({ backEnd: backEnd.url }, '--restore', 'latest')
  await backEnd.has(allSpans)
  await kill(restored)
  expect(backEnd.arrived).toEqual(allSpans)
}

test('killed while the back end hangs, it delivers what its last checkpoint covers, in order', async () => {
  const killed = await startCollector({ backEnd: backEnd.url })
  await sendAll(killed.url)
  await backEnd.hangs()
  // One may have been under way when the last span was taken: the next one has it.
  const before = await killed.logged('checkpoint.completed', 0)
  await killed.logged('checkpoint.completed', before.length + 2)
  expect(readdirSync(join(folder.path, 'sidecar-buffer')).length).toBeGreaterThan(0)
  await kill(killed)

  await deliversAll()
})

test('Ctrl-C while nobody listens ends at once and well, and a restore delivers everything', async () => {
  const gone = await SpanBackEnd.start()
  const nobody = gone.url
  await gone.close()
  const stopped = await startCollector({ backEnd: nobody })
  await sendAll(stopped.url)
  stopped.process.kill('SIGINT')
  const line = (await stopped.logged('job.finished', 1))[0]!
  const { heldRecords, channelBytes, calls } = line['unfinished'] as NonNullable<RunResult<unknown>['unfinished']>
  expect(calls).toBe(1)
  expect(heldRecords).toBeGreaterThan(SPANS / 4)
  expect(channelBytes).toBeGreaterThan(0)
  expect(await stopped.ended).toMatchObject({ status: 130 })

  await deliversAll()
})

test("with ack: 'checkpoint' it delivers everything that was answered, although it is killed at once", async () => {
  const gone = await SpanBackEnd.start()
  const nobody = gone.url
  await gone.close()
  const killed = await startCollector({ backEnd: nobody, ack: 'checkpoint' })
  const answered = new Set<number>()
  const sent = Array.from({ length: SPANS / PER_REQUEST }, async (_none, request) => {
    const from = request * PER_REQUEST
    const status = await sendSpans(killed.url, from, from + PER_REQUEST).catch(() => 0)
    if (status !== 200) return
    for (let number = from; number < from + PER_REQUEST; number++) answered.add(number)
    killed.process.kill('SIGKILL')
  })
  await Promise.all(sent)
  await killed.ended
  expect(answered.size).toBeGreaterThan(0)

  backEnd.answer()
  const restored = await startCollector({ backEnd: backEnd.url, ack: 'checkpoint' }, '--restore', 'latest')
  await backEnd.has([...answered])
  await kill(restored)
})
