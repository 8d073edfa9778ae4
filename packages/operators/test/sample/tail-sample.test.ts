/** Tail-based sampling against a naive model: over random traces, orders, late spans, bounds, and checkpoints anywhere. */
import {
  type GeneralSpec,
  groupsOf,
  hashKey,
  keyGroupOf,
  type KeyTable,
  type NumberColumn,
  shareOf,
  type ValueColumn,
} from '@sluice/engine'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { dropWhen, fromArray, keepIfAny, keepIfLonger, keepWhen, type TailSampleOptions, type TracePolicy } from '../../src/index.js'
import { Fleet } from '../restore/fleet.js'
import { declare, nodeOf } from '../support/graphs.js'
import { type ModelBounds, type Span, sizeOf, TailModel } from './tail-model.js'

vi.setConfig({ testTimeout: 60_000 })

const KEY_GROUPS = 12

const policy = {
  errors: keepIfAny<Span>('errors', ({ failed }) => failed),
  slow: keepIfLonger<Span>('slow', 40, ({ startMs, endMs }) => [startMs, endMs]),
  many: keepWhen<Span>('many', (spans) => spans.length > 3),
  patient: keepWhen<Span>('patient', (_spans, { waitedMs, cause }) => cause === 'time' && waitedMs > 25),
  checks: dropWhen<Span>('checks', (spans) => spans.every(({ text }) => text === '')),
}

const policies = fc
  .uniqueArray(fc.constantFrom(...Object.values(policy)), { minLength: 1, maxLength: 5 })
  .map((chosen): readonly TracePolicy<Span>[] => chosen)

const bounds: fc.Arbitrary<ModelBounds> = fc.record({
  decideAfterMs: fc.integer({ min: 1, max: 60 }),
  traces: fc.integer({ min: 3, max: 9 }),
  records: fc.integer({ min: 3, max: 30 }),
  bytes: fc.integer({ min: 200, max: 3_000 }),
  recordsPerTrace: fc.integer({ min: 1, max: 8 }),
  rememberedTraces: fc.integer({ min: 3, max: 9 }),
  rememberedForMs: fc.integer({ min: 0, max: 150 }),
  whenFull: fc.constantFrom('decideEarly', 'dropNewest'),
})

type Step = { readonly span: Span } | { readonly advanceMs: number }

const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.oneof(
      {
        weight: 7,
        arbitrary: fc.record({
          trace: fc.integer({ min: 0, max: 8 }),
          failed: fc.integer({ min: 0, max: 9 }),
          startMs: fc.integer({ min: 0, max: 50 }),
          lastsMs: fc.integer({ min: 0, max: 30 }),
          pad: fc.constantFrom(0, 0, 1, 20, 300),
        }),
      },
      { weight: 2, arbitrary: fc.record({ advanceMs: fc.integer({ min: 0, max: 40 }) }) },
    ),
    { minLength: 10, maxLength: 80, size: 'max' },
  )
  .map((list) =>
    list.map((step, id): Step => {
      if ('advanceMs' in step) return step
      const { trace, failed, startMs, lastsMs, pad } = step
      return { span: { id, trace: `t${trace}`, failed: failed === 0, startMs, endMs: startMs + lastsMs, text: 'x'.repeat(pad) } }
    }),
  )

function optionsOf(limits: ModelBounds, chosen: readonly TracePolicy<Span>[]): TailSampleOptions<Span> {
  const { decideAfterMs: decideAfter, traces, records, bytes, recordsPerTrace, rememberedTraces, rememberedForMs, whenFull } = limits
  const remember = { traces: rememberedTraces, for: rememberedForMs }
  return {
    decideAfter,
    traces,
    records,
    bytes,
    recordsPerTrace,
    remember,
    whenFull,
    policies: chosen,
    sizes: 'exact',
  }
}

function specOf(options: TailSampleOptions<Span>): GeneralSpec {
  const graph = declare((job) => {
    const spans = job.source('spans', fromArray<Span>([])).keyBy((span) => span.trace)
    if (options.whenFull === 'dropNewest') spans.tailSample('op', options)
    else spans.tailSample('op', options)
  })
  const { spec } = nodeOf(graph, 'op')
  if (spec.kind !== 'general') throw new Error(`tailSample is a ${spec.kind}`)
  return spec
}

