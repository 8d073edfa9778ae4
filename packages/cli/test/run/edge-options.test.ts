import { expect, test } from 'vitest'
import { edgeOptionsOf } from '../../src/run/edge-options.js'

test('what is set for edges is read, and an edge that is named twice has both', () => {
  expect(
    edgeOptionsOf([
      'parse -> write:window=20ms,weight=2',
      'write->out:prefetch=1',
      'write -> out:priority=-1',
      'a.left -> b (2):window=false',
    ]),
  ).toEqual({
    'parse -> write': { window: '20ms', weight: 2 },
    'write -> out': { prefetch: 1, priority: -1 },
    'a.left -> b (2)': { window: false },
  })
})

test.each([
  ['parse -> write', 'an edge and what is set for it'],
  ['parse:prefetch=1', 'an edge and what is set for it'],
  ['parse -> write:prefech=1', 'one of window, prefetch, weight, priority'],
  ['parse -> write:prefetch', 'a value of prefetch'],
  ['parse -> write:prefetch=', 'a value of prefetch'],
])('%s is refused and says what fits', (text, wants) => {
  expect(() => edgeOptionsOf([text])).toThrow(
    expect.objectContaining({ code: 'SLUICE_USAGE', message: expect.stringContaining(wants) as string }),
  )
})

test('names the option that was meant', () => {
  expect(() => edgeOptionsOf(['a -> b:prefech=1'])).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('Did you mean prefetch?') as string }),
  )
})
