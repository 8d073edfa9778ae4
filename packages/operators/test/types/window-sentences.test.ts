/** Where a rule about windows is broken, the compiler says so in a sentence. */
import { expect, test } from 'vitest'
import { compile } from '../support/compile.js'

const head = `import { count, type KeyedStream, sliding, type Stream, tumbling } from 'sluice'
declare const untimed: KeyedStream<string, { id: number }, 'no timestamps'>
declare const all: Stream<{ id: number }, 'no timestamps'>
`

const needed = "Windows of event time need timestamps: assign them with withTimestamps, or take windows of { time: 'processing' }"

const wrong: Readonly<Record<string, readonly [code: string, sentence: string]>> = {
  'event time without timestamps': ["untimed.window(tumbling('1h'))", needed],
  'windowAll without timestamps': ["all.windowAll(sliding('1h', '1m'))", needed],
  'aggregate named window': [
    "untimed.window(tumbling('1h', { time: 'processing' })).aggregate('a', { window: count() })",
    "An aggregate must not be named 'window': a windowed result has its window under that name",
  ],
}

test('broken rules are told in sentences, one diagnostic on the line', { timeout: 120_000 }, () => {
  const diagnostics = compile(Object.fromEntries(Object.entries(wrong).map(([name, [code]]) => [name, head + code])))
  const told = Object.entries(wrong).map(([name, [, sentence]]) => {
    const messages = diagnostics[name]?.map((message) => message.replaceAll('\\"', '"')) ?? []
    return [name, messages.length, messages[0]?.startsWith('4: '), messages[0]?.includes(sentence) === true ? sentence : messages[0]]
  })
  expect(told).toEqual(Object.entries(wrong).map(([name, [, sentence]]) => [name, 1, true, sentence]))
})
