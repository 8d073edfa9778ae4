/** Records of the codec figures: numbers, a string among numbers, and an order with what JSON knows too: nested objects, arrays, null. */
import { recordKind } from './kinds.js'
import { xorshift } from './random.js'

export const codecKinds = ['numbers64', 'text49', 'order'] as const
export type CodecKind = (typeof codecKinds)[number]

export const CODEC_BATCH = 256

const random = xorshift(19)
const CITIES = ['Lisbon', 'Zürich', 'Oslo', 'Bratislava']

function makeOrder(index: number): unknown {
  return {
    id: index,
    customer: { id: random() >>> 12, name: `customer ${random() % 5000}`, city: CITIES[index % CITIES.length], vip: index % 7 === 0 },
    lines: Array.from({ length: 1 + (index % 3) }, (_, line) => ({
      sku: `sku-${random() % 10_000}`,
      quantity: 1 + (random() % 5),
      price: (random() % 10_000) * 0.01 + 0.001,
      line,
    })),
    coupon: index % 4 === 0 ? null : `SPRING-${random() % 100}`,
    placedAt: 1.7e12 + index * 1000,
  }
}

export function codecRecords(kind: CodecKind): readonly unknown[] {
  const make = kind === 'order' ? makeOrder : recordKind(kind).make
  return Array.from({ length: CODEC_BATCH }, (_, index) => make(index))
}
