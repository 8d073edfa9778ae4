/** What cannot be windows is told with a code and the operator's name; what a window looks like in the graph. */
import type { SluiceError } from '@sluice/engine'
import { expect, test } from 'vitest'
import {
  count,
  countTrigger,
  countWindow,
  defineTrigger,
  type Duration,
  earlyTrigger,
  eventTimeTrigger,
  fromArray,
  globalWindow,
  processingTimeTrigger,
  session,
  sliding,
  type Trigger,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from '../../src/index.js'
import { FakeOperatorContext } from '../support/fake-operator-context.js'
import { declare, nodeOf, operatorOf } from '../support/graphs.js'

function declared(assigner: () => WindowAssigner<'lossy'>, options?: WindowOptions) {
  return declare((job) => {
    job
      .source('numbers', fromArray<number>([]))
      .withTimestamps((value) => value)
      .keyBy((value) => value % 2)
      .window(assigner(), options)
      .aggregate('windows', { n: count() })
  })
}

const text = (value: string): Duration => value as Duration

test.each<[what: string, assigner: () => WindowAssigner<'lossy'>, options: WindowOptions | undefined, message: string]>([
  ['no size', () => tumbling(0), undefined, 'size of tumbling is 0 ms, and takes whole milliseconds, at least 1'],
  ['part of a ms', () => tumbling('1.5ms'), undefined, 'size of tumbling is 1.5 ms'],
  ['offset', () => tumbling('1h', { offset: '1h' }), undefined, 'offset of tumbling is 3600000 ms, and must be less than its size'],
  [
    'zone',
    () => tumbling('1d', { timeZone: 'Europe/Atlantis' }),
    undefined,
    'timeZone of tumbling is "Europe/Atlantis", which is no time zone',
  ],
  ['hours of a zone', () => tumbling('12h', { timeZone: 'UTC' }), undefined, 'must be whole days where a timeZone is given'],
  ['time', () => tumbling('1h', { time: 'wall' as 'event' }), undefined, 'time of tumbling is "wall", and takes'],
  ['slide', () => sliding('1m', '1h'), undefined, 'slide of sliding is 3600000 ms, larger than its size, 60000 ms'],
  ['no slide', () => sliding('1m', 0), undefined, 'slide of sliding is 0 ms'],
  [
    'offset of slide',
    () => sliding('1h', '1m', { offset: '1m' }),
    undefined,
    'offset of sliding is 60000 ms, and must be less than its slide',
  ],
  ['gap', () => session(0), undefined, 'gap of session is 0 ms'],
  ['count', () => countWindow(0), undefined, 'n of countWindow is 0'],
  ['count', () => countWindow(1.5), undefined, 'n of countWindow is 1.5'],
  ['no assigner', () => '1h' as never, undefined, "windows needs windows such as tumbling('1h')"],
  ['no trigger', () => globalWindow(), undefined, 'windows has a global window, which never ends: give it a trigger'],
  ['trigger', () => countWindow(2), { trigger: countTrigger(2) }, 'windows has windows by count'],
  ['trigger', () => session(5), { trigger: countTrigger(2) }, 'windows has session windows'],
  ['trigger', () => tumbling(5), { trigger: processingTimeTrigger() }, 'windows has windows of event time'],
  ['trigger', () => tumbling(5, { time: 'processing' }), { trigger: eventTimeTrigger() }, 'windows has windows of processing time'],
  ['trigger', () => tumbling(5), { trigger: countTrigger(0) }, 'n of countTrigger of windows is 0'],
  ['trigger', () => tumbling(5), { trigger: earlyTrigger(0) }, 'every of earlyTrigger of windows is 0 ms'],
  ['trigger', () => tumbling(5), { trigger: defineTrigger({} as never) }, 'onRecord of the trigger of windows takes a function'],
  ['trigger', () => tumbling(5), { trigger: { kind: 'never' } as unknown as Trigger }, 'trigger of windows is none'],
  ['lateness', () => countWindow(2), { allowedLateness: '1s' }, 'allowedLateness of windows is for windows of event time alone'],
  [
    'lateness',
    () => tumbling(5, { time: 'processing' }),
    { allowedLateness: 1 },
    'allowedLateness of windows is for windows of event time alone',
  ],
])('%s: %s is refused with the name of the operator', (_what, assigner, options, message) => {
  const attempt = (): unknown => declared(assigner, options)
  expect(attempt).toThrow(expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }))
  expect(attempt).toThrow(expect.objectContaining({ coordinates: expect.objectContaining({ operator: 'windows' }) as object }))
})

