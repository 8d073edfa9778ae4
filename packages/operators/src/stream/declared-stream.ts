/**
 * Streams at run time: each method adds a node to the draft of the job's graph. The two classes make each other, so they stand in
 * one file. Runs while a job is declared, in every thread.
 */
import { type AsyncContext, type OperatorSpec, SluiceError } from '@sluice/engine'
import type { Aggregator } from '../aggregate/aggregator.js'
import { compileAggregators } from '../aggregate/compile-aggregators.js'
import { planCalls } from '../call/plan-calls.js'
import { parseDuration } from '../duration/duration.js'
import { type LooseLimitOptions, planRateLimit } from '../flow/rate/plan-rate-limit.js'
import { callSite } from '../job/call-site.js'
import type { AnyFunction, GraphDraft, NodeDraft, Upstream } from '../job/graph-draft.js'
import { createRunning, type EmissionMs } from '../operator/aggregate-operators.js'
import { BatchOperator } from '../operator/batch-operator.js'
import { type LooseHandlers, ProcessOperator } from '../operator/process-operator.js'
import { compileReduction } from '../operator/reduce-operator.js'
import { type LooseStatefulHandlers, planCoProcess, planConnectBroadcast, planStatefulProcess } from '../operator/plan-stateful.js'
import type {
  AsyncLookupOptions,
  DedupeOptions,
  IntervalJoinOptions,
  JoinOptions,
  KeyedAsyncLookupOptions,
  KeyedLookupOptions,
  LookupOptions,
  OuterJoin,
  OuterJoinOptions,
  TemporalJoinOptions,
  TopNOptions,
  WindowJoinOptions,
} from '../join/join-types.js'
import {
  type JoinInput,
  planDedupe,
  planIntervalJoin,
  planJoin,
  planLookupJoin,
  planTemporalJoin,
  planTopN,
  planWindowJoin,
} from '../join/plan-joins.js'
import { selectShape } from '../schema/record-shape.js'
import type { Sink } from '../sink/sink.js'
import type { Source } from '../source/source.js'
import { planWindowAggregate, planWindowProcess, planWindowReduce, type WindowInput } from '../window/plan-windows.js'
import type { WindowAssigner, WindowOptions } from '../window/window-types.js'
import { checkChoice, checkErrorPolicy, checkFunction, checkInteger, checkOptions } from '../options/check-options.js'
import type {
  BatchOptions,
  KeyByOptions,
  Emission,
  ErrorOptions,
  FunctionOptions,
  MapAsyncOptions,
  NamedOperatorOptions,
  OperatorOptions,
  ProcessOptions,
  RunningAggregateOptions,
  RunningReduceOptions,
  SinkOptions,
  TimestampOptions,
} from './options.js'
import type { SideOutputTag } from './side-output.js'
import type { Caveat } from './rules.js'
import { planTimestamps } from '../time/plan-timestamps.js'
import { planShed } from '../flow/shed/plan-shed.js'
import { DROPPED_PORT } from '../flow/shed/shed-operator.js'
import type { ShedPolicy, Spill } from '../flow/shed/shed-types.js'
import { planTailSample } from '../sample/plan-tail-sample.js'
import type { TailSampleOptions } from '../sample/sample-types.js'
import type { OperatorPlan } from './operator-plan.js'
import type {
  KeyedStream,
  LimitedStream,
  ProcessedStream,
  ShedStream,
  Stream,
  TailSampledStream,
  WindowedStream,
  WindowResult,
} from './stream.js'

const FUNCTION_OPTIONS = ['name', 'parallelism', 'onError']
const PROCESS_OPTIONS = ['parallelism', 'onError']
const BATCH_RECORDS_DEFAULT = 10_000

type Fn = (record: never) => unknown
type Details = Partial<Pick<NodeDraft, 'ports' | 'parallelismMax' | 'pinnedToHost' | 'delivery' | 'functions' | 'options' | 'dependency'>>

/** Every method that a user can type exists. */
type Methods<I> = { readonly [M in keyof I & string]: I[M] extends (...args: never) => unknown ? (...args: never) => unknown : unknown }

/** Both kinds of streams: where their records come from. */
class Declared {
  readonly draft: GraphDraft
  readonly upstreams: readonly Upstream[]

