import { describe, expect, test } from 'vitest'
import { Generator } from '../../nexmark/generator/generator.js'
import { hashEvents } from '../../nexmark/generator/hash-events.js'
import type { GeneratorOptions, NexmarkEvent } from '../../nexmark/generator/model.js'

function* events(options: GeneratorOptions): Generator_ {
  const generator = new Generator(options)
  for (let number = 0; number < options.count; number++) yield generator.event(number)
}
type Generator_ = globalThis.Generator<NexmarkEvent>

const idOf = ({ kind, value }: NexmarkEvent): string => (kind === 'bid' ? JSON.stringify(value) : `${kind} ${value.id}`)

describe('the generator gives what the reference gives', () => {
  test.each([
    ['B', 5_000, '0a28989c4e167a602754da1dc8065696dd0f1e12992f326432db35b309b83572'],
    ['B', 100_000, '0f5ec116e86615818a4e2ca33d7514b4b6176c4c9ad4216e207438d857e10075'],
    ['BC', 100_000, 'cbe393fcf03d4088edd3b70b7534e72e0ba2bb34cc482b859ac59a4c86a2df6f'],
  ] as const)('NX-%s, %i events', (flavour, count, hash) => {
    expect(hashEvents(events({ flavour, count }))).toBe(hash)
  })
})

test('channels change nothing else', () => {
  const plain = [...events({ flavour: 'B', count: 2_000 })]
  const withChannels = [...events({ flavour: 'BC', count: 2_000 })].map(({ kind, value }) =>
    kind === 'bid' ? { kind, value: { ...value, channel: '', url: '' } } : { kind, value },
  )
  expect(withChannels).toEqual(plain)
})

test('groups have the same events in another order, and none is behind the watermark', () => {
  const count = 10_000
  const disordered = { flavour: 'BC', count, groupSize: 1_000 } as const
  const shuffled = [...events(disordered)]
  const ordered = [...events({ flavour: 'BC', count })]
  expect(shuffled.map(idOf)).not.toEqual(ordered.map(idOf))
  expect(shuffled.map(idOf).sort()).toEqual(ordered.map(idOf).sort())
  const generator = new Generator(disordered)
  for (const number of [0, 1, 999, 1_000, 5_432]) {
    const watermark = generator.watermark(number)
    expect(shuffled.slice(number).every(({ value }) => value.dateTime >= watermark)).toBe(true)
  }
})

test('several generators own a range of ids each', () => {
  const made = [...events({ flavour: 'B', count: 10_000, generators: 4 })]
  const persons = made.filter(({ kind }) => kind === 'person').map(idOf)
  expect(new Set(persons).size).toBe(200)
  expect(made[1]).toMatchObject({ kind: 'person', value: { id: 1_050, dateTime: made[0]?.value.dateTime } })
})

test('in NX-U hot and cold choices do not come in runs', () => {
  const longestRun = (flavour: 'BC' | 'U'): number => {
    let longest = 0
    let run = 0
    let last: boolean | undefined
    for (const { kind, value } of events({ flavour, count: 50_000 })) {
      if (kind !== 'bid') continue
      const hot = value.auction % 100 === 0
      run = hot === last ? run + 1 : 1
      last = hot
      longest = Math.max(longest, run)
    }
    return longest
  }
  expect(longestRun('BC')).toBeGreaterThan(500)
  expect(longestRun('U')).toBeLessThan(40)
})

test.each([{ count: -1 }, { count: 1.5 }, { rate: 0 }, { groupSize: 953 }, { generators: 0 }])('%o is refused', (wrong) => {
  expect(() => new Generator({ flavour: 'B', count: 10, ...wrong })).toThrow(RangeError)
})
