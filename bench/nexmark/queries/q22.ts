/** Query 22, directories: the first three directories of each bid's url. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q22', params: queryParams }, (job, params) => {
  const directories = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url']).map((bid) => {
    const [, , , dir1 = '', dir2 = '', dir3 = ''] = bid.url.split('/')
    return { auction: bid.auction, bidder: bid.bidder, price: bid.price, channel: bid.channel, dir1, dir2, dir3 }
  })
  return results(job, params, directories)
})