  constructor(draft: GraphDraft, upstreams: readonly Upstream[]) {
    this.draft = draft
    this.upstreams = upstreams
  }

  /** Adds a node that reads this stream. */
  add(
    name: NodeDraft['name'],
    spec: OperatorSpec,
    declaredAt: string | undefined,
    given: NamedOperatorOptions,
    details: Details = {},
  ): number {
    const { parallelism } = given
    this.draft.assertCurrent(this.draft.describe(this.upstreams), declaredAt)
    return this.draft.addNode({ name, spec, ports: ['out'], upstreams: this.upstreams, parallelism, declaredAt, ...details })
  }

  /** Adds a planned operator that reads this stream, and as its second input `other`. */
  addPlanned(
    name: string,
    { spec, ports = ['out'], options, functions, parallelismMax, warning, lossy, limit, dependency }: OperatorPlan,
    given: NamedOperatorOptions,
    other?: Declared,
    declaredAt: string | undefined = callSite(),
  ): number {
    const { parallelism } = given
    const upstreams = [...this.upstreams, ...(other?.upstreams ?? []).map((upstream) => ({ ...upstream, input: 1 }))]
    this.draft.assertCurrent(this.draft.describe(this.upstreams), declaredAt)
    if (other !== undefined) other.draft.assertCurrent(other.draft.describe(other.upstreams), declaredAt)
    const details = { options, functions, parallelismMax, warning, lossy, limit, dependency }
    return this.draft.addNode({ name: { given: name }, spec, ports: [...ports], upstreams, parallelism, declaredAt, ...details })
  }

  /** A port of a node that reads this stream; `shape` where it is known; `timed` where it is not as this stream is. */
  outputOf(node: number, port: number, shape?: object, timed?: boolean): readonly Upstream[] {
    const whole = timed ?? this.fullyTimed
    return [{ from: { node, port }, partitioning: undefined, keyOf: undefined, shape, timed: timed ?? this.timed, fullyTimed: whole }]
  }

  get timed(): boolean {
    return this.upstreams.some(({ timed }) => timed)
  }

  /** Every record has a timestamp. */
  get fullyTimed(): boolean {
    return this.upstreams.every(({ timed, fullyTimed = timed }) => fullyTimed)
  }

  /** The shape of the records where all of them have the same. */
  get shape(): object | undefined {
    const [first, ...others] = this.upstreams
    return others.every(({ shape }) => shape === first?.shape) ? first?.shape : undefined
  }
}

export class DeclaredStream extends Declared implements Methods<Stream<unknown>> {
  map(fn: Fn, options: FunctionOptions = {}): DeclaredStream {
    checkFunction('map', fn)
    checkOptions('map', options, FUNCTION_OPTIONS)
    checkErrorPolicy('map', options.onError)
    return this.#elementwise('map', { kind: 'map', fn, onError: options.onError }, callSite(), options)
  }

  select(...fields: readonly string[]): DeclaredStream {
    const declaredAt = callSite()
    const [pending, ...others] = new Set(this.upstreams.map(({ partitioning }) => partitioning))
    const spec: OperatorSpec = { kind: 'select', fields }
    if (pending === undefined || others.length > 0) {
      const node = this.add({ like: 'select' }, spec, declaredAt, {})
      return new DeclaredStream(this.draft, this.outputOf(node, 0, selectShape(this.shape, fields)))
    }
    // The projection goes in front of the exchange that was asked for: what nobody reads is not sent.
    const before = new DeclaredStream(
      this.draft,
      this.upstreams.map((upstream) => ({ ...upstream, partitioning: undefined })),
    )
    const node = before.add({ like: 'select' }, spec, declaredAt, {})
    const after = before.outputOf(node, 0, selectShape(this.shape, fields))
    return new DeclaredStream(
      this.draft,
      after.map((upstream) => ({ ...upstream, partitioning: pending })),
    )
  }

  filter(fn: Fn, options: FunctionOptions = {}): DeclaredStream {
    checkFunction('filter', fn)
    checkOptions('filter', options, FUNCTION_OPTIONS)
    checkErrorPolicy('filter', options.onError)
    return this.#elementwise('filter', { kind: 'filter', fn, onError: options.onError }, callSite(), options, this.shape)
  }

