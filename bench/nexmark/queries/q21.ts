/** Query 21, channel ids: four channels have fixed ones, of others it stands in the url; bids without one are dropped. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const FIXED: Readonly<Record<string, string>> = { google: '0', facebook: '1', baidu: '2', apple: '3' }
const IN_URL = /[?&]channel_id=([^&]*)/

function channelIdOf(channel: string, url: string): string | undefined {
  return FIXED[channel.toLowerCase()] ?? IN_URL.exec(url)?.[1]
}

export default defineJob({ name: 'nexmark-q21', params: queryParams }, (job, params) => {
  const identified = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url']).flatMap((bid) => {
    const channelId = channelIdOf(bid.channel, bid.url)
    if (channelId === undefined) return []
    return [{ auction: bid.auction, bidder: bid.bidder, price: bid.price, channel: bid.channel, channelId }]
  })
  return results(job, params, identified)
})
