/**
 * Puts a subtask together: its channels, encoders and decoders, contexts and drivers, from the plan and the graph. Runs once per
 * subtask on the thread that owns it, before anything is opened.
 */
import { ConsumerMetrics, ProducerMetrics } from '../channel/channel-metrics.js'
import type { WindowLimits } from '../channel/credit-window.js'
import { Gate } from '../channel/gate.js'
import type { InputChannel } from '../channel/input-channel.js'
import { createLocalChannel, type LocalInput, type LocalOutput } from '../channel/local-channel.js'
import type { OutputChannel } from '../channel/output-channel.js'
import { RingInput } from '../channel/ring-input.js'
import { windowBytesMax, windowBytesMin } from '../channel/ring-layout.js'
import type { ChannelIdentity } from '../channel/channel-slice.js'
import { RingOutput } from '../channel/ring-output.js'
import type { RecordEncoder, RecordShape } from '../codec/index.js'
import { createDecoderCache, createRecordDecoder, createRecordEncoder } from '../codec/index.js'
import { groupsOf } from '../checkpoint/redistribute.js'
import type { ThreadCheckpoints } from '../checkpoint/thread-checkpoints.js'
import { Doorbell } from '../control/control-layout.js'
import type { Environment } from '../environment/environment.js'
import { assert, describeError, SluiceError } from '../errors/sluice-error.js'
import { edgeName, type LogicalEdge, type LogicalGraph, type LogicalNode } from '../graph/logical-graph.js'
import type { HostBindings } from '../graph/operator-context.js'
import type { AsyncSpec } from '../graph/operator-spec.js'
import { hashKey, keyGroupOf, subtaskOf } from '../key/index.js'
import { CallWords } from '../metrics/call-words.js'
import { DropCounts } from '../metrics/drop-counts.js'
import { isObserved, MetricsOfOperator } from '../metrics/observed-operator.js'
import { ChannelWord, type MetricLayout, OperatorWord, SubtaskWord } from '../metrics/metric-layout.js'
import type { PhysicalPlan, PlannedChannel, PlannedEdge, PlannedSubtask, PlannedTask } from '../plan/physical-plan.js'
import { windowTargetOf } from '../plan/edge-settings.js'
import { shareOf } from '../plan/share-of.js'
import type { ResolvedSettings } from '../plan/settings.js'
import { alignmentOf, isUnbounded, readsUnbounded } from '../plan/time-facts.js'
import { StateRegistry } from '../state/state-registry.js'
import { SubtaskAccounting } from './accounting.js'
import { Alignment } from './alignment.js'
import { AsyncTable } from './async-table.js'
import { type ChainDrivers, type ChainNode, type ChainTarget, compileChain, type Sampling } from './chain-drivers.js'
import { createEmit, type Emit } from './edge-output.js'
import { Expansion } from './expansion.js'
import { GuardContexts, threadsOf } from './guard-context.js'
import { interpretChain } from './interpret-chain.js'
import { type ContextHost, OperatorContexts } from './operator-contexts.js'
import { DEAD_LETTERS_PORT, RecordFailures } from './record-failures.js'
import type { SharedRegions } from './shared-regions.js'
import { SinkBuffer, type WriteTiming } from './sink-buffer.js'
import { InputSelection } from './input-selection.js'
import { IndexSource, type SourceDriver, SplitSource } from './source-driver.js'
import { restoreReplays, type ReplayedEdge } from './restore-replays.js'
import { Subtask, type SubtaskCheckpointing } from './subtask.js'
import { WatermarkTracker } from './watermark-tracker.js'

/** What all subtasks of one thread share. */
export interface ThreadParts {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly shared: SharedRegions
  readonly layout: MetricLayout
  readonly metrics: Float64Array
  readonly environment: Environment
  readonly resources: ReadonlyMap<string, unknown>
  readonly bindings: HostBindings | undefined
  readonly overwrite: boolean
  readonly checkpoints: ThreadCheckpoints | undefined
  readonly signal: AbortSignal
  /** Aborted on a stop too. */
  readonly sourceSignal: AbortSignal
  /** Local channels by id, made by whichever side is built first. */
  readonly local: Map<number, { output: LocalOutput; input: LocalInput }>
  /** The gates of the thread's subtasks, by id: a local channel closes its producer's. */
  readonly gates: Map<number, Gate>
  /** What guards of calls have in common, by key. */
  readonly shares: Map<string, unknown>
  /** Wakes the loop of this thread. */
  readonly wake: () => void
}

/** Asking the system costs much more than a record. */
const RESIDENT_PERIOD_MS = 100
/** Smallest window of a local edge. */
const LOCAL_WINDOW_BYTES_MIN = 4096

