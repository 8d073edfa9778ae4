/** Channels and urls of bids: four hot ones and a table of 10,000. */
import { JavaRandom } from './java-random.js'
import { word } from './texts.js'

const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple'] as const
const CHANNELS = 10_000

export interface Channel {
  readonly channel: string
  readonly url: string
}

function baseUrl(random: JavaRandom): string {
  const directories = [word(random, 5, '_'), word(random, 5, '_'), word(random, 5, '_')]
  return `https://www.nexmark.com/${directories.join('/')}/item.htm?query=1`
}

function reversedBits(value: number): number {
  let reversed = 0
  for (let bit = 0; bit < 32; bit++) reversed = (reversed << 1) | ((value >>> bit) & 1)
  return reversed
}

function tableUrl(index: number): string {
  const random = new JavaRandom().seed(index)
  const url = baseUrl(random)
  return random.int(10) > 0 ? `${url}&channel_id=${Math.abs(reversedBits(index))}` : url
}

const hot: readonly Channel[] = HOT_CHANNELS.map((channel, index) => ({
  channel,
  url: baseUrl(new JavaRandom().seed(CHANNELS + index)),
}))
const table: (Channel | undefined)[] = new Array<undefined>(CHANNELS).fill(undefined)

/** Draws after everything else of a bid, so that the rest is what it is without channels. */
export function drawChannel(random: JavaRandom): Channel {
  if (random.int(2) > 0) return hot[random.int(HOT_CHANNELS.length)] as Channel
  const index = random.int(CHANNELS)
  return (table[index] ??= { channel: `channel-${index}`, url: tableUrl(index) })
}
