/**
 * The physical plan: tasks (chains of operators), their subtasks on workers, and the channels between them. Pure data,
 * the same in every thread; made by `planJob` from the logical graph and the settings.
 */
import type { CheckpointMode } from '../checkpoint/protocol.js'
import type { EdgeSettings, Partitioning } from '../graph/logical-graph.js'

/** The worker index of the coordinator's own thread. */
export const HOST_WORKER = -1

export interface PhysicalPlan {
  readonly job: string
  /** Worker threads; 0: everything runs on the calling thread. */
  readonly workers: number
  readonly keyGroups: number
  readonly tasks: readonly PlannedTask[]
  readonly edges: readonly PlannedEdge[]
  /** All subtasks; index = `PlannedSubtask.id`. */
  readonly subtasks: readonly PlannedSubtask[]
  /** All channels; index = `PlannedChannel.id`. */
  readonly channels: readonly PlannedChannel[]
  /** Every logical edge inside a chain or between tasks, with the reason where it was not chained. */
  readonly chaining: readonly ChainingDecision[]
  readonly memory: MemoryPlan
  /** Sentences a user should know: a parallelism that was capped, a source that cannot be replayed. */
  readonly notes: readonly string[]
}

export interface PlannedTask {
  readonly id: number
  /** Names of its operators joined by ` -> `; a chain that branches is written `a -> (b, c)`. */
  readonly name: string
  /** Logical node ids in topological order; the first is the head. A chain may branch: it is a tree. */
  readonly nodes: readonly number[]
  readonly parallelism: number
  /** Ids of its subtasks by subtask index. */
  readonly subtasks: readonly number[]
  /** Ids of planned edges into the head and out of any node of the chain. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  /** Of its nodes: asynchronous operators whose calls are guarded, which keep metrics of them. Not there where there are none. */
  readonly guarded?: readonly number[] | undefined
}

export interface PlannedSubtask {
  readonly id: number
  readonly task: number
  readonly index: number
  /** Worker index, or `HOST_WORKER`. */
  readonly worker: number
}

export interface PlannedEdge {
  readonly id: number
  /** The logical edge. */
  readonly logical: number
  /** `from -> to` by operator names, as in the log. */
  readonly name: string
  readonly fromTask: number
  readonly toTask: number
  readonly partitioning: Partitioning
  readonly timed: boolean
  /** What the user says of this edge. */
  readonly flow?: EdgeSettings | undefined
  /** The keys of its records in their order, where they follow from the functions that make them. */
  readonly knownKeys?: readonly string[] | undefined
  /** Channel ids. Forward: by subtask index. Otherwise the pair (fromIndex, toIndex) is at fromIndex x consumer parallelism + toIndex. */
  readonly channels: readonly number[]
}

export interface PlannedChannel {
  readonly id: number
  readonly edge: number
  readonly fromSubtask: number
  readonly toSubtask: number
  /** `ring` where the two subtasks live on different threads. */
  readonly kind: 'ring' | 'local'
  /** Ring: size of the data area, a power of two. Local: the largest window. In bytes. */
  readonly capacityBytes: number
  /** Largest frame, in bytes: at most capacity / 8. */
  readonly maxFrameBytes: number
}

export interface ChainingDecision {
  readonly edge: number
  readonly chained: boolean
  /** Why not, as part of a sentence: "records are dealt out by key". */
  readonly because: string | undefined
}

export interface MemoryPlan {
  readonly budgetBytes: number
  readonly ringBytes: number
  /** Sum over all rings, local windows, staging, overdraft, async work in flight and what operators and sources hold in queues; within the budget. */
  readonly plannedBytes: number
  readonly ringsBytes: number
  readonly localBytes: number
  readonly stagingBytes: number
  readonly overdraftBytes: number
  readonly asyncBytes: number
  /** Queues of operators that hold records back, and of sources that others send to. */
  readonly heldBytes: number
  /** On top of `plannedBytes`, only while records larger than a frame are on their way: 2 x `maxRecordBytes` per ring at most. */
  readonly largeRecordBytes: number
  readonly rings: number
  readonly maxRecordBytes: number
  /** What each edge can hold at most, by planned edge id: see `edgeBound`. */
  readonly edgeBoundBytes: readonly number[]
}

/** What the runner decides before planning; defaults are written in `settings.ts`. */
export interface PlanSettings {
  readonly workers: number
  readonly parallelism: number
  readonly memoryBytes: number
  readonly ringBytes: number | undefined
  readonly maxRecordBytes: number
  readonly keyGroups: number
  readonly chaining: boolean
  /** undefined: none are taken. */
  readonly checkpoint?: { readonly mode: CheckpointMode } | undefined
  /** By the name of the edge. */
  readonly edges?: Readonly<Record<string, EdgeSettings>> | undefined
  /** Edges, as `edgeName` calls them, whose ends do not share a task: a checkpoint that is restored has records that wait there. */
  readonly unchained?: ReadonlySet<string> | undefined
}
