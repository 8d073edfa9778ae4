import { expect, test } from 'vitest'
import { SAME_PRESS_MS, StopSignals } from '../../src/run/stop-signals.js'

function listen() {
  const heard: string[] = []
  const clock = { ms: 1000 }
  const signals = new StopSignals({
    onFirst: (signal) => heard.push(`stop on ${signal}`),
    onSecond: (signal) => heard.push(`exit on ${signal}`),
    monotonicMs: () => clock.ms,
  })
  return { heard, clock, signals }
}

test('the first signal stops, a later one exits', () => {
  const { heard, clock, signals } = listen()
  signals.receive('SIGINT')
  clock.ms += SAME_PRESS_MS
  signals.receive('SIGTERM')
  expect(heard).toEqual(['stop on SIGINT', 'exit on SIGTERM'])
})

test('one key press that arrives twice, as through npx, counts once', () => {
  const { heard, clock, signals } = listen()
  signals.receive('SIGINT')
  clock.ms += SAME_PRESS_MS - 1
  signals.receive('SIGINT')
  expect(heard).toEqual(['stop on SIGINT'])
})
