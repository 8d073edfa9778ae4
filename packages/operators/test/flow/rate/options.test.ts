/** What `rateLimit` refuses, and what it says of itself in the plan. */
import { describe, expect, it } from 'vitest'
import { fromArray, print, type Stream } from '../../../src/index.js'
import { declare, edgesOf, nodeOf } from '../../support/graphs.js'

const graphOf = (options: object | undefined, second = false) =>
  declare((job) => {
    const rates = job.source('rates', fromArray([1]))
    const stream: Stream<number> = job.source('in', fromArray([1]))
    const all = (second ? { ...options, rate: rates } : options) as { readonly rate: number; readonly onLimit?: 'hold' }
    stream.rateLimit('limit', all).sink('out', print())
    rates.sink('rates-out', print())
  })

describe('rateLimit', () => {
  it.each([
    [{ rate: 0 }, 'rate of rateLimit limit is 0'],
    [{ rate: -5 }, 'rate of rateLimit limit is -5'],
    [{ rate: Number.NaN }, 'rate of rateLimit limit is NaN'],
    [{ rate: Number.POSITIVE_INFINITY }, 'rate of rateLimit limit is Infinity'],
    [{ rate: '5' }, 'rate of rateLimit limit is 5'],
    [{}, 'rate of rateLimit limit is undefined'],
    [undefined, 'rateLimit limit has no options'],
    [{ rate: 5, brust: 5 }, 'rateLimit limit has no option brust'],
    [{ rate: 5, burst: 0 }, 'burst of rateLimit limit is 0'],
    [{ rate: 5, burst: 0.5 }, 'burst of rateLimit limit is 0.5'],
    [{ rate: 5, burst: Number.NaN }, 'burst of rateLimit limit is NaN'],
    [{ rate: 5, per: 0 }, 'per of rateLimit limit'],
    [{ rate: 5, burst: 5, algorithm: 'leaky-bucket' }, 'burst of rateLimit limit'],
    [{ rate: 5, algorithm: 'bucket' }, "algorithm of rateLimit limit is 'bucket'"],
    [{ rate: 5, onLimit: 'throw' }, "onLimit of rateLimit limit is 'throw'"],
    [{ rate: 5, lossy: true }, 'lossy of rateLimit limit'],
    [{ rate: 5, initial: 5 }, 'initial of rateLimit limit'],
    [{ rate: 5, keys: 5 }, 'keys of rateLimit limit goes with a key'],
    [{ rate: 5, queue: { records: 5 } }, 'queue of rateLimit limit goes with a key'],
    [{ rate: 5, key: 'customer' }, 'key of rateLimit limit takes a function'],
    [{ rate: 5, key: (n: number) => n, keys: 0 }, 'keys of rateLimit limit is 0'],
    [{ rate: 5, key: (n: number) => n, queue: {} }, 'queue.records of rateLimit limit is undefined'],
    [{ rate: 5, key: (n: number) => n, queue: { records: 0 } }, 'queue.records of rateLimit limit is 0'],
    [{ rate: 5, key: (n: number) => n, queue: { records: 5, bytes: 0 } }, 'queue.bytes of rateLimit limit is 0'],
  ])('refuses %o', (options, message) => {
    expect(() => graphOf(options)).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) }),
    )
  })

  it.each([[{}], [{ initial: -1 }], [{ initial: Number.NaN }]])('refuses a stream of rates with %o', (options) => {
    expect(() => graphOf(options, true)).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining('initial of rateLimit limit is') }),
    )
  })

  it('refuses a duration that is none', () => {
    expect(() => graphOf({ rate: 5, per: '5 parsecs' })).toThrow(expect.objectContaining({ code: 'SLUICE_DURATION_INVALID' }))
  })

  it('says its limit, and runs at no more subtasks than its burst has records', () => {
    const limitOf = (options: object, second = false) => {
      const { limit, parallelismMax } = nodeOf(graphOf(options, second), 'limit')
      return [limit, parallelismMax?.value]
    }
    expect(limitOf({ rate: 100 })).toEqual(['rate of 100/s', 10])
    expect(limitOf({ rate: 5, per: '1m' })).toEqual(['rate of 5/min', 1])
    expect(limitOf({ rate: 5, per: '2s', burst: 3 })).toEqual(['rate of 5 per 2000 ms', 3])
    expect(limitOf({ rate: 5, algorithm: 'leaky-bucket' })).toEqual(['rate of 5/s', 1])
    expect(limitOf({ rate: 5, key: (n: number) => n })).toEqual(['rate of 5/s per key', undefined])
    expect(limitOf({ initial: 5 }, true)).toEqual(['rate', undefined])
  })

  it('warns of a burst that is used up before a timer can fire', () => {
    expect(nodeOf(graphOf({ rate: 1_000_000, burst: 100 }), 'limit').warning).toContain('from 2000 on it is reached')
    expect(nodeOf(graphOf({ rate: 1_000_000 }), 'limit').warning).toBeUndefined()
  })

  it('is lossy where it drops, and has a port for what it drops', () => {
    const graph = graphOf({ rate: 5, onLimit: 'drop', lossy: true })
    expect(nodeOf(graph, 'limit')).toMatchObject({ ports: ['out', 'dropped'], lossy: { accepted: true } })
    expect(nodeOf(graphOf({ rate: 5, onLimit: 'drop' }), 'limit').lossy?.accepted).toBe(false)
    expect(nodeOf(graphOf({ rate: 5 }), 'limit')).toMatchObject({ ports: ['out'], lossy: undefined })
  })

  it('deals records out by the key, and rates to every subtask', () => {
    expect(edgesOf(graphOf({ rate: 5, key: (n: number) => n }))).toContain('in.out -> limit hash')
    expect(edgesOf(graphOf({ initial: 5 }, true))).toEqual(expect.arrayContaining(['in.out -> limit', 'rates.out -> limit broadcast']))
  })
})