test.each<[() => WindowAssigner<'lossy'>, WindowOptions | undefined, string]>([
  [() => tumbling(text('10 parsecs')), undefined, 'size of tumbling is "10 parsecs", which is not a duration'],
  [() => tumbling(-1), undefined, 'size of tumbling is -1'],
  [() => tumbling(Number.NaN), undefined, 'size of tumbling is NaN'],
  [() => sliding('1h', text('soon')), undefined, 'slide of sliding is "soon"'],
  [() => session(-5), undefined, 'gap of session is -5'],
  [() => tumbling(5), { allowedLateness: text('a while') }, 'allowedLateness of windows is "a while"'],
  [() => tumbling(5), { trigger: earlyTrigger(text('often')) }, 'every of earlyTrigger of windows is "often"'],
])('what is no duration is refused with the name of the operator (%#)', (assigner, options, message) => {
  const attempt = (): unknown => declared(assigner, options)
  expect(attempt).toThrow(expect.objectContaining({ code: 'SLUICE_DURATION_INVALID', message: expect.stringContaining(message) as string }))
  expect(attempt).toThrow(expect.objectContaining({ coordinates: expect.objectContaining({ operator: 'windows' }) as object }))
})

test('what is wrong with a window is located where the window was written', () => {
  let error: unknown
  try {
    declared(() => tumbling(0))
  } catch (thrown) {
    error = thrown
  }
  expect((error as SluiceError).coordinates.declaredAt).toMatch(/options\.test\.ts:\d+/)
})

test('event time where no timestamps are assigned is refused, processing time is not', () => {
  const onUntimed = (assigner: WindowAssigner<'lossy'>, options?: WindowOptions): unknown =>
    declare((job) => {
      job
        .source('numbers', fromArray<number>([]))
        .keyBy((value) => value)
        .window(assigner as never, options)
        .aggregate('windows', { n: count() })
    })
  const missing = expect.objectContaining({
    code: 'SLUICE_TIMESTAMPS_MISSING',
    message: expect.stringContaining('windows') as string,
  }) as Error
  for (const assigner of [tumbling(5), sliding(5, 1), session(5)]) expect(() => onUntimed(assigner)).toThrow(missing)
  expect(() => onUntimed(globalWindow(), { trigger: eventTimeTrigger() })).toThrow(missing)
  onUntimed(tumbling(5, { time: 'processing' }))
  onUntimed(session(5, { time: 'processing' }))
  onUntimed(countWindow(2))
})

test.each([tumbling(5), sliding(5, 1), session(5), sliding(5, 1, { time: 'event' })])(
  'a timestamp that is NaN is a coded error (%#)',
  (assigner) => {
    for (const options of [{}, ...(assigner.window.kind === 'session' ? [] : [{ trigger: countTrigger(2) }])]) {
      const operator = operatorOf(
        declared(() => assigner, options),
        'windows',
        new FakeOperatorContext(),
      )
      expect(() => operator.process(1, Number.NaN, 0)).toThrow(expect.objectContaining({ code: 'SLUICE_TIMESTAMP_INVALID' }))
    }
  },
)

test('the graph shows the window and all functions of the user', () => {
  const handlers = { onRecord: () => 'fire' as const, onEventTime: () => 'purge' as const }
  const node = nodeOf(
    declared(() => tumbling('1d', { timeZone: 'Europe/Berlin' }), { trigger: defineTrigger(handlers), allowedLateness: '1h' }),
    'windows',
  )
  expect(node.ports).toEqual(['out', 'late'])
  expect(node.options).toEqual({
    type: 'window',
    of: 'aggregate',
    aggregators: { n: 'count' },
    window: { kind: 'tumbling', sizeMs: 86_400_000, offsetMs: 0, timeZone: 'Europe/Berlin', time: 'event' },
    trigger: { kind: 'custom' },
    allowedLatenessMs: 3_600_000,
  })
  expect(node.functions).toEqual([handlers.onRecord, handlers.onEventTime])
})

test('windowAll has the key null and one subtask, with the reason; a global window warns', async () => {
  const graph = declare((job) => {
    const numbers = job.source('numbers', fromArray<number>([])).withTimestamps((value) => value)
    numbers.windowAll(tumbling(10)).aggregate('all', { n: count() })
    numbers.windowAll(globalWindow(), { trigger: countTrigger(3) }).aggregate('global', { n: count() })
  })
  expect(nodeOf(graph, 'all').parallelismMax).toEqual({ value: 1, because: 'windowAll sees all records in one place' })
  expect(nodeOf(graph, 'all').warning).toBeUndefined()
  expect(nodeOf(graph, 'global').warning).toContain('for ever')
  const context = new FakeOperatorContext()
  const operator = operatorOf(graph, 'all', context)
  for (const value of [1, 2, 11]) operator.process(value, value, 0)
  await context.end()
  expect(context.take()).toEqual([
    { key: null, window: { start: 0, end: 10 }, n: 2 },
    { key: null, window: { start: 10, end: 20 }, n: 1 },
  ])
})