  flatMap(fn: Fn, options: FunctionOptions = {}): DeclaredStream {
    checkFunction('flatMap', fn)
    checkOptions('flatMap', options, FUNCTION_OPTIONS)
    checkErrorPolicy('flatMap', options.onError)
    const spec: OperatorSpec = { kind: 'flatMap', fn: fn as (record: never) => Iterable<unknown>, onError: options.onError }
    return this.#elementwise('flatMap', spec, callSite(), options)
  }

  withTimestamps(fn: (record: never) => number | Date, options: TimestampOptions = {}): DeclaredStream {
    checkFunction('withTimestamps', fn)
    const { spec, options: shown, functions } = planTimestamps(fn, options)
    const node = this.add(nameOf('timestamps', options), spec, callSite(), options, { options: shown, functions })
    return new DeclaredStream(this.draft, this.outputOf(node, 0, this.shape, true))
  }

  mapAsync(name: string, fn: (record: never, context: AsyncContext) => unknown, options: MapAsyncOptions = {}): DeclaredStream {
    checkFunction(`mapAsync ${name}`, fn)
    const { spec: calls, ...details } = planCalls(name, fn, options, ['ordered', 'parallelism'])
    const { ordered = true } = options
    checkChoice(`ordered of ${name}`, ordered, [true, false])
    const spec: OperatorSpec = { kind: 'async', fn, ...calls, ordered, discardsResults: false, mayChain: false }
    const node = this.add({ given: name }, spec, callSite(), options, details)
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  union(...streams: readonly DeclaredStream[]): DeclaredStream {
    const declaredAt = callSite()
    const upstreams = [...this.upstreams]
    this.draft.assertCurrent(this.draft.describe(this.upstreams), declaredAt)
    for (const stream of streams) {
      if (!(stream instanceof DeclaredStream)) throw new SluiceError('SLUICE_OPTIONS_INVALID', 'union takes streams', { declaredAt })
      stream.draft.assertCurrent(stream.draft.describe(stream.upstreams), declaredAt)
      upstreams.push(...stream.upstreams)
    }
    return new DeclaredStream(this.draft, upstreams)
  }

  split(outputs: Readonly<Record<string, Fn>>, options: FunctionOptions = {}): Readonly<Record<string, DeclaredStream>> {
    const names = Object.keys(outputs)
    for (const name of names) checkFunction(`output ${name} of split`, outputs[name])
    checkOptions('split', options, FUNCTION_OPTIONS)
    checkErrorPolicy('split', options.onError)
    if (names.includes('rest')) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', "an output of split must not be named 'rest': that is what the others leave over")
    }
    if (names.includes('deadLetters')) {
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        "an output of split must not be named 'deadLetters': those are the records on which a predicate failed",
      )
    }
    const ports = [...names, 'rest']
    const spec: OperatorSpec = { kind: 'split', predicates: Object.values(outputs), onError: options.onError }
    const node = this.add(nameOf('split', options), spec, callSite(), options, { ports })
    const streams = ports.map((name, port): [string, DeclaredStream] => [
      name,
      new DeclaredStream(this.draft, this.outputOf(node, port, this.shape)),
    ])
    if (options.onError === 'deadLetter') streams.push(['deadLetters', this.#lettersOf(node)])
    return Object.fromEntries(streams)
  }

  keyBy(keyOf: Fn, options: KeyByOptions = {}): DeclaredKeyedStream {
    checkFunction('keyBy', keyOf)
    checkOptions('keyBy', options, ['partitioned'])
    const { partitioned } = options
    const upstreams = this.upstreams.map((upstream) => ({ ...upstream, partitioning: 'hash' as const, partitioned, keyOf }))
    return new DeclaredKeyedStream(this.draft, upstreams, keyOf)
  }

  rebalance(): DeclaredStream {
    return this.#partitioned('rebalance')
  }

  broadcast(): DeclaredStream {
    return this.#partitioned('broadcast')
  }

  batch(name: string, options: BatchOptions): DeclaredStream {
    checkKeeping(`batch ${name}`, options, ['records', 'time'])
    const { records, time } = options
    if (records === undefined && time === undefined) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `batch ${name} needs a bound: records, time or both`)
    }
    const recordsMax = records ?? BATCH_RECORDS_DEFAULT
    checkInteger(`records of ${name}`, recordsMax, 1)
    const timeMs = time === undefined ? undefined : parseDuration(time, `time of ${name}`)
    const spec: OperatorSpec = { kind: 'general', create: (context) => new BatchOperator(context, recordsMax, timeMs) }
    const node = this.add({ given: name }, spec, callSite(), options, { options: { type: 'batch', records: recordsMax, timeMs } })
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  windowAll(assigner: WindowAssigner<never>, options: WindowOptions = {}): DeclaredWindowedStream {
    return new DeclaredWindowedStream(this.draft, this.upstreams, { keyOf: undefined, assigner, options, timed: this.fullyTimed })
  }

