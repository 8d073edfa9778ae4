/** Jobs that listen, as whole runs over threads: what is answered is what is delivered, whatever happens to the job. */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, type RunHandle } from '@sluice/runtime-workers'
import { describe, expect, test } from 'vitest'
import { jobFile, jobFolder } from '../support/job-folder.js'

const JSON_TYPE = { 'content-type': 'application/json' }

interface Listening {
  readonly operator: string
  readonly url: string
  readonly port: number
}

/** The first so many sources that listen; counts on from what was heard before. */
function listeners(handle: RunHandle<never>, count: number, heard: Listening[] = []): Promise<readonly Listening[]> {
  return new Promise((resolve, reject) => {
    handle.events.on('listening', (event) => {
      heard.push(event)
      if (heard.length >= count) resolve(heard)
    })
    handle.finished.catch(reject)
  })
}

async function post(url: string, body: string, headers: Readonly<Record<string, string>> = JSON_TYPE) {
  const response = await fetch(url, { method: 'POST', body, headers })
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as { readonly accepted: number; readonly error?: { readonly code: string } },
  }
}

const linesOf = (folder: string, name: string): unknown[] =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

const TWO_SOURCES = `
  import { defineJob, fromHttp, toJsonLines } from 'sluice'
  export default defineJob({ name: 'two' }, (job) => {
    const orders = job.source('orders', fromHttp({ port: 0, path: '/orders', token: 'hush-hush' })).map((order) => ({ order }))
    const texts = job.source('texts', fromHttp({ port: 0, path: '/texts', format: 'lines' })).map((text) => ({ text }))
    orders.union(texts).sink('out', toJsonLines('out.jsonl'))
  })`

