/** `keyBy(fn, { partitioned: true })`: nothing is dealt out a second time, and whoever promises too much is told so. */
import { expect, test } from 'vitest'
import { Simulation } from '../../../engine/test/support/simulation.js'
import { count, defineJob, fromArray, sum } from '../../src/index.js'

interface Sale {
  readonly shop: number
  readonly item: number
  readonly amount: number
}

const sales: readonly Sale[] = Array.from({ length: 400 }, (_, index) => ({ shop: index % 37, item: index % 11, amount: index }))

async function run(
  second: (sale: Sale) => number | readonly bigint[],
  options: { readonly chaining?: boolean; readonly codeGeneration?: boolean; readonly parallelism: number },
): Promise<{ readonly simulation: Simulation; readonly results: readonly unknown[] }> {
  const results: unknown[] = []
  const host = { collect: (_stream: string, records: readonly unknown[]) => void results.push(...records), writeOut: () => {} }
  const graph = defineJob({ name: 'test' }, (job) => {
    const totals = job
      .source('sales', fromArray(sales))
      .keyBy((sale) => sale.shop)
      .reduce('largest', (left, right) => (right.amount > left.amount ? right : left))
      .keyBy(second, { partitioned: true })
      .aggregate('per-shop', { changes: count(), amount: sum((sale) => sale.amount) }, { emit: 'end' })
    return { totals }
  }).declare({}, { collect: true })
  const simulation = new Simulation(graph, { ...options, host })
  await simulation.run()
  return { simulation, results }
}

const expected = Array.from({ length: 37 }, (_, shop) => {
  const amounts = sales.filter((sale) => sale.shop === shop).map((sale) => sale.amount)
  return { key: shop, changes: amounts.length, amount: amounts.reduce((left, right) => left + right, 0) }
})

test.each([
  { parallelism: 1 },
  { parallelism: 2 },
  { parallelism: 3, codeGeneration: false },
  { parallelism: 2, chaining: false },
  { parallelism: 2, chaining: false, codeGeneration: false },
])('records stay where they are: %o', async (options) => {
  const { simulation, results } = await run((sale) => sale.shop, options)
  expect(results.toSorted((a, b) => (a as { key: number }).key - (b as { key: number }).key)).toEqual(expected)
  const edge = simulation.plan.edges.find(({ name }) => name === 'largest -> per-shop')
  expect(edge?.partitioning).toBe(options.chaining === false ? 'forward' : undefined)
})

test.each([{ codeGeneration: true }, { codeGeneration: false }, { chaining: false }])(
  'a record with a key that belongs elsewhere is refused: %o',
  async (options) => {
    await expect(run((sale) => sale.item, { parallelism: 2, ...options })).rejects.toMatchObject({
      code: 'SLUICE_KEY_MISPLACED',
      coordinates: { operator: 'per-shop', declaredAt: expect.stringContaining('partitioned.test.ts') as string },
    })
  },
)

test('a misplaced key is shown, whatever it is', async () => {
  await expect(run((sale) => [BigInt(sale.item)], { parallelism: 2 })).rejects.toMatchObject({
    code: 'SLUICE_KEY_MISPLACED',
    message: expect.stringMatching(/the key \["\d+n"\]/) as string,
  })
})

test('records that did not come by key are dealt out, and the plan says so', () => {
  const graph = defineJob({ name: 'test' }, (job) => {
    const totals = job
      .source('sales', fromArray(sales))
      .rebalance()
      .map((sale) => sale)
      .keyBy((sale) => sale.shop, { partitioned: true })
      .aggregate('per-shop', { changes: count() }, { emit: 'end' })
    return { totals }
  }).declare({}, { collect: true })
  const { plan } = new Simulation(graph, { parallelism: 2 })
  expect(plan.edges.find(({ name }) => name === 'map -> per-shop')?.partitioning).toBe('hash')
  expect(plan.notes.join('\n')).toContain('records from map to per-shop are dealt out by key again')
})