const ownerOf = (trace: string, parallelism: number): number =>
  Math.floor((keyGroupOf(hashKey(trace), KEY_GROUPS) * parallelism) / KEY_GROUPS)

/** One model per subtask, each with its share. */
function modelsOf(limits: ModelBounds, chosen: readonly TracePolicy<Span>[], parallelism: number): readonly TailModel[] {
  return Array.from({ length: parallelism }, (_, index) => {
    const share = (value: number): number => shareOf(value, parallelism, index)
    const { traces, records, bytes, rememberedTraces } = limits
    return new TailModel(
      { ...limits, traces: share(traces), records: share(records), bytes: share(bytes), rememberedTraces: share(rememberedTraces) },
      chosen,
    )
  })
}

interface Idd {
  readonly id: number
}

/** What a fleet gave, by port. */
function taken(fleet: Fleet): readonly (readonly number[])[] {
  const outputs = fleet.take()
  return [0, 1].map((port) => outputs.flatMap((output) => (output.port === port ? [(output.value as Idd).id] : [])))
}

function modelled(models: readonly TailModel[]): readonly (readonly number[])[] {
  return [models.flatMap(({ out }) => out.splice(0)), models.flatMap(({ dropped }) => dropped.splice(0))]
}

/** What the open rows hold, counted from the table. */
function heldBy(fleet: Fleet): readonly { traces: number; records: number; bytes: number }[] {
  return fleet.subtasks.map(({ registry }) => {
    const table = registry.part('traces') as KeyTable
    const held = { traces: 0, records: 0, bytes: 0 }
    for (let slot = table.next(0); slot >= 0; slot = table.next(slot + 1)) {
      if ((table.columns[0] as NumberColumn).values[slot] !== 0) continue
      const spans = (table.columns[4] as ValueColumn).values[slot] as readonly Span[]
      held.traces++
      held.records += spans.length
      held.bytes += spans.reduce((sum, span) => sum + sizeOf(span), 0)
    }
    return held
  })
}

function expectBounded(fleet: Fleet, { traces, records, bytes }: ModelBounds): void {
  const { length } = fleet.subtasks
  for (const [index, held] of heldBy(fleet).entries()) {
    expect(held.traces).toBeLessThanOrEqual(shareOf(traces, length, index))
    expect(held.records).toBeLessThanOrEqual(shareOf(records, length, index))
    expect(held.bytes).toBeLessThanOrEqual(shareOf(bytes, length, index))
  }
}

function runStep(fleet: Fleet, step: Step): void {
  const action = 'span' in step ? { record: step.span, key: step.span.trace, timestamp: Number.NaN, input: 0, broadcast: false } : step
  for (const _ of fleet.run(action));
}

function modelStep(models: readonly TailModel[], step: Step): void {
  if ('span' in step) models[ownerOf(step.span.trace, models.length)]?.push(step.span)
  else for (const model of models) model.advance(step.advanceMs)
}

test('gives what the model gives, within its bounds, in the same order', () => {
  fc.assert(
    fc.property(steps, bounds, policies, fc.integer({ min: 1, max: 3 }), (list, limits, chosen, parallelism) => {
      const fleet = new Fleet(specOf(optionsOf(limits, chosen)), parallelism)
      const models = modelsOf(limits, chosen, parallelism)
      fleet.open()
      for (const [index, step] of list.entries()) {
        runStep(fleet, step)
        modelStep(models, step)
        expect(taken(fleet), `step ${index}`).toEqual(modelled(models))
        expectBounded(fleet, limits)
      }
      for (const _ of fleet.run('end'));
      for (const model of models) model.end()
      expect(taken(fleet)).toEqual(modelled(models))
    }),
    { numRuns: 200 },
  )
})

