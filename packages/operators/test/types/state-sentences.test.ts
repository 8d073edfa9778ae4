/** Where a rule about keyed state is broken, the compiler says so in a sentence. */
import { expect, test } from 'vitest'
import { compile } from '../support/compile.js'

const head = `import { type KeyedStream, mapState, type Stream, valueState } from 'sluice'
declare const untimed: KeyedStream<string, { id: number }, 'no timestamps'>
declare const rules: Stream<{ id: number }, never>
`

const wrong: Readonly<Record<string, readonly [code: string, sentence: string]>> = {
  'event timer without timestamps': [
    "untimed.process('p', { state: {}, onRecord(_r, context) { context.timers.eventTime.set(1) }, onTimer() {} })",
    'Timers of event time need timestamps: assign them with withTimestamps before keyBy, or use timers.processingTime',
  ],
  'broadcast state written for a record': [
    "untimed.connectBroadcast('b', rules, { state: {}, broadcast: { r: mapState<number, number>() }, onRecord(r, c) { c.broadcast.r.set(1, 1) }, onBroadcast() {} })",
    "Property 'set' does not exist on type 'ReadonlyMapState<number, number>'",
  ],
  'wrong value': [
    "untimed.process('p', { state: { v: valueState<number>() }, onRecord(_r, { state }) { state.v.set('1') } })",
    "Argument of type 'string' is not assignable to parameter of type 'number'",
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
