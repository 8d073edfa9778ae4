/** Query 22, directories: the first three directories of each bid's url. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

/** Where the host begins in `https://host/dir1/dir2/dir3/file`. */
const HOST_AT = 8

export default defineJob({ name: 'nexmark-q22', params: queryParams }, (job, params) => {
  const directories = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url']).map(
    ({ auction, bidder, price, channel, url }) => {
      const first = url.indexOf('/', HOST_AT) + 1
      const second = url.indexOf('/', first) + 1
      const third = url.indexOf('/', second) + 1
      return {
        auction,
        bidder,
        price,
        channel,
        dir1: url.slice(first, second - 1),
        dir2: url.slice(second, third - 1),
        dir3: url.slice(third, url.indexOf('/', third)),
      }
    },
  )
  return results(job, params, directories)
})
