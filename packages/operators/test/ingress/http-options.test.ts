/** Options of `fromHttp` that contradict, each with a sentence that names the option; and who may send. */
import { describe, expect, test } from 'vitest'
import { planJob, resolveSettings } from '@sluice/engine'
import { defineSource, discard, fromHttp, fromTcp, type JobBuilder } from '../../src/index.js'
import { BearerTokens } from '../../src/ingress/http/bearer-tokens.js'
import { declare } from '../support/graphs.js'

const LISTEN = { port: 8080, path: '/in' }

test.each<[object, string]>([
  [{ port: -1 }, 'port is -1'],
  [{ port: 65_536 }, 'ports end at 65535'],
  [{ port: '8080' }, "port is '8080'"],
  [{ path: 'in' }, 'begins with /'],
  [{ path: '/in?a=1' }, 'has no query'],
  [{ host: '' }, 'host is the address'],
  [{ method: 'GET' }, "method is 'GET'"],
  [{ ack: 'later' }, "ack is 'later'"],
  [{ onInvalid: 'ignore' }, "onInvalid is 'ignore'"],
  [{ format: 'xml' }, "format is 'xml'"],
  [{ format: { types: ['Text/CSV'], decode: () => [] } }, 'content types in lower case'],
  [{ format: { types: [], decode: () => [] } }, 'content types in lower case'],
  [{ token: '' }, 'token is empty'],
  [{ token: [] }, 'nobody could send'],
  [{ tls: { key: 'k' } }, 'tls takes { key, cert }'],
  [{ bodyBytesMax: '2mb', queue: { bytes: '1mb' } }, 'there would never be room for it'],
  [{ queue: { records: 0 } }, 'queue.records is 0'],
  [{ queue: { requests: 0 } }, 'queue.requests is 0'],
  [{ overload: { status: 500 } }, 'takes 429 or 503'],
  [{ bodyTimeout: 0 }, 'nobody could send anything in that time'],
  [{ connectionsMax: 0 }, 'connectionsMax is 0'],
  [{ bodyByteMax: '1mb' }, 'fromHttp has no option bodyByteMax'],
  [{ queue: { record: 5 } }, 'queue of fromHttp has no option record'],
  [{ queue: 5 }, 'queue of fromHttp takes an object of options, and was given 5'],
  [{ overload: { retry: 5 } }, 'overload of fromHttp has no option retry'],
  [{ tls: true }, 'tls of fromHttp takes an object of options, and was given true'],
  [{ schema: { amount: 'number' } }, 'fromHttp: schema is object, and takes one such as z.object({ ... })'],
  [{ token: 5 }, 'token takes text, or a list of texts'],
  [{ format: 'bytes', schema: {} }, "format 'bytes' gives bytes, which have no schema"],
])('%j: %s', (options, message) => {
  expect(() => fromHttp({ ...LISTEN, ...options } as never)).toThrow(
    expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
  )
})

test('a token that a header cannot carry is refused without being shown', () => {
  expect(() => fromHttp({ ...LISTEN, token: 'top secret' })).toThrow(
    /^fromHttp: token is empty, or has characters that a header cannot carry\.$/,
  )
})

describe('sources of one job', () => {
  const both = (first: object, second: object) => () =>
    declare((job: JobBuilder) => {
      for (const [name, options] of Object.entries({ a: first, b: second })) job.source(name, fromHttp({ ...LISTEN, ...options } as never))
    })

  test('share a port by their paths and methods, and its thread', () => {
    const graph = both({}, { method: 'PUT' })()
    expect(graph.nodes.map(({ colocation }) => colocation)).toEqual(['listen 127.0.0.1:8080', 'listen 127.0.0.1:8080'])
    expect(both({ connectionsMax: 5 }, { port: 8081 })).not.toThrow()
  })

  test.each<[object, object, string]>([
    [{}, {}, 'sources a and b both take POST /in at 127.0.0.1:8080'],
    [{ port: 0 }, { port: 0 }, 'both take POST /in at 127.0.0.1:0'],
    [{}, { path: '/b', connectionsMax: 5 }, 'say different things of its connectionsMax'],
    [{ headersTimeout: '1s' }, { path: '/b' }, 'say different things of its headersTimeout'],
    [{}, { path: '/b', tls: { key: 'secret key', cert: 'c' } }, 'say different things of its tls'],
  ])('%j and %j are refused', (first, second, message) => {
    expect(both(first, second)).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: expect.stringContaining(message) as string }),
    )
    expect(both(first, second)).not.toThrow(/secret/)
  })
})

test('nothing of a secret is in the graph that is planned, fingerprinted and shown', () => {
  const graph = declare((job) => void job.source('a', fromHttp({ ...LISTEN, token: 'hush', tls: { key: 'private', cert: 'c' } })))
  const { spec: _spec, ...shown } = graph.nodes[0] as (typeof graph.nodes)[number]
  expect(JSON.stringify(shown)).not.toMatch(/hush|private/)
  expect(shown.options).toMatchObject({ token: true, tls: true, listen: '127.0.0.1:8080' })
})

test('tokens: any of them, as a whole, whatever its length; without any, everybody', () => {
  const tokens = new BearerTokens(['first', 'second-one'])
  for (const header of ['Bearer first', 'bearer second-one', 'Bearer  first ']) expect(tokens.allows(header)).toBe(true)
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer firs',
    'Bearer first2',
    'Bearer first second-one',
    'Basic first',
    'first',
    'Bearer first, Bearer second-one',
  ])
    expect(tokens.allows(header)).toBe(false)
  expect(new BearerTokens([]).allows(undefined)).toBe(true)
})

test('what their queues may hold is part of the memory plan', () => {
  const graph = declare((job) => {
    job.source('small', fromHttp({ ...LISTEN, bodyBytesMax: '1mb', queue: { bytes: '2mb' } })).sink('a', discard())
    job.source('default', fromTcp({ port: 9_000 })).sink('b', discard())
    const own = defineSource({ open: async function* () {}, holdsBytes: 1_048_576 })
    job.source('own', own).sink('c', discard())
  })
  const settings = resolveSettings(graph.settings, { cores: 2 })
  const { memory } = planJob(graph, settings)
  expect(memory.heldBytes).toBe((2 + 16 + 1) * 1_048_576)
  expect(() => planJob(graph, { ...settings, memoryBytes: 8_388_608 })).toThrow(
    /19 MiB in queues of operators and sources, and the budget is 8 MiB/,
  )
  expect(() => defineSource({ open: async function* () {}, holdsBytes: -1 })).toThrow('holdsBytes of defineSource is -1')
})
