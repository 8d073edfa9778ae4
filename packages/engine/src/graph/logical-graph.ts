/**
 * The logical graph: what a job declares. Plain data plus the user's functions; declaring it opens nothing.
 * Every thread declares the same graph from the same module, so functions are never sent between threads.
 */
import type { CheckpointMode } from '../checkpoint/protocol.js'
import type { CheckpointStorage } from '../checkpoint/storage.js'
import type { OperatorSpec } from './operator-spec.js'

/** How the records of an edge are dealt out to the subtasks of its consumer. */
export type Partitioning = 'forward' | 'hash' | 'rebalance' | 'broadcast'

/** What a source can replay or a sink can undo; printed with the plan. */
export type DeliveryGuarantee = 'exactly-once' | 'at-least-once' | 'at-most-once'

export interface LogicalNode {
  /** Index in `LogicalGraph.nodes`. */
  readonly id: number
  /** The name the user gave or a readable one that was made; unique in the job; the identity of its state. */
  readonly name: string
  readonly spec: OperatorSpec
  /** Output ports by name; `out` is port 0 where there is one. Sinks have none but `deadLetters`. */
  readonly ports: readonly string[]
  /** What the user asked for; the planner decides. */
  readonly parallelism?: number | undefined
  /** An upper bound that follows from what the operator is, with the reason as part of a sentence ("one file has one writer"). */
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  /** Bound to the coordinator's thread: stdin, stdout, an object passed in. */
  readonly pinnedToHost?: boolean | undefined
  /** Where the user declared it: `file:line:column` of the user's own source. */
  readonly declaredAt?: string | undefined
  /** JSON-able options that belong to the fingerprint and are shown with the plan. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
  /**
   * The user's functions that a general operator, a source or a sink closes over: what the spec itself does not show. Their text
   * belongs to the fingerprint, and an async one of a general operator is refused.
   */
  readonly functions?: readonly ((...args: never) => unknown)[] | undefined
  /** What a user should know of it, as a sentence; shown with the plan. */
  readonly warning?: string | undefined
  /** The schema (Standard Schema) that a source's records were validated against, where there is one. */
  readonly schema?: object | undefined
  /** For sources and sinks. */
  readonly delivery?: DeliveryGuarantee | undefined
  /** It loses records on purpose: which ones, as part of a sentence ("drops the oldest records"), and whether the user accepts that in front of a sink that is exactly-once. */
  readonly lossy?: { readonly because: string; readonly accepted: boolean } | undefined
  /** It holds the stream to a limit that the user set: which, as part of a sentence ("rate of 100/s"). What waits for it waits for the limit, not for its work. */
  readonly limit?: string | undefined
  /** What it calls, where the user gave it a name: operators that call the same thing share what protects it. */
  readonly dependency?: string | undefined
  /** Sources with the same text run in the same thread: they share something that only one thread can have, such as a port. */
  readonly colocation?: string | undefined
  /** It makes no sense in a job that takes no checkpoints: what of it, as it stands in the job. */
  readonly needsCheckpoints?: string | undefined
  /** Names of the resources the operator may `use`; undefined = any of the job. */
  readonly resources?: readonly string[] | undefined
}

export interface LogicalEdge {
  /** Index in `LogicalGraph.edges`. */
  readonly id: number
  readonly from: { readonly node: number; readonly port: number }
  readonly to: { readonly node: number; readonly input: number }
  /** undefined: forward where the parallelism of both sides is the same, else rebalance. */
  readonly partitioning: Partitioning | undefined
  /** A hash edge whose records lie where their key belongs already: nothing is sent where both sides have the same parallelism, but every record is checked. */
  readonly partitioned?: boolean | undefined
  /** The key function of a hash edge. */
  readonly keyOf?: ((record: never) => unknown) | undefined
  /** What is known of the records from a schema; seeds the codec. */
  readonly shape?: RecordShapeSeed | undefined
  /** Whether timestamps were assigned upstream: frames carry a timestamp column then. */
  readonly timed: boolean
}

/** Whether records end there: it may have no port but that of dead letters. */
export function isSink({ spec }: Pick<LogicalNode, 'spec'>): boolean {
  return spec.kind === 'sink' || (spec.kind === 'async' && spec.discardsResults)
}

/** What an edge is called in checkpoints: `from.port -> to[input]`. */
export function edgeName(graph: LogicalGraph, { from, to }: LogicalEdge): string {
  const source = graph.nodes[from.node]
  return `${source?.name}.${source?.ports[from.port]} -> ${graph.nodes[to.node]?.name}[${to.input}]`
}

