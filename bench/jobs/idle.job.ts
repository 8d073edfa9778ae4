/** A job whose source says nothing. */
import { defineJob, forEach, fromAsyncIterable, generate } from 'sluice'
import { z } from 'zod'

/** Never yields, and keeps nothing busy while it waits. */
async function* silence(): AsyncGenerator<{ id: number }> {
  await new Promise(() => {})
  yield { id: 0 }
}

const params = z.object({ source: z.enum(['rate', 'iterable']) })

export default defineJob({ name: 'bench-idle', params }, (job, { source }) => {
  const records =
    source === 'rate'
      ? job.source(
          'silent',
          generate((id) => ({ id }), { rate: 0.001 }),
        )
      : job.source('silent', fromAsyncIterable(silence))
  records.rebalance().sink(
    'nowhere',
    forEach(() => {}),
  )
})