export interface BuiltSubtask {
  readonly subtask: Subtask
  readonly contexts: readonly OperatorContexts[]
}

export function buildSubtask(thread: ThreadParts, planned: PlannedSubtask): BuiltSubtask {
  return new SubtaskBuilder(thread, planned).build()
}

class SubtaskBuilder {
  readonly #thread: ThreadParts
  readonly #planned: PlannedSubtask
  readonly #nodes: readonly LogicalNode[]
  readonly #positions: ReadonlyMap<number, number>
  readonly #parallelism: number
  /** Counts outputs without credit. */
  readonly #gate: Gate
  /** Counts what keeps the chain from taking records: the same, but where the head holds records back by itself. */
  readonly #intake: Gate
  /** Counts outputs without credit that stop nothing. */
  readonly #aside = new Gate()
  /** By position and port. */
  readonly #outputsOfPort: OutputChannel[][][] = []
  #inputHeld = false
  readonly #contexts: OperatorContexts[] = []
  readonly #outputs: OutputChannel[] = []
  /** Those that stop the chain where they have no credit. */
  readonly #binding: OutputChannel[] = []
  readonly #outputsOf: OutputChannel[][] = []
  #subtask: Subtask | undefined
  #accounting: SubtaskAccounting | undefined
  #drivers: ChainDrivers | undefined

  constructor(thread: ThreadParts, planned: PlannedSubtask) {
    this.#thread = thread
    this.#planned = planned
    const task = thread.plan.tasks[planned.task]
    assert(task !== undefined, `subtask ${planned.id} has no task`)
    this.#nodes = task.nodes.map((id) => thread.graph.nodes[id] as LogicalNode)
    this.#positions = new Map(task.nodes.map((id, position) => [id, position]))
    this.#parallelism = task.parallelism
    this.#gate = gateOf(thread, planned.id)
    const head = this.#nodes[0]?.spec
    this.#intake = head?.kind === 'general' && head.holds === true ? new Gate() : this.#gate
  }