/** Field names and kinds as far as a schema tells them; the codec's `RecordShape`. Kept opaque here. */
export type RecordShapeSeed = object

export interface ResourceSpec {
  readonly name: string
  readonly open: (context: { readonly worker: number }) => unknown
  readonly close: ((resource: never) => unknown) | undefined
  readonly declaredAt?: string | undefined
}

/** How checkpoints are taken. Defaults stand in `settings.ts`. */
export interface CheckpointSettings {
  /** From the beginning of one checkpoint to that of the next, at least. Default 10 s. */
  readonly intervalMs?: number | undefined
  /** Default 'checkpoints'. */
  readonly directory?: string | undefined
  /** Default 'aligned'. */
  readonly mode?: CheckpointMode | undefined
  /** An aligned checkpoint that takes longer goes on unaligned; undefined: never. */
  readonly alignedTimeoutMs?: number | undefined
  /** A checkpoint that takes longer is given up. Default 10 min. */
  readonly timeoutMs?: number | undefined
  /** Complete checkpoints of a run that are kept. Default 3. */
  readonly retain?: number | undefined
  /** Opens the storage, in every thread. Default: the local directory. */
  readonly storage?: ((directory: string) => CheckpointStorage) | undefined
}

/**
 * How often and when a failed job starts again from its last checkpoint. `exponential` doubles the delay up to `maxDelayMs`, with jitter, and begins anew after
 * `resetAfterMs` without a failure; `failure-rate` gives up after more than `failures` within `windowMs`.
 */
export type RestartStrategy =
  | { readonly kind: 'exponential'; readonly initialDelayMs: number; readonly maxDelayMs: number; readonly resetAfterMs: number }
  | { readonly kind: 'fixed'; readonly attempts: number; readonly delayMs: number }
  | { readonly kind: 'failure-rate'; readonly failures: number; readonly windowMs: number; readonly delayMs: number }
  | { readonly kind: 'none' }

/** How records flow over one edge. Where nothing is said, the settings of the job count. */
export interface EdgeSettings {
  /** How much work may be in flight, in ms of the consumer's work; `false`: the window keeps its largest size. */
  readonly windowTargetMs?: number | false | undefined
  /** The consumer asks for so many records: per channel it holds no more than these, and its producer makes none that nobody asked for. */
  readonly prefetch?: number | undefined
  /** Share of the consumer's time beside its other inputs of the same priority, while they all have records. Default 1. */
  readonly weight?: number | undefined
  /** Inputs of a higher priority are read first. Default 0. */
  readonly priority?: number | undefined
}

/** Settings a job may fix in `defineJob`; each may be overridden by the runner. */
export interface JobSettings {
  readonly parallelism?: number | undefined
  readonly workers?: number | undefined
  /** Budget for rings, staging, queues and in-flight async work, in bytes. */
  readonly memoryBytes?: number | undefined
  /** When checkpoints are taken and where they lie; undefined: none are. */
  readonly checkpoint?: CheckpointSettings | undefined
  /** What happens after a failure, where there are checkpoints. */
  readonly restart?: RestartStrategy | undefined
  /** Largest encoded record, in bytes. Default 16 MiB. */
  readonly maxRecordBytes?: number | undefined
  /** How much work may be in flight on an edge, in ms of its consumer's work. Default 100. */
  readonly windowTargetMs?: number | undefined
  /** false: credit windows keep their largest size. Default true. */
  readonly adaptiveWindow?: boolean | undefined
  /** By the name of the edge: `parse -> write`. */
  readonly edges?: Readonly<Record<string, EdgeSettings>> | undefined
  /** Number of key groups = largest parallelism of keyed operators. Default 128. */
  readonly keyGroups?: number | undefined
  /** Forces the size of every ring, in bytes (a power of two); tests use the smallest. */
  readonly ringBytes?: number | undefined
  /** false: no two operators share a task. Default true. */
  readonly chaining?: boolean | undefined
  /** Encode and freeze records on every edge, local ones too. Default false. */
  readonly checkRecords?: boolean | undefined
  /** After how long inside user code `operator.stuck` is reported, in ms. Default 10,000. */
  readonly stuckAfterMs?: number | undefined
  /** How long what is in flight may take to flow out after a stop, in ms. Default 10,000. */
  readonly stopTimeoutMs?: number | undefined
}

export interface LogicalGraph {
  readonly job: string
  readonly nodes: readonly LogicalNode[]
  readonly edges: readonly LogicalEdge[]
  readonly resources: readonly ResourceSpec[]
  readonly settings: JobSettings
}
