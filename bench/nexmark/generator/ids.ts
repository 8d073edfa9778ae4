/** Which person, auction and bid an id stands for, and whom events refer to: mostly to the hot ones, else to somebody active. */
import type { JavaRandom } from './java-random.js'
import { AUCTIONS_PER_EPOCH, FIRST_AUCTION, FIRST_PERSON, PROPORTION } from './model.js'

/** Ids that do not exist yet may be referred to, so many of them. */
const LEAD = 10
const ACTIVE_PEOPLE = 1000
export const AUCTIONS_IN_FLIGHT = 100
/** Of so many consecutive ids one is hot. */
const HOT_BLOCK = 100

export function lastPerson(id: number): number {
  return Math.floor(id / PROPORTION)
}

export function lastAuction(id: number): number {
  const epoch = Math.floor(id / PROPORTION)
  const offset = id % PROPORTION
  if (offset === 0) return (epoch - 1) * AUCTIONS_PER_EPOCH + AUCTIONS_PER_EPOCH - 1
  return epoch * AUCTIONS_PER_EPOCH + Math.min(offset - 1, AUCTIONS_PER_EPOCH - 1)
}

function somePerson(random: JavaRandom, id: number): number {
  const people = lastPerson(id) + 1
  const active = Math.min(people, ACTIVE_PEOPLE)
  return people - active + random.int(active + LEAD)
}

function someAuction(random: JavaRandom, id: number): number {
  const last = lastAuction(id)
  const first = Math.max(last - AUCTIONS_IN_FLIGHT, 0)
  return first + random.int(last - first + 1 + LEAD)
}

const blockOf = (id: number): number => Math.floor(id / HOT_BLOCK) * HOT_BLOCK

export function drawSeller(random: JavaRandom, id: number): number {
  return FIRST_PERSON + (random.int(4) > 0 ? blockOf(lastPerson(id)) : somePerson(random, id))
}

export function drawAuction(random: JavaRandom, id: number): number {
  return FIRST_AUCTION + (random.int(2) > 0 ? blockOf(lastAuction(id)) : someAuction(random, id))
}

export function drawBidder(random: JavaRandom, id: number): number {
  return FIRST_PERSON + (random.int(4) > 0 ? blockOf(lastPerson(id)) + 1 : somePerson(random, id))
}