describe.each([0, 2])('with %i workers', (workers) => {
  test('two sources on one port, which the system chose; a drain keeps everything that was answered', async () => {
    const folder = jobFolder({})
    const out = join(folder, 'out.jsonl')
    const file = jobFile(TWO_SOURCES.replace("'out.jsonl'", JSON.stringify(out)))
    const log: string[] = []
    const handle = run(file, { workers, log: (entry) => void log.push(JSON.stringify(entry)) }) as unknown as RunHandle<never>
    handle.events.on('notice', (notice) => void log.push(JSON.stringify(notice)))
    const heard = await listeners(handle, 2)
    expect(new Set(heard.map(({ port }) => port)).size).toBe(1)
    const of = (operator: string): string => heard.find((one) => one.operator === operator)?.url as string
    const answers = await Promise.all([
      post(of('orders'), '[1,2]', { ...JSON_TYPE, authorization: 'Bearer hush-hush' }),
      post(of('orders'), '3', { ...JSON_TYPE, authorization: 'Bearer wrong-one' }),
      post(of('texts'), 'a\nb', { 'content-type': 'text/plain' }),
    ])
    expect(answers.map(({ status, body }) => [status, body.accepted])).toEqual([
      [200, 2],
      [401, 0],
      [200, 2],
    ])
    await handle.drain()
    await handle.finished
    expect(new Set(linesOf(folder, 'out.jsonl').map((line) => JSON.stringify(line)))).toEqual(
      new Set(['{"order":1}', '{"order":2}', '{"text":"a"}', '{"text":"b"}']),
    )
    expect(log.join('\n')).not.toMatch(/hush-hush|wrong-one/)
    await expect(post(of('texts'), 'c')).rejects.toThrow('fetch failed')
  })

  test('accepted is delivered, exactly, under a slow job, clients that leave, and a stop in the middle', async () => {
    const folder = jobFolder({})
    const out = join(folder, 'out.jsonl')
    const file = jobFile(`
      import { defineJob, fromHttp, toJsonLines } from 'sluice'
      export default defineJob({ name: 'slow' }, (job) => {
        job.source('in', fromHttp({ port: 0, path: '/in', queue: { records: 20 } }))
          .map((record) => { const until = performance.now() + 5; while (performance.now() < until); return record })
          .rebalance()
          .sink('out', toJsonLines(${JSON.stringify(out)}), { parallelism: 1 })
      })`)
    const handle = run(file, { workers }) as unknown as RunHandle<never>
    const [{ url } = { url: '' }] = await listeners(handle, 1)
    const accepted = new Set<string>()
    const unknown = new Set<string>()
    const statuses = new Set<number>()
    let stopped = false
    let sent = 0
    const client = async (number: number): Promise<void> => {
      for (let request = 0; !stopped; request++) {
        const ids = Array.from({ length: 1 + ((number + request) % 4) }, (_, at) => `${number}.${request}.${at}`)
        const leaves = (number + request) % 7 === 0
        const controller = new AbortController()
        if (leaves) setTimeout(() => controller.abort(), request % 5)
        try {
          const response = await fetch(url, { method: 'POST', body: JSON.stringify(ids), headers: JSON_TYPE, signal: controller.signal })
          const { accepted: taken } = (await response.json()) as { readonly accepted: number }
          statuses.add(response.status)
          for (const id of ids.slice(0, taken)) accepted.add(id)
          sent++
          // A slow machine takes longer to have sent more than the job takes.
          if (!stopped && sent >= 400 && accepted.size > 100 && statuses.has(429)) {
            stopped = true
            await handle.stop()
          }
        } catch {
          for (const id of ids) unknown.add(id)
        }
      }
    }
    await Promise.all(Array.from({ length: 30 }, (_, number) => client(number)))
    await handle.finished.catch(() => undefined)
    const delivered = linesOf(folder, 'out.jsonl') as string[]
    expect(new Set(delivered).size).toBe(delivered.length)
    expect([...accepted].filter((id) => !delivered.includes(id))).toEqual([])
    expect(delivered.filter((id) => !accepted.has(id) && !unknown.has(id))).toEqual([])
  })

  test('a job that fails starts again and listens again; with ack: checkpoint nothing that was answered is lost', async () => {
    const folder = jobFolder({})
    const out = join(folder, 'out.jsonl')
    mkdirSync(join(folder, 'checkpoints'))
    const file = jobFile(`
      import { existsSync, writeFileSync } from 'node:fs'
      import { defineJob, fromHttp, toJsonLines } from 'sluice'
      export default defineJob({
        name: 'failing',
        checkpoint: { interval: '50ms', directory: ${JSON.stringify(join(folder, 'checkpoints'))} },
        restart: { strategy: 'fixed', delay: '10ms', attempts: 5 },
      }, (job) => {
        job.source('in', fromHttp({ port: 0, path: '/in', ack: 'checkpoint' }))
          .map((record) => {
            if (record === 'poison' && !existsSync(${JSON.stringify(join(folder, 'mark'))})) {
              writeFileSync(${JSON.stringify(join(folder, 'mark'))}, '')
              throw new Error('poisoned')
            }
            return record
          })
          .sink('out', toJsonLines(${JSON.stringify(out)}))
      })`)
    const handle = run(file, { workers }) as unknown as RunHandle<never>
    const heard: Listening[] = []
    const [first] = await listeners(handle, 1, heard)
    expect(await post(first?.url as string, '["a","b"]')).toMatchObject({ status: 200, body: { accepted: 2 } })
    const again = new Promise<Listening>((resolve) => handle.events.on('listening', resolve))
    const poisoned = await post(first?.url as string, '["c","poison"]')
    expect(poisoned).toMatchObject({ status: 503, retryAfter: '1', body: { accepted: 0 } })
    const { url } = await again
    expect(await post(url, '["c","d"]')).toMatchObject({ status: 200, body: { accepted: 2 } })
    await handle.drain()
    await handle.finished
    const delivered = linesOf(folder, 'out.jsonl')
    expect([delivered.length, new Set(delivered)]).toEqual([4, new Set(['a', 'b', 'c', 'd'])])
  })

  test('a port that is in use is said; ack: checkpoint without checkpoints is refused before anything is opened', async () => {
    const { createServer } = await import('node:net')
    const other = createServer()
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    )
    try {
      const taken = jobFile(`
        import { defineJob, discard, fromHttp } from 'sluice'
        export default defineJob({ name: 'taken' }, (job) => { job.source('in', fromHttp({ port: ${port}, path: '/in' })).sink('out', discard()) })`)
      await expect(run(taken, { workers }).finished).rejects.toMatchObject({
        code: 'SLUICE_SOURCE_FAILED',
        message: expect.stringContaining(`Port ${port} of 127.0.0.1 is in use`),
      })
    } finally {
      other.close()
    }
    const unchecked = jobFile(`
      import { defineJob, discard, fromHttp } from 'sluice'
      export default defineJob({ name: 'unchecked' }, (job) => { job.source('in', fromHttp({ port: 0, path: '/in', ack: 'checkpoint' })).sink('out', discard()) })`)
    await expect(run(unchecked, { workers }).finished).rejects.toMatchObject({
      code: 'SLUICE_CHECKPOINTS_OFF',
      message: expect.stringContaining("in says ack: 'checkpoint'"),
    })
  })
})
