/** Query 3, local item suggestion: auctions of category 10 whose seller lives in one of three states. A join without bounds: both sides are kept. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

const STATES: ReadonlySet<string> = new Set(['OR', 'ID', 'CA'])
const CATEGORY = 10

export default defineJob({ name: 'nexmark-q3', params: queryParams }, (job, params) => {
  const sellers = nexmarkRecords(job, params, 'persons', ['id', 'name', 'city', 'state']).filter((person) => STATES.has(person.state))
  const auctions = nexmarkRecords(job, params, 'auctions', ['id', 'seller', 'category'])
    .filter((auction) => auction.category === CATEGORY)
    .select('id', 'seller')
  const suggestions = auctions
    .keyBy((auction) => auction.seller)
    .join(
      'sellers',
      sellers.keyBy((person) => person.id),
      (auction, person) => ({ name: person.name, city: person.city, state: person.state, id: auction.id }),
    )
  return results(job, params, suggestions)
})