  lookupJoin(
    name: string,
    table: Source<unknown> | AnyFunction,
    fn: Fn,
    options: LookupOptions<never, never, unknown> | AsyncLookupOptions<never, unknown>,
  ): DeclaredStream {
    const node = this.addPlanned(name, planLookupJoin(name, table, fn, options), options)
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  connectBroadcast(name: string, other: DeclaredStream, handlers: LooseStatefulHandlers, options: ProcessOptions = {}): DeclaredProcess {
    checkOther(`connectBroadcast ${name}`, other, DeclaredStream, 'a stream')
    const plan = planConnectBroadcast(name, undefined, handlers, this.fullyTimed)
    const node = this.addPlanned(name, withPolicy(name, plan, options), options, other.broadcast())
    return new DeclaredProcess(this.draft, this.outputOf(node, 0))
  }

  rateLimit(name: string, options: LooseLimitOptions | undefined): DeclaredLimited {
    const signal = options?.rate instanceof DeclaredStream ? options.rate : undefined
    const plan = planRateLimit(name, options, signal !== undefined)
    const { keyOf } = plan
    const upstreams =
      keyOf === undefined ? this.upstreams : this.upstreams.map((each) => ({ ...each, partitioning: 'hash' as const, keyOf }))
    // What says the rate has no part in event time.
    const rates = signal === undefined ? undefined : new Declared(signal.draft, signal.broadcast().upstreams.map(untimed))
    const node = new Declared(this.draft, upstreams).addPlanned(name, plan, options ?? {}, rates, callSite())
    return new DeclaredLimited(this.draft, this.outputOf(node, 0, this.shape))
  }

  shed(name: string, policy: ShedPolicy<never> | Spill, options: NamedOperatorOptions = {}): DeclaredShed {
    const declaredAt = callSite()
    checkKeeping(`shed ${name}`, options)
    const plan = planShed(name, policy)
    if (plan.directory !== undefined) this.draft.claimOutput(plan.directory, name, declaredAt)
    const { keyOf } = plan
    const upstreams = this.upstreams.map((upstream) => ({ ...upstream, partitioning: 'hash' as const, keyOf }))
    const input = keyOf === undefined ? this : new DeclaredStream(this.draft, upstreams)
    const node = input.addPlanned(name, plan, options, undefined, declaredAt)
    return new DeclaredShed(this.draft, this.outputOf(node, 0, this.shape))
  }

  process(name: string, handlers: AnyFunction | LooseHandlers, options: ProcessOptions = {}): DeclaredProcess {
    const { spec, details } = processSpec(name, handlers, undefined, options)
    const node = this.add({ given: name }, spec, callSite(), options, details)
    return new DeclaredProcess(this.draft, this.outputOf(node, 0))
  }

  /** Where its operator gives dead letters. */
  get deadLetters(): DeclaredStream {
    const from = this.upstreams[0]?.from
    if (from === undefined || from === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'a stream has no operator')
    return this.#lettersOf(from.node)
  }

  #lettersOf(node: number): DeclaredStream {
    this.draft.assertCurrent(this.draft.describe(this.upstreams), callSite())
    return new DeclaredStream(this.draft, this.outputOf(node, this.draft.lettersOf(node), undefined, false))
  }

