import { describe, expect, test } from 'vitest'
import { murmur3 } from '../../src/key/murmur3.js'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('murmur3 matches the published vectors of MurmurHash3_x86_32', () => {
  test.each([
    [bytes(), 0, 0],
    [bytes(), 1, 0x514e28b7],
    [bytes(), 0xffffffff, 0x81f16f39],
    [bytes(0xff, 0xff, 0xff, 0xff), 0, 0x76293b50],
    [bytes(0x21, 0x43, 0x65, 0x87), 0, 0xf55b516b],
    [bytes(0x21, 0x43, 0x65, 0x87), 0x5082edee, 0x2362f9de],
    [bytes(0x21, 0x43, 0x65), 0, 0x7e4a8634],
    [bytes(0x21, 0x43), 0, 0xa0f7b07a],
    [bytes(0x21), 0, 0x72661cf4],
    [bytes(0, 0, 0, 0), 0, 0x2362f9de],
    [bytes(0, 0, 0), 0, 0x85f0b427],
    [bytes(0, 0), 0, 0x30f4c306],
    [bytes(0), 0, 0x514e28b7],
    [text('aaaa'), 0x9747b28c, 0x5a97808a],
    [text('aaa'), 0x9747b28c, 0x283e0130],
    [text('aa'), 0x9747b28c, 0x5d211726],
    [text('a'), 0x9747b28c, 0x7fa09ea6],
    [text('abcd'), 0x9747b28c, 0xf0478627],
    [text('abc'), 0x9747b28c, 0xc84a62dd],
    [text('ab'), 0x9747b28c, 0x74875592],
    [text('Hello, world!'), 0x9747b28c, 0x24884cba],
    [text('The quick brown fox jumps over the lazy dog'), 0x9747b28c, 0x2fa826cd],
  ])('%o seed %i', (input, seed, expected) => {
    expect(murmur3(input, seed) >>> 0).toBe(expected)
  })
})
