/** The strings of events: words with pads, exact lengths, padding up to a target size. Order and number of draws are part of the format. */
import type { JavaRandom } from './java-random.js'

const LOWER_A = 97
const LETTERS = 26
const WORD_MIN = 3
/** One in so many characters of a word is the pad. */
const PAD_ONE_IN = 13
/** Characters that one draw gives. */
const CHARACTERS_PER_DRAW = 6
/** Lengths of padding vary by this share around what is missing. */
const SPREAD = 0.2

/** A word of 3 to `max` - 1 characters, with pads between the letters; blank ends are cut off. */
export function word(random: JavaRandom, max: number, pad = ' '): string {
  let length = WORD_MIN + random.int(max - WORD_MIN)
  let text = ''
  while (length-- > 0) text += random.int(PAD_ONE_IN) === 0 ? pad : String.fromCharCode(LOWER_A + random.int(LETTERS))
  return text.trim()
}

/** Letters, and for negative draws what lies before the letters: the signed remainder is part of the format. */
function exact(random: JavaRandom, length: number): string {
  let text = ''
  let drawn = 0
  let left = 0
  for (let index = 0; index < length; index++) {
    if (left === 0) {
      drawn = random.int32()
      left = CHARACTERS_PER_DRAW
    }
    text += String.fromCharCode(LOWER_A + (drawn % LETTERS))
    drawn = Math.trunc(drawn / LETTERS)
    left--
  }
  return text
}

/** Padding for an event that has `current` bytes and should have about `target`. */
export function padding(random: JavaRandom, current: number, target: number): string {
  if (current > target) return ''
  const missing = target - current
  const spread = Math.round(SPREAD * missing)
  return exact(random, missing - spread + (spread === 0 ? 0 : random.int(2 * spread)))
}

/** Cents, from 100 to 100 million, evenly spread over the orders of magnitude. */
export function price(random: JavaRandom): number {
  return Math.round(10 ** (random.double() * 6) * 100)
}