/** As `restore` says: everything waits and is remembered anew, keys go where they belong, and what is too much for a share gives way. */
function restored(
  models: readonly TailModel[],
  limits: ModelBounds,
  chosen: readonly TracePolicy<Span>[],
  parallelism: number,
): readonly TailModel[] {
  const next = modelsOf(limits, chosen, parallelism)
  for (const [index, model] of next.entries()) {
    const { from, to } = groupsOf(index, parallelism, KEY_GROUPS)
    const mine = ({ key }: { readonly key: string }): boolean => {
      const group = keyGroupOf(hashKey(key), KEY_GROUPS)
      return group >= from && group < to
    }
    model.nowMs = (models[0] as TailModel).nowMs
    for (const { open, decided } of models) {
      for (const trace of open) if (mine(trace)) model.open.push({ ...trace, sinceMs: model.nowMs })
      for (const decision of decided) if (mine(decision)) model.decided.push({ ...decision, sinceMs: model.nowMs })
    }
  }
  return next
}

test('goes on from a checkpoint as it would have, in as many subtasks', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      bounds,
      policies,
      fc.integer({ min: 1, max: 3 }),
      fc.nat(80),
      fc.nat(6),
      async (list, limits, chosen, parallelism, cut, rest) => {
        const spec = (): GeneralSpec => specOf(optionsOf(limits, chosen))
        let fleet = new Fleet(spec(), parallelism)
        let models = modelsOf(limits, chosen, parallelism)
        fleet.open()
        for (const [index, step] of list.entries()) {
          if (index === cut % list.length) {
            // The subtasks go on while their state is written: nothing of that is part of it.
            const beyond = list.slice(index).values()
            const old = fleet
            fleet = await fleet.restored(spec(), parallelism, () => {
              for (let count = 0; count < rest; count++) {
                const next = beyond.next()
                if (next.done !== true) runStep(old, next.value)
              }
            })
            fleet.settle()
            models = restored(models, limits, chosen, parallelism)
          }
          runStep(fleet, step)
          modelStep(models, step)
          expect(taken(fleet), `step ${index}`).toEqual(modelled(models))
          expectBounded(fleet, limits)
        }
      },
    ),
    { numRuns: 150 },
  )
})

test('at another parallelism nothing is lost or given twice, decisions hold, and so do the bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      steps,
      bounds,
      policies,
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      fc.nat(80),
      async (list, given, chosen, [before, after], cut) => {
        // Decisions are remembered for good, so that every late span can be held against its trace's.
        const limits = { ...given, rememberedForMs: 1_000_000, rememberedTraces: 1_000 }
        const spec = (): GeneralSpec => specOf(optionsOf(limits, chosen))
        let fleet = new Fleet(spec(), before)
        fleet.open()
        const ports = new Map<string, number>()
        const traceOf = new Map<number, string>()
        const seen: number[] = []
        const check = (): void => {
          for (const [port, ids] of taken(fleet).entries()) {
            for (const id of ids) {
              const trace = traceOf.get(id) as string
              expect(ports.get(trace) ?? port, `span ${id} of ${trace}`).toBe(port)
              ports.set(trace, port)
              seen.push(id)
            }
          }
        }
        for (const [index, step] of list.entries()) {
          if (index === cut % list.length) {
            fleet = await fleet.restored(spec(), after, () => {})
            fleet.settle()
            check()
            expectBounded(fleet, limits)
          }
          if ('span' in step) traceOf.set(step.span.id, step.span.trace)
          runStep(fleet, step)
          check()
          expectBounded(fleet, limits)
        }
        for (const _ of fleet.run('end'));
        check()
        expect(seen.toSorted((left, right) => left - right)).toEqual([...traceOf.keys()])
      },
    ),
    { numRuns: 150 },
  )
})

test('a policy that was added asks the records that were there before it, too', async () => {
  const limits = { decideAfter: 20, policies: [policy.many] } as const
  const fleet = new Fleet(specOf(limits), 1)
  fleet.open()
  const span: Span = { id: 1, trace: 'a', failed: true, startMs: 0, endMs: 1, text: '' }
  runStep(fleet, { span })
  const next = await fleet.restored(specOf({ ...limits, policies: [policy.errors, policy.many] }), 1, () => {})
  next.settle()
  runStep(next, { span: { ...span, id: 2, failed: false } })
  runStep(next, { advanceMs: 20 })
  expect(taken(next)).toEqual([[1, 2], []])
})
