/** One subtask between local channels whose other ends a test holds: what arrives, in which order, is the test's choice. */
import { ConsumerMetrics, ProducerMetrics } from '../../src/channel/channel-metrics.js'
import { Gate } from '../../src/channel/gate.js'
import { createLocalChannel, type LocalInput, type LocalOutput } from '../../src/channel/local-channel.js'
import { Input } from '../../src/channel/input-channel.js'
import { createRecordEncoder } from '../../src/codec/index.js'
import type { OperatorContext } from '../../src/graph/operator-context.js'
import type { Operator } from '../../src/graph/operator-spec.js'
import { CHANNEL_WORDS, SubtaskWord } from '../../src/metrics/metric-layout.js'
import { SubtaskAccounting } from '../../src/task/accounting.js'
import { compileChain } from '../../src/task/chain-drivers.js'
import { createEmit } from '../../src/task/edge-output.js'
import { Expansion } from '../../src/task/expansion.js'
import { Subtask } from '../../src/task/subtask.js'

const SUBTASK_WORDS = 24

export interface Left {
  readonly watermark: number
  readonly idle: boolean
}

export interface SubtaskBench {
  readonly subtask: Subtask
  readonly inputs: readonly LocalOutput[]
  /** Runs until nothing moves. */
  settle(): void
  /** Watermarks and records that left since the last call. */
  left(): (Left | { readonly value: unknown; readonly timestamp: number })[]
  readonly watermarkWord: number
}

type Emit = (value: unknown, timestamp: number) => void

/** A subtask of one operator with `channels` inputs and one output. */
export function subtaskBench(channels: number, make: (emit: Emit) => Operator): SubtaskBench {
  let nowMs = 1
  const clock = { nowMs: () => nowMs, monotonicMs: () => (nowMs += 0.001) }
  const channel = (id: number, gate: Gate): { output: LocalOutput; input: LocalInput } => {
    const words = new Float64Array(CHANNEL_WORDS)
    return createLocalChannel({
      id,
      input: 0,
      edgeName: `edge ${id}`,
      identity: { edge: `edge ${id}`, fromIndex: id, toIndex: 0 },
      timed: true,
      windowBytes: 1 << 20,
      encoder: createRecordEncoder({ maxRecordBytes: 1 << 20, generate: true, onDefine: () => {} }),
      gate,
      clock,
      producerMetrics: new ProducerMetrics(words, 0),
      consumerMetrics: new ConsumerMetrics(words, 0),
    })
  }
  const gate = new Gate()
  const ins = Array.from({ length: channels }, (_, id) => channel(id, new Gate()))
  const out = channel(channels, gate)
  let emit: Emit = () => {}
  const operator = make((value, timestamp) => emit(value, timestamp))
  const spec = { kind: 'general', create: (_: OperatorContext) => operator } as const
  const node = { id: 0, name: 'operator', spec, ports: ['out'] }
  const toEdge = createEmit(
    {
      name: 'out',
      consumer: node,
      partitioning: 'forward',
      timed: true,
      encoder: createRecordEncoder({ maxRecordBytes: 1 << 20, generate: true, onDefine: () => {} }),
      channels: [out.output],
      keyOf: undefined,
      keyGroups: 1,
      checkRecords: false,
    },
    true,
  )
  const none = { table: undefined, call: undefined, failures: undefined, sink: undefined, tracker: undefined }
  const nodes = [{ node, targets: [[{ emit: toEdge }]], expansion: new Expansion(), operator, ...none }]
  const fail = (_position: number, error: unknown): never => {
    throw error
  }
  const sampling = { on: false, innerMs: 0, now: () => 0, add: () => {} }
  const drivers = compileChain({ nodes, gate, timed: true, inputs: 1, fail, sampling })
  emit = (value, timestamp) => drivers.push[0]?.(value, timestamp)
  const words = new Float64Array(SUBTASK_WORDS)
  const subtask = new Subtask({
    id: 0,
    name: 'operator',
    nodes,
    gate,
    intake: gate,
    aside: new Gate(),
    clock,
    inputs: ins.map(({ input }) => input),
    selection: undefined,
    timeInputs: ins.map(({ input }) => input),
    outputs: [out.output],
    binding: [out.output],
    parents: [-1],
    states: [],
    outputsOf: [[out.output]],
    drivers,
    source: undefined,
    mayIdle: false,
    alignment: undefined,
    accounting: new SubtaskAccounting(words, 0, 0),
    sampling,
    fail,
    windowLimits: [],
    warn: () => {},
    checkpoints: undefined,
  })
  return {
    subtask,
    inputs: ins.map(({ output }) => output),
    settle() {
      while (subtask.ready(nowMs) && !subtask.finished) subtask.step(nowMs)
    },
    left() {
      const found: ReturnType<SubtaskBench['left']> = []
      const { input } = out
      for (;;) {
        const kind = input.next()
        if (kind === Input.empty || kind === Input.end) return found
        if (kind === Input.watermark) found.push({ watermark: input.watermark, idle: input.idle })
        if (kind !== Input.records) continue
        for (let k = 0; k < input.count; k++) found.push({ value: input.records[k], timestamp: input.times[k] as number })
        input.release()
      }
    },
    get watermarkWord() {
      return words[SubtaskWord.watermark] as number
    },
  }
}
