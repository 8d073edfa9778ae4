/** Options that contradict, are misspelt or of another kind are refused while the job is declared, without secrets in the message. */
import { expect, test } from 'vitest'
import { fromOtlp, toOtlp } from '@sluice/otlp'

const URL_OF_ALL = 'http://127.0.0.1:4318'

test.each<[string, object | undefined, string]>([
  ['no options', undefined, 'fromOtlp takes an object of options'],
  ['a signal that there is not', { signal: 'spans' }, 'signal is "spans"'],
  ['an option that is misspelt', { signal: 'traces', prot: 4318 }, 'fromOtlp has no option prot'],
  ['an option of fromHttp that it has not', { signal: 'traces', method: 'PUT' }, 'fromOtlp has no option method'],
  ['a port that there is not', { signal: 'traces', port: 70_000 }, 'fromOtlp: port is 70000'],
  ['a queue that is misspelt', { signal: 'traces', queue: { record: 1 } }, 'queue of fromOtlp has no option record'],
  ['an answer that there is not', { signal: 'logs', overload: { status: 500 } }, 'fromOtlp: overload.status is 500'],
])('fromOtlp: %s', (_what, options, message) => {
  expect(() => fromOtlp(options as never)).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
  )
})

test.each<[string, object | undefined, string]>([
  ['no options', undefined, 'toOtlp takes an object of options'],
  ['an option that is misspelt', { signal: 'traces', header: {} }, 'toOtlp has no option header'],
  ['a compression that there is not', { signal: 'traces', compression: true }, 'compression is true'],
  ['headers that are none', { signal: 'traces', headers: null }, 'headers takes an object'],
  ['a header without a name', { signal: 'traces', headers: { 'a b': 'c' } }, '"a b" is no name of a header'],
  ['a header that is no text', { signal: 'traces', headers: { a: 5 } }, 'the header a has a value that cannot be sent'],
  ['batches of nothing', { signal: 'traces', records: 0 }, 'toOtlp: records is 0'],
  ['a policy that there is not', { signal: 'traces', onError: 'ignore' }, "onError of toOtlp is 'ignore'"],
])('toOtlp: %s', (_what, options, message) => {
  expect(() => toOtlp(URL_OF_ALL, options as never)).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
  )
})

test('a header that cannot be sent is not shown', () => {
  expect(() => toOtlp(URL_OF_ALL, { signal: 'traces', headers: { authorization: 'Bearer hush\n' } })).toThrow(
    /^toOtlp: the header authorization has a value that cannot be sent\.(?!.*hush)/,
  )
})
