/** Query 21, channel ids: four channels have fixed ones, of others it stands in the url; bids without one are dropped. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const FIXED = new Map([
  ['Google', '0'],
  ['Facebook', '1'],
  ['Baidu', '2'],
  ['Apple', '3'],
])
const PARAMETER = '&channel_id='

function channelIdOf(channel: string, url: string): string | undefined {
  const fixed = FIXED.get(channel)
  if (fixed !== undefined) return fixed
  const at = url.indexOf(PARAMETER)
  if (at < 0) return undefined
  const id = url.slice(at + PARAMETER.length)
  const end = id.indexOf('&')
  return end < 0 ? id : id.slice(0, end)
}

export default defineJob({ name: 'nexmark-q21', params: queryParams }, (job, params) => {
  const identified = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'channel', 'url'])
    .map(({ auction, bidder, price, channel, url }) => ({ auction, bidder, price, channel, channelId: channelIdOf(channel, url) }))
    .filter((bid) => bid.channelId !== undefined)
  return results(job, params, identified)
})