  sink(name: string, sink: Sink<never>, options: SinkOptions = {}): { readonly deadLetters: DeclaredStream } | undefined {
    const declaredAt = callSite()
    const given: unknown = sink
    if (typeof given !== 'object' || given === null || !('spec' in given)) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `sink ${name} needs a sink such as print() or toJsonLines(path)`, { declaredAt })
    }
    checkOptions(`sink ${name}`, options, ['parallelism'])
    const { spec, parallelismMax, pinnedToHost, delivery, functions, dependency } = sink
    const path = sink.options['path']
    if (typeof path === 'string') this.draft.claimOutput(path, name, declaredAt)
    const node = this.add({ given: name }, spec, declaredAt, options, {
      ports: [],
      parallelismMax,
      pinnedToHost,
      delivery,
      functions,
      dependency,
      options: sink.options,
    })
    return sink.onError === 'deadLetter' ? { deadLetters: this.#lettersOf(node) } : undefined
  }

  through<R>(fn: (stream: DeclaredStream) => R): R {
    checkFunction('through', fn)
    return fn(this)
  }

  #elementwise(like: string, spec: OperatorSpec, declaredAt: string | undefined, options: OperatorOptions, shape?: object): DeclaredStream {
    const node = this.add(nameOf(like, options), spec, declaredAt, options)
    return new DeclaredStream(this.draft, this.outputOf(node, 0, shape))
  }

  #partitioned(partitioning: 'rebalance' | 'broadcast'): DeclaredStream {
    return new DeclaredStream(
      this.draft,
      this.upstreams.map((upstream) => ({ ...upstream, partitioning, keyOf: undefined })),
    )
  }
}

class DeclaredProcess extends DeclaredStream implements Methods<ProcessedStream<unknown>> {
  sideOutput(tag: SideOutputTag<never>): DeclaredStream {
    const declaredAt = callSite()
    this.draft.assertCurrent(this.draft.describe(this.upstreams), declaredAt)
    const main = this.upstreams[0]?.from
    if (main === undefined || main === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'a process operator has no main output')
    return new DeclaredStream(this.draft, this.outputOf(main.node, this.draft.portOf(main.node, tag.tag)))
  }
}

class DeclaredShed extends DeclaredStream implements Methods<ShedStream<unknown>> {
  get dropped(): DeclaredStream {
    const main = this.upstreams[0]?.from
    if (main === undefined || main === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'a shed has no main output')
    return new DeclaredStream(this.draft, this.outputOf(main.node, this.draft.portOf(main.node, DROPPED_PORT), this.shape))
  }
}

class DeclaredWindowResult extends DeclaredProcess implements Methods<WindowResult<unknown, unknown>> {
  get late(): DeclaredStream {
    const main = this.upstreams[0]?.from
    if (main === undefined || main === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'an operator by time has no main output')
    return new DeclaredStream(this.draft, this.outputOf(main.node, this.draft.portOf(main.node, LATE_PORT)))
  }
}

class DeclaredLimited extends DeclaredStream implements Methods<LimitedStream<unknown>> {
  get dropped(): DeclaredStream {
    const main = this.upstreams[0]?.from
    if (main === undefined || main === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'a limit has no main output')
    return new DeclaredStream(this.draft, this.outputOf(main.node, this.draft.portOf(main.node, DROPPED), this.shape))
  }
}

class DeclaredTailSample extends DeclaredStream implements Methods<TailSampledStream<unknown>> {
  get dropped(): DeclaredStream {
    const main = this.upstreams[0]?.from
    if (main === undefined || main === 'deadLetters') throw new SluiceError('SLUICE_ASSERTION', 'a tail sample has no main output')
    return new DeclaredStream(this.draft, this.outputOf(main.node, this.draft.portOf(main.node, DROPPED), this.shape, false))
  }
}

/** The port of records that an operator drops on purpose. */
const DROPPED = 'dropped'

/** The port of late records: number 1 of every operator that has one. */
const LATE_PORT = 'late'

class DeclaredWindowedStream extends Declared implements Methods<WindowedStream<unknown, unknown>> {
  readonly #input: WindowInput

  constructor(draft: GraphDraft, upstreams: readonly Upstream[], input: WindowInput) {
    super(draft, upstreams)
    this.#input = input
  }

