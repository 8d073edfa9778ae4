/** Job files as text: they lie in a folder far from this repository, as a user's do. */

/** Writes `{ id }` records to stdout. */
export const printJob = `
import { defineJob, generate, print } from 'sluice'
import { z } from 'zod'

export default defineJob(
  { name: 'numbers', params: z.object({ records: z.int().default(3).describe('how many') }) },
  (job, { records }) => {
    job.source('ids', generate((id) => ({ id }), { count: records })).sink('out', print())
  },
)
`

/** Every kind of param; prints what arrived. */
export const paramsJob = `
import { defineJob, fromArray, print } from 'sluice'
import { z } from 'zod'

const params = z.object({
  input: z.string().describe('the file to read'),
  limit: z.number().default(10),
  dry: z.boolean().default(false),
  tags: z.array(z.string()).default([]),
  point: z.object({ x: z.number() }).optional(),
  token: z.string().meta({ secret: true }).optional(),
})

export default defineJob({ name: 'params', params }, (job, { token, ...shown }) => {
  job.source('given', fromArray([{ ...shown, tokenLength: token?.length ?? 0 }])).sink('out', print())
})
`

/** A source without end into a slow sink; rings are small, so that what is in flight flows out soon. */
export const slowJob = `
import { defineJob, forEach, generate } from 'sluice'

export default defineJob({ name: 'slow', settings: { ringBytes: 4096 } }, (job) => {
  job
    .source('numbers', generate((id) => ({ id, key: id % 7, text: 'x'.repeat(40) })))
    .keyBy((record) => record.key)
    .reduce('sum', (left, right) => ({ ...right, id: left.id + right.id }))
    .sink('slow', forEach(async () => { await new Promise((resolve) => setTimeout(resolve, 1)) }, { concurrency: 1 }))
})
`

/** Throws on record 2,000, at a known line. */
export const throwingJob = `import { defineJob, discard, generate } from 'sluice'

function look(record: { id: number; customer?: { name: string } }): string {
  return record.id === 2000 ? record.customer!.name : 'fine'
}

export default defineJob({ name: 'throwing' }, (job) => {
  job
    .source('orders', generate((id) => ({ id }), { count: 10_000 }))
    .map((record) => ({ name: look(record) }), { name: 'names' })
    .sink('out', discard())
})
`
