/** The hash of a stream of events: by it a generator is known to be the right one. */
import { createHash } from 'node:crypto'
import type { NexmarkEvent } from './model.js'

/** SHA-256 of a line per event, in hex. Channel and url count where they are not empty. */
export function hashEvents(events: Iterable<NexmarkEvent>): string {
  const hash = createHash('sha256')
  for (const event of events) hash.update(`${lineOf(event)}\n`, 'latin1')
  return hash.digest('hex')
}

function lineOf(event: NexmarkEvent): string {
  switch (event.kind) {
    case 'person': {
      const { id, name, emailAddress, creditCard, city, state, dateTime, extra } = event.value
      return ['P', id, name, emailAddress, creditCard, city, state, dateTime, extra].join('|')
    }
    case 'auction': {
      const { id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra } = event.value
      return ['A', id, itemName, description, initialBid, reserve, dateTime, expires, seller, category, extra].join('|')
    }
    case 'bid': {
      const { auction, bidder, price, channel, url, dateTime, extra } = event.value
      const drawn = channel === '' ? [] : [channel, url]
      return ['B', auction, bidder, price, ...drawn, dateTime, extra].join('|')
    }
  }
}