  aggregate(
    name: string,
    aggregators: Readonly<Record<string, Aggregator<never, unknown>>>,
    options: NamedOperatorOptions = {},
  ): DeclaredWindowResult {
    checkAggregateNames(name, aggregators)
    checkKeeping(`aggregate ${name}`, options)
    return this.#result(name, planWindowAggregate(name, this.#input, aggregators), options)
  }

  reduce(name: string, fn: Fn, options: NamedOperatorOptions = {}): DeclaredWindowResult {
    checkFunction(`reduce ${name}`, fn)
    checkKeeping(`reduce ${name}`, options)
    return this.#result(name, planWindowReduce(name, this.#input, fn), options)
  }

  process(name: string, fn: Fn, options: NamedOperatorOptions = {}): DeclaredWindowResult {
    checkFunction(`process ${name}`, fn)
    checkKeeping(`process ${name}`, options)
    return this.#result(name, planWindowProcess(name, this.#input, fn), options)
  }

  #result(name: string, plan: OperatorPlan, options: NamedOperatorOptions): DeclaredWindowResult {
    const node = this.addPlanned(name, plan, options)
    return new DeclaredWindowResult(this.draft, this.outputOf(node, 0, plan.shape))
  }
}

export class DeclaredKeyedStream extends Declared implements Methods<KeyedStream<unknown, unknown>> {
  readonly #keyOf: Fn

  constructor(draft: GraphDraft, upstreams: readonly Upstream[], keyOf: Fn) {
    super(draft, upstreams)
    this.#keyOf = keyOf
  }

  reduce(name: string, fn: (left: never, right: never) => unknown, options: RunningReduceOptions = {}): DeclaredStream {
    checkFunction(`reduce ${name}`, fn)
    checkKeeping(`reduce ${name}`, options, ['emit'])
    const emission = emissionOf(name, options.emit)
    const keyOf = this.#keyOf
    const spec: OperatorSpec = {
      kind: 'general',
      redistribution: 'union',
      create: (context) => createRunning(context, compileReduction(keyOf, fn), emission),
    }
    const details = { options: { type: 'reduce', emit: emission }, functions: [fn] }
    const node = this.add({ given: name }, spec, callSite(), options, details)
    return new DeclaredStream(this.draft, this.outputOf(node, 0, this.shape))
  }

