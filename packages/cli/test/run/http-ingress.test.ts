/** The example that listens, run as a user runs it: where it listens stands in the log, and what was answered stands in its files. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder, parseLog, startSluice } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/http-ingress.ts')

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test('the example takes orders and lines over one port, from those who know its token, and never says it', async () => {
  const [totals, lines] = [join(folder.path, 'totals.jsonl'), join(folder.path, 'lines.jsonl')]
  const params = Object.entries({ port: 0, output: totals, lines, token: 'hush-hush' }).flatMap(([name, value]) => [
    '--param',
    `${name}=${value}`,
  ])
  const job = startSluice(['run', example, ...params, '--log', 'json', '--workers', '2', '--report', '1s'])
  let text = ''
  job.process.stderr?.on('data', (chunk: string) => {
    text += chunk
  })
  await job.said(/"source\.listening"[^\n]*orders/)
  await job.said(/"source\.listening"[^\n]*\/log/)
  const heard = parseLog(text.slice(0, text.lastIndexOf('\n'))).filter(({ event }) => event === 'source.listening')
  const urlOf = (operator: string): string => String(heard.find((line) => line.operator === operator)?.['url'])
  const send = (url: string, type: string, body: string, token = 'hush-hush') =>
    fetch(url, { method: 'POST', body, headers: { 'content-type': type, authorization: `Bearer ${token}` } }).then(async (response) => [
      response.status,
      await response.json(),
    ])
  const order = (customer: string, amount: number) => ({ id: `${customer}${amount}`, customer, amount })
  expect(await send(urlOf('orders'), 'application/json', JSON.stringify([order('ann', 1), order('bob', 5), order('ann', 2)]))).toEqual([
    200,
    { accepted: 3 },
  ])
  expect(
    await send(urlOf('orders'), 'application/x-ndjson', `${JSON.stringify(order('bob', 2))}\n{"id":"e","customer":7}\n`),
  ).toMatchObject([400, { accepted: 1, error: { line: 2 } }])
  expect(await send(urlOf('log'), 'text/plain', 'INFO all is well\nERROR disk is full\n')).toEqual([200, { accepted: 2 }])
  expect(await send(urlOf('log'), 'text/plain', 'ERROR', 'guess')).toMatchObject([401, { accepted: 0 }])
  job.process.kill('SIGINT')
  const { stderr, stdout } = await job.ended
  expect(readFileSync(lines, 'utf8')).toBe('"ERROR disk is full"\n')
  const last = new Map(
    readFileSync(totals, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly key: string; readonly orders: number; readonly amount: number })
      .map(({ key, orders, amount }) => [key, [orders, amount]]),
  )
  expect(last).toEqual(
    new Map([
      ['ann', [2, 3]],
      ['bob', [2, 7]],
    ]),
  )
  expect(stderr + stdout).not.toMatch(/hush-hush|guess/)
})