  build(): BuiltSubtask {
    const { environment, layout, metrics } = this.#thread
    const { clock } = environment
    const { id } = this.#planned
    const accounting = new SubtaskAccounting(metrics, layout.subtaskAt(id), clock.monotonicMs())
    this.#accounting = accounting
    const host = this.#contextHost(accounting)
    this.#nodes.forEach((node, position) =>
      this.#contexts.push(
        new OperatorContexts(host, node.name, position, node.spec.kind === 'source' ? this.#thread.sourceSignal : this.#thread.signal),
      ),
    )
    const nodes = this.#nodes.map((node, position) => this.#chainNode(node, position))
    const inputs = this.#inputs()
    const sampling = this.#sampling()
    const headEdges = this.#thread.plan.tasks[this.#planned.task]?.inputs ?? []
    const parts = {
      nodes,
      gate: this.#intake,
      timed: headEdges.some((edge) => this.#thread.plan.edges[edge]?.timed === true),
      inputs: Math.max(1, ...headEdges.map((edge) => this.#logicalEdge(edge).to.input + 1)),
      fail: this.#fail,
      sampling,
    }
    const drivers = environment.codeGeneration ? compileChain(parts) : interpretChain(parts)
    this.#drivers = drivers
    nodes.forEach((node, position) => node.table?.connect(drivers.push[position] ?? (() => {})))
    const windowLimits = inputs.map((input) => this.#adaptiveWindow(this.#thread.plan.channels[input.id] as PlannedChannel))
    const source = this.#source(drivers, accounting, nodes)
    const subtask = new Subtask({
      id,
      name: `${this.#thread.plan.tasks[this.#planned.task]?.name} (subtask ${this.#planned.index})`,
      nodes,
      gate: this.#gate,
      intake: this.#intake,
      aside: this.#aside,
      clock,
      inputs,
      selection: this.#selection(inputs),
      timeInputs: this.#timeInputs(inputs),
      outputs: this.#outputs,
      binding: this.#binding,
      outputsOf: this.#outputsOf,
      parents: parentsOf(nodes),
      states: this.#states.filter((state) => state !== undefined),
      drivers,
      source,
      checkpoints: this.#checkpointing(nodes, inputs, source),
      mayIdle: this.#mayIdle(),
      alignment: this.#alignment(),
      accounting,
      sampling,
      fail: this.#fail,
      windowLimits,
      warn: (message, error) =>
        environment.log({
          level: 'warn',
          message: `${message}: ${describeError(error)}`,
          operator: this.#nodes[0]?.name,
          subtask: this.#planned.index,
        }),
    })
    this.#subtask = subtask
    return { subtask, contexts: this.#contexts }
  }

  /** Throws, with the coordinates of the operator at a position. */
  readonly #fail = (position: number, error: unknown): never => {
    this.#located = this.#locate(position, error)
    throw this.#located
  }

  /** The error under way from an operator that has failed: no policy of one in front of it is for that. */
  #located: SluiceError | undefined

  #locate(position: number, error: unknown): SluiceError {
    const node = this.#nodes[position]
    const coordinates = { job: this.#thread.graph.job, operator: node?.name, subtask: this.#planned.index, declaredAt: node?.declaredAt }
    if (error instanceof SluiceError) return error.at(coordinates)
    const kind = node?.spec.kind
    const code = kind === 'sink' ? 'SLUICE_SINK_FAILED' : 'SLUICE_OPERATOR_FAILED'
    return new SluiceError(code, `${node?.name} (subtask ${this.#planned.index}) threw ${describeError(error)}`, {
      ...coordinates,
      cause: error,
    })
  }

  #contextHost(accounting: SubtaskAccounting): ContextHost {
    const { environment, graph, resources, overwrite, bindings } = this.#thread
    const { clock } = environment
    return {
      job: graph.job,
      subtask: { index: this.#planned.index, parallelism: this.#parallelism },
      environment,
      resources,
      overwrite,
      run: this.#thread.checkpoints?.run,
      bindings,
      keyGroups: this.#thread.plan.keyGroups,
      watermark: (position) => this.#subtask?.watermarkAt(position) ?? Number.NEGATIVE_INFINITY,
      countLate: (position, count) => {
        const { metrics, layout } = this.#thread
        const at = layout.operatorAt(this.#planned.id, position) + OperatorWord.lateRecords
        metrics[at] = (metrics[at] as number) + count
        accounting.add(SubtaskWord.lateRecords, count)
      },
      stateOf: (position) => {
        let state = this.#states[position]
        if (state === undefined) this.#states[position] = state = new StateRegistry()
        return state
      },
      setDeadline: (position, timeMs) =>
        this.#subtask?.setDeadline(position, timeMs === undefined ? undefined : clock.monotonicMs() + Math.max(0, timeMs - clock.nowMs())),
      countDropped: (position, count, reason) => {
        accounting.add(SubtaskWord.dropped, count)
        this.#drops(position).add(reason, count)
      },
      deadLetter: (position, record, error) => {
        const failures = this.#sinkFailures[position]
        if (failures?.owns(error) !== true) throw error
        const letter = failures.letterOf(error, record, { timestamp: Number.NaN })
        const sink = this.#sinks[position]
        if (letter === undefined || sink === undefined || this.#lettersPort(this.#nodes[position] as LogicalNode) === undefined) return
        sink.addLetter(letter)
        this.#thread.wake()
      },
      fail: (position, error) => this.#failLater(position, error),
      emit: (position, value, timestamp, port) => this.#drivers?.push[position]?.(value, timestamp, port),
      hasCredit: (position, port) => {
        const outputs = this.#outputsOfPort[position]?.[port]
        if (outputs !== undefined) for (let at = 0; at < outputs.length; at++) if (outputs[at]?.blocked === true) return false
        return true
      },
      holdInput: (held, input) => {
        this.#subtask?.holdOnly(held ? input : undefined)
        if (held === this.#inputHeld) return
        assert(this.#intake !== this.#gate, `${this.#nodes[0]?.name} holds its input, and does not say that it holds records back`)
        this.#inputHeld = held
        this.#intake.closed += held ? 1 : -1
      },
      passWatermark: (watermark, idle) => this.#subtask?.passWatermark(watermark, idle),
      residentBytes: () => this.#residentBytes(),
      sizeOf: (value) => {
        this.#sizes ??= createRecordEncoder({
          seed: undefined,
          knownKeys: undefined,
          onDefine: () => {},
          maxRecordBytes: this.#thread.settings.maxRecordBytes,
          generate: environment.codeGeneration,
        })
        return this.#sizes.sizeOf(value)
      },
      countError: (position) => {
        const { metrics, layout } = this.#thread
        const at = layout.operatorAt(this.#planned.id, position) + OperatorWord.errors
        metrics[at] = (metrics[at] as number) + 1
      },
      observe: (operator) => {
        const { plan, layout, metrics } = this.#thread
        return new MetricsOfOperator(graph, plan, layout, metrics, operator)
      },
      expand: (position, values, timestamp) => {
        const expansion = this.#expansions[position]
        if (expansion?.begin(values, timestamp) === true) this.#drivers?.expand[position]?.()
      },
    }
  }

  #drops(position: number): DropCounts {
    const { metrics, layout } = this.#thread
    return (this.#dropCounts[position] ??= new DropCounts(metrics, layout.dropsAt(this.#planned.id, position)))
  }

  #resident: number = Number.NaN
  #residentAtMs: number = Number.NEGATIVE_INFINITY

  #residentBytes(): number {
    const { clock, residentBytes } = this.#thread.environment
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#residentAtMs >= RESIDENT_PERIOD_MS) {
      this.#residentAtMs = nowMs
      this.#resident = residentBytes?.() ?? Number.NaN
    }
    return this.#resident
  }

  #sizes: RecordEncoder | undefined
  /** By position: what its operator lost. */
  readonly #dropCounts: (DropCounts | undefined)[] = []
  /** By position: what guards of calls say of them. */
  readonly #calls: (CallWords | undefined)[] = []
  /** By position: its dead letters by code. */
  readonly #letterCounts: (DropCounts | undefined)[] = []
  readonly #expansions: (Expansion | undefined)[] = []
  /** By position: sinks, and what becomes of records that they cannot write. */
  readonly #sinks: (SinkBuffer | undefined)[] = []
  readonly #sinkFailures: (RecordFailures | undefined)[] = []
  /** By position: the keyed state of its operator. */
  readonly #states: (StateRegistry | undefined)[] = []

  #chainNode(node: LogicalNode, position: number): ChainNode {
    const { spec } = node
    const context = this.#contexts[position] as OperatorContexts
    const expansion = spec.kind === 'flatMap' || spec.kind === 'general' ? new Expansion() : undefined
    this.#expansions[position] = expansion
    const call = spec.kind === 'async' ? this.#call(spec, node, position) : undefined
    const failures = this.#failures(node, position)
    if (spec.kind === 'sink') this.#sinkFailures[position] = failures
    return {
      node,
      targets: node.ports.map((_, port) => this.#targets(node, port)),
      expansion,
      tracker:
        spec.kind === 'timestamps'
          ? new WatermarkTracker(spec.watermarks, this.#thread.environment.clock.monotonicMs(), (error) => this.#fail(position, error))
          : undefined,
      operator: spec.kind === 'general' ? this.#guard(position, () => spec.create(context)) : undefined,
      table:
        spec.kind === 'async'
          ? new AsyncTable({
              operator: node.name,
              sharesContext: spec.guard === undefined && spec.fn.length === 1 && spec.fn.constructor.name === 'Function',
              limit: spec.concurrency === undefined ? 1 : Math.max(1, shareOf(spec.concurrency, this.#parallelism, this.#planned.index)),
              ordered: spec.ordered,
              // A guard has a timeout for each attempt; between them a record may wait for as long as it must.
              timeoutMs: spec.guard === undefined ? spec.timeoutMs : Number.POSITIVE_INFINITY,
              discardsResults: spec.discardsResults,
              gate: this.#gate,
              monotonicMs: () => this.#thread.environment.clock.monotonicMs(),
              contextOf: (sequence) => context.asyncContext(sequence),
              wake: this.#thread.wake,
              fail: (error) => this.#failLater(position, error),
              completed: this.#completed(node, position),
              calls: this.#callWords(position),
              call: call as NonNullable<ChainNode['call']>,
              failures,
              lettersPort: this.#lettersPort(node),
              gathers: spec.gathers,
            })
          : undefined,
      call,
      failures,
      sink:
        spec.kind === 'sink'
          ? (this.#sinks[position] = new SinkBuffer(
              this.#guard(position, () => spec.create(context)),
              this.#gate,
              (error) => {
                if (error !== undefined) this.#failLater(position, error)
                this.#thread.wake()
              },
              this.#writeTiming(node, position),
            ))
          : undefined,
    }
  }

  /** undefined where calls are not guarded. */
  #callWords(position: number): CallWords | undefined {
    const { metrics, layout, environment } = this.#thread
    const at = layout.callsAt(this.#planned.id, position)
    return at === undefined ? undefined : (this.#calls[position] ??= new CallWords(metrics, at, () => environment.clock.monotonicMs()))
  }

  #call(spec: AsyncSpec, node: LogicalNode, position: number): NonNullable<ChainNode['call']> {
    const { guard } = spec
    if (guard === undefined) return spec.fn as NonNullable<ChainNode['call']>
    const { graph, plan, shares } = this.#thread
    const worker = this.#planned.worker
    const threads = threadsOf(graph, plan, node)
    const context = new GuardContexts(this.#contexts[position] as OperatorContexts, {
      calls: this.#callWords(position) as CallWords,
      shares,
      threads: { index: threads.indexOf(worker), count: threads.length },
    })
    return this.#guard(position, () => guard(context)) as NonNullable<ChainNode['call']>
  }

  #failures(node: LogicalNode, position: number): RecordFailures | undefined {
    const { spec, name } = node
    const policy = 'onError' in spec ? spec.onError : undefined
    if (policy === undefined || policy === 'fail') return undefined
    const { environment, signal } = this.#thread
    const context = this.#contexts[position] as OperatorContexts
    // A guard counts attempts; without one each is an attempt.
    const countsErrors = spec.kind !== 'async' || spec.guard === undefined
    const port = this.#lettersPort(node)
    return new RecordFailures({
      policy,
      operator: name,
      subtask: this.#planned.index,
      signal,
      nowMs: () => environment.clock.nowMs(),
      isLocated: (error) => error !== undefined && error === this.#located,
      countDropped: (reason) => {
        if (countsErrors) context.countError()
        context.countDropped(1, reason)
      },
      countLetter: (code) => {
        if (countsErrors) context.countError()
        this.#countLetter(position, code)
      },
      // Where nobody reads it, nothing is sent.
      sizeOf: (letter) => (port === undefined ? 0 : context.sizeOf(letter)),
      push: (letter, timestamp) => {
        if (port !== undefined) this.#drivers?.push[position]?.(letter, timestamp, port)
      },
    })
  }

  /** undefined: there is none, or nobody reads it. */
  #lettersPort({ id, ports }: LogicalNode): number | undefined {
    const port = ports.indexOf(DEAD_LETTERS_PORT)
    return this.#thread.graph.edges.some(({ from }) => from.node === id && from.port === port) ? port : undefined
  }

  #countLetter(position: number, code: string): void {
    this.#accounting?.add(SubtaskWord.deadLetters, 1)
    const { metrics, layout } = this.#thread
    const counts = (this.#letterCounts[position] ??= new DropCounts(metrics, layout.lettersAt(this.#planned.id, position)))
    counts.add(code, 1)
  }

  /** Adds to the words of an operator that another one observes. */
  #completed(node: LogicalNode, position: number): ((records: number, totalMs: number) => void) | undefined {
    const { graph, metrics, layout } = this.#thread
    if (!isObserved(graph, node.name)) return undefined
    const at = layout.operatorAt(this.#planned.id, position)
    return (records, totalMs) => {
      metrics[at + OperatorWord.completed] = (metrics[at + OperatorWord.completed] as number) + records
      metrics[at + OperatorWord.latencyMs] = (metrics[at + OperatorWord.latencyMs] as number) + totalMs
    }
  }

  #writeTiming(node: LogicalNode, position: number): WriteTiming | undefined {
    const completed = this.#completed(node, position)
    return completed === undefined ? undefined : { now: () => this.#thread.environment.clock.monotonicMs(), completed }
  }

  #guard<T>(position: number, make: () => T): T {
    try {
      return make()
    } catch (error) {
      return this.#fail(position, error)
    }
  }

  #failLater(position: number, error: unknown): void {
    this.#subtask?.failLater(this.#locate(position, error))
    this.#thread.wake()
  }

  /** Where a port leads: operators of the same chain, or edges to other tasks. */
  #targets(node: LogicalNode, port: number): ChainTarget[] {
    const { graph, plan } = this.#thread
    const targets: ChainTarget[] = []
    for (const edge of graph.edges) {
      if (edge.from.node !== node.id || edge.from.port !== port) continue
      const planned = plan.edges.find((candidate) => candidate.logical === edge.id)
      // One subtask owns every key.
      const checks = edge.partitioned === true && planned?.partitioning !== 'hash' && this.#parallelism > 1
      const checkKey = checks ? this.#keyCheck(edge) : undefined
      if (planned === undefined) targets.push({ position: this.#positions.get(edge.to.node) as number, checkKey })
      else targets.push({ emit: this.#emit(edge, planned), checkKey })
    }
    return targets
  }

  /** Whoever says that records lie where their key belongs is checked record by record: state of one key in two places would give wrong results. */
  #keyCheck(edge: LogicalEdge): (record: unknown) => void {
    const { keyGroups } = this.#thread.plan
    const { index } = this.#planned
    const parallelism = this.#parallelism
    const keyOf = edge.keyOf as (record: unknown) => unknown
    const to = this.#thread.graph.nodes[edge.to.node]
    return (record) => {
      const key = keyOf(record)
      if (subtaskOf(keyGroupOf(hashKey(key), keyGroups), parallelism, keyGroups) === index) return
      throw new SluiceError(
        'SLUICE_KEY_MISPLACED',
        `A record with the key ${describeKey(key)} came to subtask ${index} of ${to?.name}, where its key does not belong`,
        {
          operator: to?.name,
          declaredAt: to?.declaredAt,
        },
      )
    }
  }

  #emit(edge: LogicalEdge, planned: PlannedEdge): Emit {
    const { environment, plan, settings } = this.#thread
    const rings: RingOutput[] = []
    const encoder = createRecordEncoder({
      seed: edge.shape as RecordShape | undefined,
      knownKeys: planned.knownKeys,
      onDefine: (definition) => {
        for (const ring of rings) ring.define(definition)
      },
      maxRecordBytes: settings.maxRecordBytes,
      generate: environment.codeGeneration,
    })
    const channels = planned.channels
      .map((id) => plan.channels[id] as PlannedChannel)
      .filter((channel) => channel.fromSubtask === this.#planned.id)
      .sort((left, right) => left.toSubtask - right.toSubtask)
      .map((channel) => {
        if (channel.kind === 'local') return this.#localChannel(channel, planned, edge, encoder).output
        const ring = this.#ringOutput(channel, planned, edge, encoder)
        rings.push(ring)
        return ring
      })
    for (const definition of encoder.definitions()) for (const ring of rings) ring.define(definition)
    this.#outputs.push(...channels)
    if (!this.#isOptional(edge)) this.#binding.push(...channels)
    const position = this.#positions.get(edge.from.node) as number
    this.#outputsOf[position] = [...(this.#outputsOf[position] ?? []), ...channels]
    const ports = (this.#outputsOfPort[position] ??= [])
    ports[edge.from.port] = [...(ports[edge.from.port] ?? []), ...channels]
    return createEmit(
      {
        name: planned.name,
        consumer: this.#thread.graph.nodes[edge.to.node] as LogicalNode,
        partitioning: planned.partitioning,
        timed: planned.timed,
        encoder,
        channels,
        keyOf: edge.keyOf,
        keyGroups: plan.keyGroups,
        checkRecords: settings.checkRecords,
      },
      environment.codeGeneration,
    )
  }

  #isOptional({ from }: LogicalEdge): boolean {
    const spec = this.#thread.graph.nodes[from.node]?.spec
    return spec?.kind === 'general' && spec.optionalPorts?.includes(from.port) === true
  }

  #ringOutput(channel: PlannedChannel, planned: PlannedEdge, edge: LogicalEdge, encoder: RecordEncoder): RingOutput {
    const { environment, plan, settings, shared, metrics, layout } = this.#thread
    return new RingOutput({
      id: channel.id,
      identity: this.#identity(channel),
      edgeName: planned.name,
      shared: shared.rings[channel.id] as SharedArrayBuffer,
      maxFrameBytes: channel.maxFrameBytes,
      timed: planned.timed,
      maxRecordBytes: settings.maxRecordBytes,
      prefetch: planned.flow?.prefetch,
      encoder,
      bell: new Doorbell(shared.control, plan.workers, (plan.subtasks[channel.toSubtask] as PlannedSubtask).worker),
      gate: this.#isOptional(edge) ? this.#aside : this.#gate,
      clock: environment.clock,
      metrics: new ProducerMetrics(metrics, layout.channelAt(channel.id)),
    })
  }

  #localChannel(
    channel: PlannedChannel,
    planned: PlannedEdge,
    edge: LogicalEdge,
    encoder: RecordEncoder,
  ): { output: LocalOutput; input: LocalInput } {
    const { local, metrics, layout, environment } = this.#thread
    const known = local.get(channel.id)
    if (known !== undefined) return known
    const at = layout.channelAt(channel.id)
    const made = createLocalChannel({
      id: channel.id,
      input: edge.to.input,
      edgeName: planned.name,
      identity: this.#identity(channel),
      timed: planned.timed,
      windowBytes: this.#windowAtStart(channel),
      prefetch: planned.flow?.prefetch,
      encoder,
      gate: this.#isOptional(edge) ? this.#aside : this.#gate,
      clock: environment.clock,
      producerMetrics: new ProducerMetrics(metrics, at),
      consumerMetrics: new ConsumerMetrics(metrics, at),
    })
    local.set(channel.id, made)
    return made
  }

  #inputs(): InputChannel[] {
    const { plan, shared, settings, metrics, layout, environment, local } = this.#thread
    const inputs: InputChannel[] = []
    for (const id of plan.tasks[this.#planned.task]?.inputs ?? []) {
      const planned = plan.edges[id] as PlannedEdge
      const edge = this.#logicalEdge(id)
      const cache = createDecoderCache()
      for (const channelId of planned.channels) {
        const channel = plan.channels[channelId] as PlannedChannel
        if (channel.toSubtask !== this.#planned.id) continue
        if (channel.kind === 'local') {
          const made = local.get(channelId)
          assert(made !== undefined, `local channel ${channelId} is read before it is made`)
          inputs.push(made.input)
          continue
        }
        inputs.push(
          new RingInput({
            id: channelId,
            input: edge.to.input,
            identity: this.#identity(channel),
            edgeName: planned.name,
            shared: shared.rings[channelId] as SharedArrayBuffer,
            maxFrameBytes: channel.maxFrameBytes,
            timed: planned.timed,
            maxRecordBytes: settings.maxRecordBytes,
            windowBytes: this.#windowAtStart(channel),
            prefetch: planned.flow?.prefetch,
            decoder: createRecordDecoder({ cache, generate: environment.codeGeneration }),
            bell: new Doorbell(shared.control, plan.workers, (plan.subtasks[channel.fromSubtask] as PlannedSubtask).worker),
            metrics: new ConsumerMetrics(metrics, layout.channelAt(channelId)),
          }),
        )
      }
    }
    return inputs
  }

  /** undefined where no edge into the task has a weight or a priority, or there is only one. */
  #selection(inputs: readonly InputChannel[]): InputSelection | undefined {
    const { plan } = this.#thread
    const edges = plan.tasks[this.#planned.task]?.inputs.map((id) => plan.edges[id] as PlannedEdge) ?? []
    if (edges.length < 2 || edges.every(({ flow }) => flow?.weight === undefined && flow?.priority === undefined)) return undefined
    return new InputSelection(
      edges.map(({ id, flow }) => ({
        weight: flow?.weight ?? 1,
        priority: flow?.priority ?? 0,
        channels: inputs.flatMap((input, position) => ((plan.channels[input.id] as PlannedChannel).edge === id ? [position] : [])),
      })),
    )
  }

  #timeInputs(inputs: readonly InputChannel[]): readonly InputChannel[] {
    const { plan } = this.#thread
    const timed = inputs.filter(({ id }) => plan.edges[(plan.channels[id] as PlannedChannel).edge]?.timed === true)
    return timed.length > 0 ? timed : inputs
  }

  #windowAtStart(channel: PlannedChannel): number {
    const { minBytes, maxBytes } = this.#windowLimits(channel)
    return this.#adaptiveWindow(channel) === undefined ? maxBytes : minBytes
  }

  /** What the edge says of its window comes before what the job says. */
  #adaptiveWindow(channel: PlannedChannel): WindowLimits | undefined {
    const { plan, settings } = this.#thread
    const targetMs = windowTargetOf(settings, plan.edges[channel.edge]?.flow)
    return targetMs === false ? undefined : { ...this.#windowLimits(channel), targetMs }
  }

  #windowLimits(channel: PlannedChannel): { minBytes: number; maxBytes: number } {
    return channel.kind === 'ring'
      ? { minBytes: windowBytesMin(channel.maxFrameBytes), maxBytes: windowBytesMax(channel.capacityBytes, channel.maxFrameBytes) }
      : { minBytes: Math.min(LOCAL_WINDOW_BYTES_MIN, channel.capacityBytes), maxBytes: channel.capacityBytes }
  }

