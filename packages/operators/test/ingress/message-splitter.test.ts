/** Messages are the same wherever the bytes of a connection are cut. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSplitter, type Framing, MessageTooLong } from '../../src/ingress/tcp/message-splitter.js'

const MAX = 200

function split(framing: Framing, bytes: Uint8Array, cuts: readonly number[]): { messages: Buffer[]; begun: boolean } {
  const splitter = createSplitter(framing, MAX)
  const messages: Buffer[] = []
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((left, right) => left - right)
  let from = 0
  for (const to of [...places, bytes.length]) {
    splitter.push(bytes.subarray(from, to))
    for (let message = splitter.next(); message !== undefined; message = splitter.next()) messages.push(Buffer.from(message))
    from = to
  }
  return { messages, begun: splitter.begun }
}

const cuts = fc.array(fc.nat(), { maxLength: 40 })
const contents = fc.uint8Array({ maxLength: MAX })

function prefixed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.map((message) => {
      const header = Buffer.alloc(4)
      header.writeUInt32BE(message.length)
      return Buffer.concat([header, message])
    }),
  )
}

describe('with lengths', () => {
  test('every message comes whole, and a rest is known as one', () => {
    fc.assert(
      fc.property(fc.array(contents, { maxLength: 20 }), contents, fc.nat(MAX + 3), cuts, (messages, half, rest, at) => {
        const left = prefixed([half]).subarray(0, Math.min(rest, half.length + 3))
        const found = split('lengthPrefixed', Buffer.concat([prefixed(messages), left]), at)
        expect(found.messages).toEqual(messages.map((message) => Buffer.from(message)))
        expect(found.begun).toBe(left.length > 0)
      }),
    )
  })

  test('a length that is a lie is found before anything is kept for it', () => {
    for (const cut of [[], [1], [2, 3]]) {
      expect(() => split('lengthPrefixed', Buffer.from([0xff, 0xff, 0xff, 0xff]), cut)).toThrow(MessageTooLong)
      expect(() => split('lengthPrefixed', Buffer.from([0, 0, 0, MAX + 1]), cut)).toThrow('and may have 200')
    }
  })
})

describe('lines', () => {
  test('every line comes whole, also where a character is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '日', '🦆', '\r', ' '), maxLength: 40 })
    fc.assert(
      fc.property(fc.array(text, { maxLength: 20 }), text, cuts, (lines, half, at) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join('') + half)
        const found = split('lines', bytes, at)
        expect(found.messages.map(String)).toEqual(lines.map((line) => line.replace(/\r$/, '')))
        expect(found.begun).toBe(half !== '')
      }),
    )
  })

  test('a line without an end is given up', () => {
    expect(() => split('lines', Buffer.alloc(MAX + 1, 'x'), [3, 50])).toThrow(MessageTooLong)
    expect(() => split('lines', Buffer.from(`${'x'.repeat(MAX + 1)}\n`), [])).toThrow('a line has more than 200 bytes')
    expect(split('lines', Buffer.from(`${'x'.repeat(MAX)}\n`), [7]).messages).toHaveLength(1)
  })
})

test('bytes as they come are all there, in pieces that are not too large', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3 * MAX }), cuts, (bytes, at) => {
      const { messages } = split('none', bytes, at)
      expect(Buffer.concat(messages)).toEqual(Buffer.from(bytes))
      for (const { length } of messages) expect(length).toBeLessThanOrEqual(MAX)
    }),
  )
})
