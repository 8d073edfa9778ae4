/** RxJS on both sides of a job, on the calling thread. An observable cannot be asked for less: the rules about demand become bounds of its buffer. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { from, interval, map, NEVER, Observable, of, Subject, take, throwError } from 'rxjs'
import {
  type CaveatOf,
  defineJob,
  forEach,
  fromObservable,
  generate,
  type LossySource,
  run,
  type Source,
  type Stream,
  toJsonLines,
  toObserver,
} from 'sluice'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { turn, until } from './source-contract.js'

interface Options {
  readonly write?: (value: number) => Promise<void> | void
  readonly onRecord?: (value: number) => void
}

function start(source: Source<number>, options: Options = {}) {
  const written: number[] = []
  const job = defineJob({ name: 'observable' }, (builder) => {
    builder
      .source('input', source)
      .map((value) => {
        options.onRecord?.(value)
        return value
      })
      .sink(
        'output',
        forEach(async (value) => {
          await options.write?.(value)
          written.push(value)
        }),
      )
  })
  return { handle: run(job), written }
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, value) => value)

test('values of an observable, at once and over time', async () => {
  const now = start(fromObservable(() => from(upTo(1_000))))
  await now.handle.finished
  expect(now.written).toEqual(upTo(1_000))
  const later = start(fromObservable(() => interval(1).pipe(take(20))))
  await later.handle.finished
  expect(later.written).toEqual(upTo(20))
})

test('a full buffer fails the job, with operator and bounds', async () => {
  const { handle } = start(fromObservable(() => from(upTo(1_025))))
  await expect(handle.finished).rejects.toMatchObject({
    code: 'SLUICE_BUFFER_FULL',
    message: expect.stringContaining('1024'),
    coordinates: { operator: 'input' },
  })
})

test.each(['drop-newest', 'drop-oldest', 'latest'] as const)('%s: in = out + dropped, and it is counted', async (overflow) => {
  const values = 50_000
  let subject: Subject<number> | undefined
  const source = fromObservable(
    () => (subject = new Subject<number>()),
    overflow === 'latest' ? { overflow } : { overflow, buffer: { records: 32 } },
  )
  const { handle, written } = start(source, { write: (value) => (value % 4 === 0 ? turn() : undefined) })
  await until(() => subject?.observed === true)
  for (let value = 0; value < values; value++) {
    subject?.next(value)
    if (value % 500 === 0) await turn()
  }
  subject?.complete()
  const { totals } = await handle.finished
  const dropped = totals.subtasks.reduce((sum, subtask) => sum + subtask.dropped, 0)
  expect(dropped).toBeGreaterThan(0)
  expect(written.length + dropped).toBe(values)
  expect(totals.dropped).toEqual([expect.objectContaining({ operator: 'input', reason: overflow, total: dropped })])
  expect(written).toEqual(written.toSorted((one, other) => one - other))
  if (overflow !== 'drop-newest') expect(written.at(-1)).toBe(values - 1)
})

test('the failure of an observable is the cause', async () => {
  const failure = new Error('disconnected')
  const { handle } = start(fromObservable<number>(() => throwError(() => failure)))
  await expect(handle.finished).rejects.toMatchObject({ code: 'SLUICE_SOURCE_FAILED', cause: failure, coordinates: { operator: 'input' } })
})

test.each(['a stop', 'the failure of another operator', 'a full buffer'])('%s unsubscribes, once', async (why) => {
  let left = 0
  const endless = new Observable<number>((subscriber) => {
    let value = 0
    const timer = setInterval(() => subscriber.next(value++), 1)
    if (why === 'a full buffer') for (; value < 10; value++) subscriber.next(value)
    return () => {
      clearInterval(timer)
      left++
    }
  })
  const { handle, written } = start(
    fromObservable(() => endless, { buffer: { records: 8 } }),
    {
      onRecord: (value) => {
        if (why === 'the failure of another operator' && value === 5) throw new Error('no 5')
      },
    },
  )
  if (why === 'a stop') {
    await until(() => written.length > 3)
    await handle.stop()
    await handle.finished
  } else
    await expect(handle.finished).rejects.toMatchObject({ code: why === 'a full buffer' ? 'SLUICE_BUFFER_FULL' : 'SLUICE_OPERATOR_FAILED' })
  expect(left).toBe(1)
})

test('a stop does not wait for one that is silent', async () => {
  const { handle, written } = start(fromObservable<number>(() => NEVER))
  for (let count = 0; count < 20; count++) await turn()
  await handle.stop()
  await handle.finished
  expect(written).toEqual([])
})

test('a subject as a sink', async () => {
  const seen: string[] = []
  const subject = new Subject<{ n: number }>()
  subject
    .pipe(map(({ n }) => n * 2))
    .subscribe({ next: (n) => seen.push(String(n)), complete: () => seen.push('complete'), error: () => seen.push('error') })
  const job = defineJob({ name: 'subject' }, (builder) => {
    builder
      .source(
        'input',
        generate((n) => ({ n }), { count: 3 }),
      )
      .sink('output', toObserver(subject))
  })
  await run(job).finished
  expect(seen).toEqual(['0', '2', '4', 'complete'])
})

test('in front of a sink that is exactly-once the loss has to be meant', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-lossy-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const start = (lossy: boolean, checkpoints: boolean) =>
    run(
      defineJob({ name: 'lossy' }, (builder) => {
        builder
          .source(
            'prices',
            fromObservable(() => of(1, 2), { overflow: 'drop-oldest', lossy }),
          )
          .map((price) => ({ price }))
          .sink('out', toJsonLines(join(directory, `out-${lossy}-${checkpoints}.jsonl`)))
      }),
      checkpoints ? { checkpoint: { interval: 5, directory: join(directory, `checkpoints-${lossy}`) } } : {},
    ).finished
  await expect(start(false, true)).rejects.toMatchObject({
    code: 'SLUICE_LOSSY_STREAM',
    message: expect.stringContaining('prices drops the oldest values when its buffer is full, and out writes each record exactly once'),
    coordinates: { operator: 'prices' },
  })
  expect(await start(true, true)).toMatchObject({ recordsOut: 2 })
  // Without checkpoints nothing is exactly-once.
  expect(await start(false, false)).toMatchObject({ recordsOut: 2 })
})

test('an observable that is silent is told of where event time waits for it, and holds nothing up', async () => {
  const subject = new Subject<number>()
  const job = defineJob({ name: 'silent' }, (builder) => {
    builder
      .source(
        'input',
        fromObservable(() => subject),
      )
      .withTimestamps((value) => value, { monotonous: true, idleAfter: 20 })
      .sink(
        'output',
        forEach(() => undefined),
      )
  })
  const handle = run(job, { report: 20 })
  const idle: string[] = []
  const stuck: string[] = []
  const states: string[] = []
  handle.events
    .on('idle', ({ operator }) => idle.push(operator))
    .on('stuck', ({ operator }) => stuck.push(operator))
    .on('report', ({ subtasks }) => states.push(subtasks[0]?.state ?? ''))
  await until(() => subject.observed)
  subject.next(1)
  await until(() => idle.length > 0)
  expect(idle).toEqual(['input'])
  // A report may fall between the step in which the input falls idle and the next one: it is queued then.
  await until(() => states.at(-1) === 'idle')
  await handle.stop()
  await handle.finished
  expect(stuck).toEqual([])
})

test('a loss is part of the type, and of the graph', () => {
  expectTypeOf(fromObservable(() => of(1))).toEqualTypeOf<Source<number>>()
  expectTypeOf(fromObservable(() => of(1), { buffer: { records: 1 }, overflow: 'fail' })).toEqualTypeOf<Source<number>>()
  expectTypeOf(fromObservable(() => of(1), { overflow: 'drop-oldest' })).toEqualTypeOf<LossySource<number>>()
  expectTypeOf(fromObservable(() => of(1), { overflow: 'latest', lossy: true })).toEqualTypeOf<LossySource<number>>()
  // @ts-expect-error -- what keeps one value has no buffer
  fromObservable(() => of(1), { overflow: 'latest', buffer: { records: 5 } })
  // @ts-expect-error -- nothing is lost, so there is no loss to accept
  fromObservable(() => of(1), { lossy: true })
  const job = defineJob({ name: 'types' }, (builder) => {
    const sure = builder.source(
      'sure',
      fromObservable(() => of(1)),
    )
    const lossy = builder.source(
      'lossy',
      fromObservable(() => of(1), { overflow: 'latest', lossy: true }),
    )
    const literal = builder.source<1 | 2>(
      'literal',
      fromObservable<1 | 2>(() => of(1), { overflow: 'latest' }),
    )
    expectTypeOf(sure).toEqualTypeOf<Stream<number, 'no timestamps'>>()
    expectTypeOf(lossy).toEqualTypeOf<Stream<number, 'no timestamps' | 'lossy'>>()
    expectTypeOf<CaveatOf<typeof literal>>().toEqualTypeOf<'no timestamps' | 'lossy'>()
    sure.union(lossy, literal).sink(
      'output',
      forEach(() => undefined),
    )
  })
  const { nodes } = job.declare({}, { collect: false })
  expect(nodes.map(({ name, lossy }) => [name, lossy?.accepted])).toEqual([
    ['sure', undefined],
    ['lossy', true],
    ['literal', false],
    ['output', undefined],
  ])
  expect(nodes[1]?.lossy?.because).toBe('keeps only the newest value')
})