  #logicalEdge(plannedEdge: number): LogicalEdge {
    const planned = this.#thread.plan.edges[plannedEdge] as PlannedEdge
    return this.#thread.graph.edges[planned.logical] as LogicalEdge
  }

  #source(drivers: ChainDrivers, accounting: SubtaskAccounting, nodes: readonly ChainNode[]): SourceDriver | undefined {
    const spec = this.#nodes[0]?.spec
    if (spec?.kind !== 'source') return undefined
    if (spec.reads === 'index') return new IndexSource(spec, drivers, this.#planned.index, this.#parallelism)
    return new SplitSource({
      spec,
      context: this.#contexts[0] as OperatorContexts,
      drivers,
      gate: this.#gate,
      subtask: this.#planned.index,
      parallelism: this.#parallelism,
      deadLetter: (letter) => {
        this.#countLetter(0, letter.code ?? 'invalid')
        drivers.push[0]?.(letter, Number.NaN, 1)
      },
      countDropped: (count) => this.#contexts[0]?.countDropped(count, 'invalid'),
      onSplit: (split, unopened) => {
        accounting.set(SubtaskWord.split, split)
        accounting.set(SubtaskWord.unopenedSplits, unopened)
        // Splits in order follow each other in time; of others that have not been opened nothing is known.
        if (spec.orderedSplits !== true) for (const { tracker } of nodes) tracker?.beginSplit(unopened > 0)
      },
      wake: this.#thread.wake,
      checkpoints: this.#thread.checkpoints !== undefined,
      fail: (error) => this.#failLater(0, error),
    })
  }

  #mayIdle(): boolean {
    const head = this.#nodes[0] as LogicalNode
    return head.spec.kind === 'source' ? isUnbounded(head) : readsUnbounded(this.#thread.graph, head.id)
  }

  #checkpointing(
    nodes: readonly ChainNode[],
    inputs: readonly InputChannel[],
    source: SourceDriver | undefined,
  ): SubtaskCheckpointing | undefined {
    const { checkpoints, shared, plan, environment, wake, metrics, layout } = this.#thread
    if (checkpoints === undefined) return undefined
    const { index } = this.#planned
    const parallelism = this.#parallelism
    const { keyGroups } = plan
    const identities = inputs.map(({ id }) => this.#identity(plan.channels[id] as PlannedChannel))
    const edges = this.#replayedEdges()
    const sections = {
      index,
      parallelism,
      keyGroups,
      nodes,
      states: nodes.map((_, position) => this.#states[position]),
      source,
      inputs,
      identities,
      groupOf: edges[0]?.partitioning === 'hash' ? edges[0].groupOf : undefined,
    }
    return {
      thread: checkpoints,
      control: new Int32Array(shared.control),
      sections,
      replays: async () =>
        checkpoints.restore === undefined
          ? []
          : restoreReplays(checkpoints.restore, {
              head: this.#nodes[0]?.name as string,
              index,
              parallelism,
              groups: groupsOf(index, parallelism, keyGroups),
              edges,
              chained: this.#chainedEdges(),
              generate: environment.codeGeneration,
            }),
      giveRestored: (position, restored) => {
        const context = this.#contexts[position] as OperatorContexts
        context.restored = restored
        context.firstRecord = nodes[position]?.sink?.firstRecord ?? 0
      },
      wake,
      sayAhead: (channel, bytes) => {
        metrics[layout.channelAt(channel) + ChannelWord.bytesAhead] = bytes
      },
    }
  }

  #replayedEdges(): readonly ReplayedEdge[] {
    const { graph, plan } = this.#thread
    return (plan.tasks[this.#planned.task]?.inputs ?? []).map((id) => {
      const edge = this.#logicalEdge(id)
      const { partitioning, timed } = plan.edges[id] as PlannedEdge
      const keyOf = edge.keyOf as ((record: unknown) => unknown) | undefined
      return {
        edge: edgeName(graph, edge),
        input: edge.to.input,
        partitioning: edge.partitioned === true ? 'hash' : partitioning,
        timed,
        groupOf: (record) => keyGroupOf(hashKey(keyOf?.(record)), plan.keyGroups),
      }
    })
  }

  #chainedEdges(): readonly string[] {
    const { graph } = this.#thread
    const within = (node: number): boolean => this.#positions.has(node)
    const inputs = this.#thread.plan.tasks[this.#planned.task]?.inputs.map((id) => this.#logicalEdge(id)) ?? []
    return graph.edges
      .filter((edge) => within(edge.from.node) && within(edge.to.node) && !inputs.includes(edge))
      .map((edge) => edgeName(graph, edge))
  }

  /** What a channel is called in checkpoints. */
  #identity({ edge, fromSubtask, toSubtask }: PlannedChannel): ChannelIdentity {
    const { plan, graph } = this.#thread
    return {
      edge: edgeName(graph, this.#logicalEdge(edge)),
      fromIndex: (plan.subtasks[fromSubtask] as PlannedSubtask).index,
      toIndex: (plan.subtasks[toSubtask] as PlannedSubtask).index,
    }
  }

  #alignment(): Alignment | undefined {
    const { graph, plan, metrics, layout } = this.#thread
    const { id, task } = this.#planned
    const aligned = alignmentOf(graph, plan, plan.tasks[task] as PlannedTask)
    if (aligned === undefined) return undefined
    const peers = aligned.subtasks.filter((peer) => peer !== id)
    return new Alignment(metrics, layout, id, peers, aligned.maxDriftMs)
  }

  #sampling(): Sampling {
    const { layout, metrics, environment } = this.#thread
    const { clock } = environment
    const at = this.#nodes.map((_, position) => layout.operatorAt(this.#planned.id, position))
    return {
      on: false,
      innerMs: 0,
      now: () => clock.monotonicMs(),
      add: (position, elapsedMs) => {
        const base = at[position] as number
        metrics[base + OperatorWord.sampledMs] = (metrics[base + OperatorWord.sampledMs] as number) + elapsedMs
        metrics[base + OperatorWord.sampledRecords] = (metrics[base + OperatorWord.sampledRecords] as number) + 1
      },
    }
  }
}

function describeKey(key: unknown): string {
  return JSON.stringify(key, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

/** Position of the producer of each operator within the chain, -1 for the head. */
function parentsOf(nodes: readonly ChainNode[]): number[] {
  const parents = nodes.map(() => -1)
  nodes.forEach(({ targets }, position) => {
    for (const target of targets.flat()) if ('position' in target) parents[target.position] = position
  })
  return parents
}

function gateOf(thread: ThreadParts, subtask: number): Gate {
  let gate = thread.gates.get(subtask)
  if (gate === undefined) {
    gate = new Gate()
    thread.gates.set(subtask, gate)
  }
  return gate
}
