/** Query 23, bids with what their bidder sells: each bid with its bidder and every auction that the bidder opened. Two joins without bounds. */
import { defineJob } from 'sluice'
import { nexmarkRecords, type QueryOutput, queryParams, results } from './query.js'

export const output: QueryOutput = { kind: 'append' }

export default defineJob({ name: 'nexmark-q23', params: queryParams }, (job, params) => {
  const bids = nexmarkRecords(job, params, 'bids', ['auction', 'bidder', 'price', 'dateTime'])
  const persons = nexmarkRecords(job, params, 'persons', ['id', 'name', 'city', 'state'])
  const auctions = nexmarkRecords(job, params, 'auctions', ['id', 'itemName', 'category', 'seller'])
  const sales = bids
    .keyBy((bid) => bid.bidder)
    .join(
      'bidder',
      persons.keyBy((person) => person.id),
      (bid, person) => ({
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        dateTime: bid.dateTime,
        name: person.name,
        city: person.city,
        state: person.state,
      }),
    )
    .keyBy((bid) => bid.bidder, { partitioned: true })
    .join(
      'sold',
      auctions.keyBy((auction) => auction.seller),
      (bid, auction) => ({
        auction: bid.auction,
        bidder: bid.bidder,
        price: bid.price,
        dateTime: bid.dateTime,
        name: bid.name,
        city: bid.city,
        state: bid.state,
        sold: auction.id,
        itemName: auction.itemName,
        category: auction.category,
      }),
    )
  return results(job, params, sales)
})