  aggregate(
    name: string,
    aggregators: Readonly<Record<string, Aggregator<never, unknown>>>,
    options: RunningAggregateOptions = {},
  ): DeclaredStream {
    checkAggregateNames(name, aggregators)
    checkKeeping(`aggregate ${name}`, options, ['emit'])
    const emission = emissionOf(name, options.emit)
    const keyOf = this.#keyOf
    const spec: OperatorSpec = {
      kind: 'general',
      redistribution: 'union',
      create: (context) => createRunning(context, compileAggregators(keyOf, aggregators), emission),
    }
    const kinds = Object.fromEntries(Object.entries(aggregators).map(([result, { kind }]) => [result, kind]))
    const node = this.add({ given: name }, spec, callSite(), options, {
      options: { type: 'aggregate', emit: emission, aggregators: kinds },
      functions: Object.values(aggregators).flatMap(({ functions }) => functions),
    })
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  process(name: string, handlers: AnyFunction | LooseHandlers | LooseStatefulHandlers, options: ProcessOptions = {}): DeclaredProcess {
    if (typeof handlers === 'object' && handlers !== null && 'state' in handlers) {
      const stateful = this.addPlanned(
        name,
        withPolicy(name, planStatefulProcess(name, this.#keyOf, handlers, this.fullyTimed), options),
        options,
      )
      return new DeclaredProcess(this.draft, this.outputOf(stateful, 0))
    }
    const { spec, details } = processSpec(name, handlers as AnyFunction | LooseHandlers, this.#keyOf, options)
    const node = this.add({ given: name }, spec, callSite(), options, details)
    return new DeclaredProcess(this.draft, this.outputOf(node, 0))
  }

  window(assigner: WindowAssigner<never>, options: WindowOptions = {}): DeclaredWindowedStream {
    return new DeclaredWindowedStream(this.draft, this.upstreams, { keyOf: this.#keyOf, assigner, options, timed: this.fullyTimed })
  }

  coProcess(name: string, other: DeclaredKeyedStream, handlers: LooseStatefulHandlers, options: ProcessOptions = {}): DeclaredProcess {
    const { leftKeyOf, rightKeyOf, timed } = this.#joined(`coProcess ${name}`, other)
    const node = this.addPlanned(
      name,
      withPolicy(name, planCoProcess(name, leftKeyOf, rightKeyOf, handlers, timed), options),
      options,
      other,
    )
    return new DeclaredProcess(this.draft, this.outputOf(node, 0, undefined, timed))
  }

  connectBroadcast(name: string, other: DeclaredStream, handlers: LooseStatefulHandlers, options: ProcessOptions = {}): DeclaredProcess {
    checkOther(`connectBroadcast ${name}`, other, DeclaredStream, 'a stream')
    const plan = planConnectBroadcast(name, this.#keyOf, handlers, this.fullyTimed)
    const node = this.addPlanned(name, withPolicy(name, plan, options), options, other.broadcast())
    return new DeclaredProcess(this.draft, this.outputOf(node, 0))
  }

  windowJoin(name: string, other: DeclaredKeyedStream, fn: Fn, options: WindowJoinOptions<never>): DeclaredWindowResult {
    checkKeeping(`windowJoin ${name}`, options, ['window', 'allowedLateness'])
    return this.#timedJoin(name, other, planWindowJoin(name, this.#joined(`windowJoin ${name}`, other), fn, options), options)
  }

  intervalJoin(name: string, other: DeclaredKeyedStream, fn: Fn, options: IntervalJoinOptions): DeclaredWindowResult {
    checkKeeping(`intervalJoin ${name}`, options, ['before', 'after'])
    return this.#timedJoin(name, other, planIntervalJoin(name, this.#joined(`intervalJoin ${name}`, other), fn, options), options)
  }

  join(name: string, other: DeclaredKeyedStream, fn: Fn, options: JoinOptions | OuterJoinOptions<OuterJoin> = {}): DeclaredStream {
    const input = this.#joined(`join ${name}`, other)
    checkKeeping(`join ${name}`, options, ['type', 'ttl'])
    const plan = planJoin(name, input, fn, options)
    const node = this.addPlanned(name, plan, options, other)
    return new DeclaredStream(this.draft, this.outputOf(node, 0, plan.shape, input.timed))
  }

  temporalJoin(name: string, versions: DeclaredKeyedStream, fn: Fn, options: TemporalJoinOptions = {}): DeclaredWindowResult {
    checkKeeping(`temporalJoin ${name}`, options, ['type'])
    return this.#timedJoin(name, versions, planTemporalJoin(name, this.#joined(`temporalJoin ${name}`, versions), fn, options), options)
  }

  lookupJoin(
    name: string,
    table: Source<unknown> | AnyFunction,
    fn: Fn,
    options: KeyedLookupOptions<never, unknown> | KeyedAsyncLookupOptions = {},
  ): DeclaredStream {
    const given: unknown = options
    if (typeof given !== 'object' || given === null || 'on' in given) {
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        `lookupJoin ${name} takes an object of options without on: what is looked up is the key.`,
      )
    }
    const plan = planLookupJoin(name, table, fn, { ...(options as LookupOptions<never, never, unknown>), on: this.#keyOf })
    const node = this.addPlanned(name, plan, options)
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  dedupe(name: string, options: DedupeOptions = {}): DeclaredStream {
    checkKeeping(`dedupe ${name}`, options, ['ttl', 'time'])
    const node = this.addPlanned(name, planDedupe(name, this.#keyOf, this.fullyTimed, options), options)
    return new DeclaredStream(this.draft, this.outputOf(node, 0, this.shape))
  }

  tailSample(name: string, options: TailSampleOptions<never>): DeclaredTailSample {
    const node = this.addPlanned(name, planTailSample(name, this.#keyOf, options), options)
    // Records leave long after event time has passed them.
    return new DeclaredTailSample(this.draft, this.outputOf(node, 0, this.shape, false))
  }

  topN(name: string, n: number, compare: Fn, options: TopNOptions = {}): DeclaredStream {
    checkFunction(`compare of topN ${name}`, compare)
    checkKeeping(`topN ${name}`, options, ['emit', 'ttl'])
    const node = this.addPlanned(name, planTopN(name, this.#keyOf, n, compare, options), options)
    return new DeclaredStream(this.draft, this.outputOf(node, 0))
  }

  #joined(what: string, other: DeclaredKeyedStream): JoinInput {
    checkOther(what, other, DeclaredKeyedStream, 'a keyed stream: call keyBy on it first')
    return { leftKeyOf: this.#keyOf, rightKeyOf: other.#keyOf, timed: this.fullyTimed && other.fullyTimed }
  }

  #timedJoin(name: string, other: DeclaredKeyedStream, plan: OperatorPlan, options: NamedOperatorOptions): DeclaredWindowResult {
    const node = this.addPlanned(name, plan, options, other)
    return new DeclaredWindowResult(this.draft, this.outputOf(node, 0, plan.shape))
  }
}

function untimed(upstream: Upstream): Upstream {
  return { ...upstream, timed: false, fullyTimed: false }
}

function checkOther(what: string, other: unknown, kind: new (...args: never) => unknown, needed: string): void {
  if (other instanceof kind) return
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} needs ${needed}`, { declaredAt: callSite() })
}

function emissionOf(name: string, emit: Emission = 'update'): EmissionMs {
  return emit === 'update' || emit === 'end' ? emit : parseDuration(emit, `emit of ${name}`)
}

function checkAggregateNames(name: string, aggregators: Readonly<Record<string, unknown>>): void {
  for (const reserved of ['key', 'window']) {
    if (!Object.hasOwn(aggregators, reserved)) continue
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `an aggregate of ${name} must not be named '${reserved}'`)
  }
}

/** The plan of an operator whose handlers are the user's, with what happens to records on which they throw. */
function withPolicy(name: string, plan: OperatorPlan, options: ProcessOptions): OperatorPlan {
  const onError = policyOf(`${plan.options?.['type']} ${name}`, options)
  return plan.spec.kind === 'general' ? { ...plan, spec: { ...plan.spec, onError } } : plan
}

function policyOf(what: string, options: ProcessOptions): ProcessOptions['onError'] {
  checkOptions(what, options, PROCESS_OPTIONS)
  checkErrorPolicy(what, options.onError)
  return options.onError
}

/** Options of an operator that keeps what it has seen. A record on which it fails would leave it half changed, so `onError` is none of them. */
function checkKeeping(what: string, options: NamedOperatorOptions & ErrorOptions, known: readonly string[] = []): void {
  if (typeof options === 'object' && options?.onError !== undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what} has no option onError.`, {
      hint: 'Sort out what it would fail on in front of it, with a filter or a map that has onError.',
    })
  }
  checkOptions(what, options, [...known, 'parallelism'])
}

function nameOf(like: string, { name }: OperatorOptions): NodeDraft['name'] {
  return name === undefined ? { like } : { given: name }
}

function processSpec(
  name: string,
  given: AnyFunction | LooseHandlers,
  keyOf: Fn | undefined,
  options: ProcessOptions,
): { readonly spec: OperatorSpec; readonly details: Details } {
  const onError = policyOf(`process ${name}`, options)
  const handlers: LooseHandlers = typeof given === 'function' ? { onRecord: given } : given
  const functions: AnyFunction[] = []
  for (const handler of ['onStart', 'onRecord', 'onEnd'] as const) {
    if (handler !== 'onRecord' && handlers[handler] === undefined) continue
    checkFunction(`process ${name}: ${handler}`, handlers[handler])
    functions.push(handlers[handler] as AnyFunction)
  }
  return {
    spec: { kind: 'general', redistribution: 'union', create: (context) => new ProcessOperator(context, handlers, keyOf), onError },
    details: { options: { type: 'process' }, functions },
  }
}

/** The implementation as users see it. The types carry rules that a class cannot state, so this is the one place where they meet. */
export function asStream<T, C extends Caveat>(stream: DeclaredStream): Stream<T, C> {
  return stream as unknown as Stream<T, C>
}
