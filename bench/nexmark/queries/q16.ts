/** Query 16, channel statistics: as query 15, per channel and day, with the latest minute. */
import { defineJob, max } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'
import { bidCounts, dayOf, distinctCounts, minuteOf } from './ranked-bids.js'

export const output: QueryOutput = { kind: 'table', key: ['channel', 'day'] }

export default defineJob({ name: 'nexmark-q16', params: queryParams }, (job, params) => {
  const days = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'dateTime'])
    .keyBy((bid) => [bid.channel, dayOf(bid.dateTime)])
    .aggregate('statistics', { minute: max((bid) => minuteOf(bid.dateTime)), ...bidCounts, ...distinctCounts }, { emit: 'end' })
    .map(({ key: [channel, day], ...statistics }) => ({ channel, day, ...statistics }))
  return results(job, params, days)
})
