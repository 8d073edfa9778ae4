/** The example with checkpoints, killed and started again as its comment says: every receipt once, numbered without a gap. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder, runSluice, startSluice } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/orders-exactly-once.ts')
const ORDERS = 20_000
const CUSTOMERS = 500

interface Receipt {
  readonly customer: string
  readonly receipt: number
  readonly order: number
  readonly spentCents: number
}

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

test('killed with SIGKILL and restored at another parallelism, it issues every receipt once', async () => {
  const args = ['run', example, '--param', `orders=${ORDERS}`, '--checkpoint-interval', '200ms', '--workers', '2']
  const options = { cwd: folder.path, env: { XDG_RUNTIME_DIR: folder.path } }
  // Slow enough that it is killed long before its end.
  const killed = startSluice([...args, '--param', 'rate=1000'], options)
  await killed.said(/checkpoint {2}\d+ aligned[^]*checkpoint {2}\d+ aligned/)
  killed.process.kill('SIGKILL')
  await killed.ended
  const { status, stderr } = await runSluice([...args, '--param', 'rate=6000', '--restore', 'latest', '--parallelism', '3'], options)
  expect(stderr).toMatch(/goes on from checkpoint \d+/)
  expect(status).toBe(0)

  const parts = (await readdir(join(folder.path, 'receipts'))).filter((name) => !name.startsWith('.'))
  const texts = await Promise.all(parts.map((name) => readFile(join(folder.path, 'receipts', name), 'utf8')))
  const receipts = texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line) as Receipt)
  expect(receipts.map(({ order }) => order).toSorted((a, b) => a - b)).toEqual(Array.from({ length: ORDERS }, (_none, id) => id))
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const own = receipts.filter((receipt) => receipt.customer === `customer-${customer}`).toSorted((a, b) => a.receipt - b.receipt)
    expect(own.map(({ receipt }) => receipt)).toEqual(Array.from({ length: ORDERS / CUSTOMERS }, (_none, at) => at + 1))
    const cents = own.reduce((sum, { order }) => sum + 100 + ((order * 7_919) % 10_000), 0)
    expect(own.at(-1)?.spentCents).toBe(cents)
  }
})
