import { expect, test } from 'vitest'
import { byteSize } from '../../src/arguments/option-values.js'

test.each([
  ['1', 1],
  ['1024', 1024],
  ['1k', 1024],
  ['256mb', 256 * 1024 ** 2],
  ['256MiB', 256 * 1024 ** 2],
  ['1.5 GB', 1.5 * 1024 ** 3],
])('%s is %d bytes', (text, bytes) => {
  expect(byteSize(text)).toBe(bytes)
})

test.each(['', 'mb', '-1', '0', '1 tb', '1e9', '12 34'])('%j is no size', (text) => {
  expect(() => byteSize(text)).toThrow(/such as 256mb/)
})
