/** Query 10, log to file system: every bid as a line of JSON in a file of its minute, `<day>/<HH-mm>/part-<subtask>.jsonl`, by a sink of one's own. */
import { appendFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { defineJob, defineSink, type Sink } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { dayOf, minuteOf } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'append' }

interface Line {
  /** `<day>/<HH-mm>` */
  readonly minute: string
  readonly text: string
}

export default defineJob({ name: 'nexmark-q10', params: queryParams }, (job, params) => {
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'])
  if (params.folder !== undefined) {
    bids
      .map((bid): Line => ({ minute: `${dayOf(bid.dateTime)}/${minuteOf(bid.dateTime).replace(':', '-')}`, text: JSON.stringify(bid) }))
      .sink('files', toMinutes(params.folder))
  }
  return results(job, params, bids)
})

/** The lines of a batch go to the files of their minutes, mostly one. */
function toMinutes(folder: string): Sink<Line> {
  return defineSink<Line>({
    open: ({ subtask }) => {
      const made = new Set<string>()
      return {
        async write(lines) {
          const texts = new Map<string, string>()
          for (const { minute, text } of lines) texts.set(minute, `${texts.get(minute) ?? ''}${text}\n`)
          for (const [minute, text] of texts) {
            if (!made.has(minute)) await mkdir(join(folder, minute), { recursive: true })
            made.add(minute)
            await appendFile(join(folder, minute, `part-${subtask.index}.jsonl`), text)
          }
        },
      }
    },
    options: { type: 'minutes' },
  })
}
