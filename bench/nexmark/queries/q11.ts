/** Query 11, user sessions: how many bids a bidder makes before pausing for 10 seconds. */
import { count, defineJob, session } from 'sluice'
import { nexmarkSource, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q11', params: queryParams }, (job, params) => {
  const sessions = nexmarkSource(job, params, 'bids', ['bidder'])
    .keyBy((bid) => bid.bidder)
    .window(session('10s'))
    .aggregate('bids-per-session', { bids: count() })
    .map(({ key, window, bids }) => ({ bidder: key, bids, start: window.start, end: window.end }))
  return results(job, params, sessions)
})
