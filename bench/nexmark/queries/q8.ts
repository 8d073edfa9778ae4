/** Query 8, monitor new users: persons who registered and opened an auction within the same 10 seconds. */
import { count, defineJob, tumbling } from 'sluice'
import { nexmarkSource, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q8', params: queryParams }, (job, params) => {
  const persons = nexmarkSource(job, params, 'persons', ['id', 'name'])
  // Once per seller and window, however many auctions there are; with the last ms of the window as its time, so it stays in it.
  const sellers = nexmarkSource(job, params, 'auctions', ['seller'])
    .keyBy((auction) => auction.seller)
    .window(tumbling('10s'))
    .aggregate('sellers', { auctions: count() })
  const newSellers = persons
    .keyBy((person) => person.id)
    .windowJoin(
      'new-sellers',
      sellers.keyBy((seller) => seller.key),
      (person, _seller, window) => ({ id: person.id, name: person.name, windowStart: window.start }),
      { window: tumbling('10s') },
    )
  return results(job, params, newSellers)
})
