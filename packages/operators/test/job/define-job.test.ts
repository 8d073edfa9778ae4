import { type JobSettings, type LogicalGraph, type SinkContext, SluiceError, validateGraph } from '@sluice/engine'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { MemoryStorage } from '../../../engine/test/support/memory-storage.js'
import {
  type CheckpointStorage,
  checkpointSettingsOf,
  defineJob,
  discard,
  fromArray,
  generate,
  isJob,
  type JobBuilder,
  type JobOptions,
  type StorageFile,
  type Stream,
} from '../../src/index.js'
import { declare, edgesOf, nodeOf } from '../support/graphs.js'

const source = (job: JobBuilder, name = 'numbers') => job.source(name, fromArray([1, 2, 3]))

function thrownBy(action: () => unknown): SluiceError {
  try {
    action()
  } catch (error) {
    if (error instanceof SluiceError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

test('a job is known by its symbol, not by its class', () => {
  const job = defineJob({ name: 'empty' }, () => {})
  expect(isJob(job)).toBe(true)
  expect(isJob({ [Symbol.for('sluice.job')]: true })).toBe(true)
  for (const other of [undefined, null, {}, () => {}, 'job']) expect(isJob(other)).toBe(false)
})

test('options become settings; text becomes bytes', () => {
  const job = defineJob({ name: 'set', parallelism: 2, workers: 1, memory: '64mb', settings: { chaining: false } }, (builder) => {
    source(builder).sink('out', discard())
  })
  expect(job.declare({}, { collect: false }).settings).toEqual({ parallelism: 2, workers: 1, memoryBytes: 67_108_864, chaining: false })
})

test('the interval of checkpoints becomes milliseconds', () => {
  const job = defineJob({ name: 'set', checkpoint: { interval: '2s', directory: 'checkpoints' } }, (builder) => {
    source(builder).sink('out', discard())
  })
  expect(job.declare({}, { collect: false }).settings.checkpoint).toEqual({ intervalMs: 2_000, directory: 'checkpoints' })
})

test('options of checkpoints and of restarts become settings', () => {
  const checkpoint = { interval: '2s', directory: 'd', mode: 'unaligned', alignedTimeout: '500ms', timeout: '1m', retain: 5 } as const
  const settings = (restart: JobOptions['restart']): JobSettings =>
    defineJob({ name: 'set', checkpoint, restart }, (builder) => {
      builder
        .source(
          'numbers',
          generate((index) => index, { count: 1 }),
        )
        .sink('out', discard())
    }).declare({}, { collect: false }).settings
  const directory = { directory: 'd', mode: 'unaligned', intervalMs: 2_000, alignedTimeoutMs: 500, timeoutMs: 60_000, retain: 5 }
  expect(settings(undefined)).toMatchObject({ checkpoint: directory, restart: undefined })
  expect(settings({ strategy: 'none' }).restart).toEqual({ kind: 'none' })
  expect(settings({ strategy: 'fixed', attempts: 2 }).restart).toEqual({ kind: 'fixed', attempts: 2, delayMs: 1_000 })
  expect(settings({ strategy: 'failure-rate', failures: 2, window: '5m', delay: 10 }).restart).toEqual({
    kind: 'failure-rate',
    failures: 2,
    windowMs: 300_000,
    delayMs: 10,
  })
  expect(settings({ strategy: 'exponential', maxDelay: '5s' }).restart).toEqual({
    kind: 'exponential',
    initialDelayMs: 1_000,
    maxDelayMs: 5_000,
    resetAfterMs: 600_000,
  })
})

test.each<[unknown, RegExp]>([
  [undefined, /options are an object/],
  [{}, /name is missing/],
  [{ name: ' ' }, /name is " "/],
  [{ name: 'x', paralelism: 2 }, /paralelism is not an option/],
  [{ name: 'x', parallelism: 0 }, /parallelism is 0, and takes an integer of at least 1/],
  [{ name: 'x', params: 3 }, /params is 3, and takes a schema/],
  [{ name: 'x', settings: { chaning: true } }, /settings\.chaning is not an option/],
  [{ name: 'x', checkpoint: true }, /checkpoint is true, and takes an object/],
  [{ name: 'x', checkpoint: { directory: 'd' } }, /checkpoint\.interval is missing/],
  [{ name: 'x', checkpoint: { interval: '1s', directory: '' } }, /checkpoint\.directory is "", and takes text/],
  [
    { name: 'x', checkpoint: { interval: '10 parsecs', directory: 'd' } },
    /checkpoint\.interval is "10 parsecs", and takes a duration such as/,
  ],
  [{ name: 'x', checkpoint: { interval: 0, directory: 'd' } }, /checkpoint\.interval is 0, and takes a duration above 0/],
  [{ name: 'x', checkpoint: { interval: '1s', directory: 'd', folder: 'd' } }, /checkpoint\.folder is not an option/],
  [{ name: 'x', checkpoint: { interval: '1s', directory: 'd', mode: 'fast' } }, /checkpoint\.mode is "fast", and takes 'aligned'/],
  [{ name: 'x', checkpoint: { interval: '1s', directory: 'd', retain: 0 } }, /checkpoint\.retain is 0, and takes an integer of at least 1/],
  [{ name: 'x', checkpoint: { interval: '1s', directory: 'd', storage: 's3' } }, /checkpoint\.storage is "s3", and takes a function/],
  [{ name: 'x', restart: 'none' }, /restart is "none", and takes an object/],
  [{ name: 'x', restart: { strategy: 'often' } }, /restart\.strategy is "often", and takes exponential, fixed, failure-rate, none/],
  [{ name: 'x', restart: { strategy: 'fixed' } }, /restart\.attempts is missing/],
  [{ name: 'x', restart: { strategy: 'fixed', attempts: 3, window: '1m' } }, /restart\.window is not an option/],
  [{ name: 'x', edges: { 'a -> b': null } }, /edges\["a -> b"\] is a value of type null, and takes an object/],
  [
    { name: 'x', edges: { 'a -> b': { prefech: 1 } } },
    /edges\["a -> b"\]\.prefech is not an option: there are window, prefetch, weight, priority/,
  ],
  [{ name: 'x', edges: { 'a -> b': { prefetch: 0 } } }, /edges\["a -> b"\]\.prefetch is 0, and takes an integer of at least 1/],
  [{ name: 'x', edges: { 'a -> b': { window: 'soon' } } }, /edges\["a -> b"\]\.window is "soon", and takes a duration above 0/],
  [{ name: 'x', edges: { 'a -> b': { weight: Number.NaN } } }, /edges\["a -> b"\]\.weight is NaN, and takes a number above 0/],
  [{ name: 'x', settings: { chaining: 1, keyGroups: 0.5 } }, /settings\.chaining is 1.*settings\.keyGroups is 0\.5/],
])('wrong options %j are named, with the line', (options, message) => {
  const error = thrownBy(() => defineJob(options as never, () => {}))
  expect(error.code).toBe('SLUICE_OPTIONS_INVALID')
  expect(error.message).toMatch(message)
  expect(error.coordinates.declaredAt).toMatch(/define-job\.test\.ts:\d+:\d+$/)
})

test('each declaration makes the same graph anew', () => {
  const job = defineJob({ name: 'twice' }, (builder) => {
    source(builder)
      .map((value) => value + 1)
      .sink('out', discard())
  })
  const plain = (graph: LogicalGraph): string => JSON.stringify(graph)
  expect(plain(job.declare({}, { collect: false }))).toBe(plain(job.declare({}, { collect: false })))
})

test('collect gives each returned stream a sink on the host, which copies what it hands over', async () => {
  const job = defineJob({ name: 'collected' }, (builder) => {
    const numbers = source(builder)
    const odd = numbers.filter((value) => value % 2 === 1)
    return { odd, all: numbers.union(odd) }
  })
  expect(job.declare({}, { collect: false }).nodes).toHaveLength(2)
  const graph = job.declare({}, { collect: true })
  validateGraph(graph)
  expect(edgesOf(graph)).toEqual([
    'numbers.out -> filter',
    'filter.out -> collect:odd',
    'numbers.out -> collect:all',
    'filter.out -> collect:all',
  ])
  const node = nodeOf(graph, 'collect:all')
  expect(node).toMatchObject({ pinnedToHost: true, parallelismMax: { value: 1 }, ports: [] })
  const collected: unknown[] = []
  if (node.spec.kind !== 'sink') throw new Error(node.spec.kind)
  const host = { collect: (stream: string, records: readonly unknown[]) => collected.push([stream, records]), writeOut: () => {} }
  await node.spec.create({ host } as unknown as SinkContext).write([1, 2])
  expect(collected).toEqual([['all', [1, 2]]])
})

test('dead letters are those of every source, also of one declared later', () => {
  const graph = declare((job) => {
    source(job, 'first')
    job.deadLetters.sink('dead', discard())
    source(job, 'second').sink('out', discard())
  })
  expect(edgesOf(graph)).toEqual(['first.deadLetters -> dead', 'second.deadLetters -> dead', 'second.out -> out'])
})

test('dead letters of a job without sources are a job without sources', () => {
  const error = thrownBy(() => declare((job) => job.deadLetters.sink('dead', discard())))
  expect(error.code).toBe('SLUICE_GRAPH_EMPTY')
})

test('resources keep their functions; two of one name are refused', () => {
  const open = () => 1
  const close = () => {}
  const graph = declare((job) => {
    expect(job.resource('one', { open, close })).toBe('one')
  })
  expect(graph.resources).toEqual([{ name: 'one', open, close, declaredAt: expect.stringContaining('define-job.test.ts') as string }])
  const twice = thrownBy(() =>
    declare((job) => {
      job.resource('one', { open })
      job.resource('one', { open })
    }),
  )
  expect(twice.code).toBe('SLUICE_DUPLICATE_NAME')
})

test('what a declaration throws names the line and keeps the cause', () => {
  const cause = new TypeError('no such file')
  const error = thrownBy(() =>
    declare(() => {
      throw cause
    }),
  )
  expect(error.code).toBe('SLUICE_JOB_THREW')
  expect(error.message).toMatch(/job test threw while it declared its graph: TypeError: no such file \(at .*define-job\.test\.ts:\d+:\d+\)/)
  expect(error.coordinates).toMatchObject({ job: 'test', declaredAt: expect.stringContaining('define-job.test.ts') as string })
  expect(error.cause).toBe(cause)
})

test('an async declaration is refused, and its own failure is not left unhandled', async () => {
  const unhandled: unknown[] = []
  const listen = (reason: unknown): unknown => unhandled.push(reason)
  process.on('unhandledRejection', listen)
  try {
    const declaration: () => unknown = () => Promise.reject(new Error('late'))
    const error = thrownBy(() => declare(declaration))
    expect(error.code).toBe('SLUICE_JOB_THREW')
    expect(error.message).toContain('returned a promise')
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
  } finally {
    process.off('unhandledRejection', listen)
  }
})

test.each<[string, unknown]>([
  ['a number', 3],
  ['something that is no stream', { delays: 3 }],
])('a declaration that returns %s is refused', (_name, returned) => {
  expect(thrownBy(() => declare(() => returned)).code).toBe('SLUICE_JOB_THREW')
})

test('a stream of one job in another is refused, and both are named', () => {
  let leaked: Stream<number> | undefined
  defineJob({ name: 'first' }, (job) => {
    leaked = source(job)
  }).declare({}, { collect: false })
  const inSecond = (use: (stream: Stream<number>, job: JobBuilder) => unknown): SluiceError =>
    thrownBy(() => defineJob({ name: 'second' }, (job) => void use(leaked!, job)).declare({}, { collect: false }))
  for (const error of [
    inSecond((stream) => stream.map((value) => value)),
    inSecond((stream, job) => source(job).union(stream)),
    inSecond((stream) => stream.keyBy((value) => value).reduce('last', (_left, right) => right)),
  ]) {
    expect(error.code).toBe('SLUICE_STREAM_FOREIGN')
    expect(error.message).toBe('stream "numbers" of job first is used in job second')
    expect(error.coordinates.declaredAt).toMatch(/define-job\.test\.ts:\d+:\d+$/)
  }
  expect(thrownBy(() => leaked!.map((value) => value)).message).toContain('after its declaration ended')
  const returned = thrownBy(() => defineJob({ name: 'third' }, () => ({ leaked: leaked! })).declare({}, { collect: true }))
  expect(returned.code).toBe('SLUICE_STREAM_FOREIGN')
})

test('a declaration inside a declaration leaves the outer one as it was', () => {
  const graph = declare((job) => {
    const outer = source(job)
    defineJob({ name: 'inner' }, (builder) => source(builder).sink('out', discard())).declare({}, { collect: false })
    outer.sink('out', discard())
  })
  expect(graph.nodes.map(({ name }) => name)).toEqual(['numbers', 'out'])
})

test('parameters are parsed with defaults; wrong, missing and unknown ones are all named', async () => {
  const job = defineJob(
    { name: 'params', params: z.object({ input: z.string(), records: z.number().default(10), rate: z.number().optional() }) },
    (builder, { records }) => {
      builder
        .source(
          'numbers',
          generate((index) => index, { count: records }),
        )
        .sink('out', discard())
    },
  )
  await expect(job.parseParams({ input: 'a' })).resolves.toEqual({ input: 'a', records: 10 })
  await expect(job.parseParams({ records: 'x', inptu: 'a' })).rejects.toMatchObject({
    code: 'SLUICE_PARAMS_INVALID',
    message: expect.stringMatching(
      /input is missing; records: .*number.*; inptu is not a parameter \(there is input, records, rate\)/,
    ) as string,
    hint: 'Pass it as --param input=value, or in the params of run.',
  })
  await expect(job.parseParams(undefined)).rejects.toMatchObject({ code: 'SLUICE_PARAMS_INVALID' })
})

test('a job without parameters takes none; one with an open schema takes any', async () => {
  await expect(defineJob({ name: 'none' }, () => {}).parseParams({})).resolves.toEqual({})
  await expect(defineJob({ name: 'none' }, () => {}).parseParams({ x: 1 })).rejects.toMatchObject({ code: 'SLUICE_PARAMS_INVALID' })
  const open = defineJob({ name: 'open', params: z.looseObject({ a: z.string() }) }, () => {})
  await expect(open.parseParams({ a: 'x', b: 1 })).resolves.toEqual({ a: 'x', b: 1 })
})

test('a schema that waits is awaited', async () => {
  const params = z.object({ id: z.string().refine(async (id) => Promise.resolve(id !== 'bad'), 'no such id') })
  const job = defineJob({ name: 'waits', params }, () => {})
  await expect(job.parseParams({ id: 'good' })).resolves.toEqual({ id: 'good' })
  await expect(job.parseParams({ id: 'bad' })).rejects.toMatchObject({ message: expect.stringContaining('no such id') as string })
})

test('the JSON Schema is that of the input; secrets are listed', () => {
  const job = defineJob(
    {
      name: 'secrets',
      params: z.object({
        token: z.string().meta({ secret: true }),
        other: z.string().meta({ secret: true }).optional(),
        records: z.number().default(3),
      }),
    },
    () => {},
  )
  expect(job.paramsJsonSchema).toMatchObject({
    type: 'object',
    required: ['token'],
    properties: { records: { type: 'number', default: 3 } },
  })
  expect(job.secretParams).toEqual(['token', 'other'])
  expect(defineJob({ name: 'none' }, () => {}).paramsJsonSchema).toBeUndefined()
})

test("a storage of one's own has a type to be written against", async () => {
  class Prefixed implements CheckpointStorage {
    readonly description: string
    readonly #inner: CheckpointStorage = new MemoryStorage()

    constructor(directory: string) {
      this.description = `prefixed ${directory}`
    }

    create(path: string): Promise<StorageFile> {
      return this.#inner.create(`prefix/${path}`)
    }

    publish(path: string, bytes: Uint8Array): Promise<void> {
      return this.#inner.publish(`prefix/${path}`, bytes)
    }

    read(path: string, offset?: number, length?: number): Promise<Uint8Array> {
      return this.#inner.read(`prefix/${path}`, offset, length)
    }

    list(folder: string): Promise<readonly string[]> {
      return this.#inner.list(`prefix/${folder}`)
    }

    remove(path: string): Promise<void> {
      return this.#inner.remove(`prefix/${path}`)
    }
  }
  const settings = checkpointSettingsOf({ interval: '1s', directory: 'd', storage: (directory) => new Prefixed(directory) })
  const storage = settings.storage?.('d')
  expect(storage?.description).toBe('prefixed d')
  await storage?.publish('one/file', Uint8Array.of(1))
  expect(await storage?.list('one')).toEqual(['file'])
})
