/**
 * One budget, out of which every channel gets its size, and what each edge can hold at most. All channels of a job have
 * the same capacity: the default, halved while the whole does not fit.
 */
import { SluiceError } from '../errors/sluice-error.js'
import { formatBytes } from './format-bytes.js'
import type { MemoryPlan, PlanSettings } from './physical-plan.js'
import { defaultSettings } from './settings.js'

/** What the budget sets aside for a producer per channel: the frame it fills and one that is being published. */
const STAGING_FRAMES = 2
/** What one call may emit beyond the credit and is still planned for; an expansion that is larger is pulled as there is credit. */
const OVERDRAFT_FRAMES = 2
/** Rings are not made smaller than this to fit a budget. */
const PLANNED_RING_BYTES_MIN = 16 * 1024
/** No frame is larger: what follows from it (staging, the smallest window) stays small on large rings too. */
const FRAME_BYTES_MAX = 16 * 1024
/** At least so many frames fit into a channel. */
const FRAMES_PER_CAPACITY = 8

/** The largest frame of a channel, in bytes: a power of two. */
export function frameBytesOf(capacityBytes: number): number {
  return Math.min(capacityBytes / FRAMES_PER_CAPACITY, FRAME_BYTES_MAX)
}

/** What the memory of an edge depends on. */
export interface EdgeLoad {
  readonly rings: number
  readonly locals: number
  /** Records that its consumer's asynchronous operators hold in flight, over all subtasks. */
  readonly asyncRecords: number
}

/** What an edge can hold at most, in bytes, over all of its channels. */
export interface EdgeBound {
  /** The largest windows: what is published and not consumed. */
  readonly windowBytes: number
  /** One frame per channel, being filled. */
  readonly stagingBytes: number
  readonly overdraftBytes: number
  /** Records in flight in asynchronous operators; each counted as a full frame. */
  readonly asyncBytes: number
  /**
   * Only while records larger than a frame are on their way: one per ring in the producer's overdraft, one in the consumer's
   * reassembly buffer.
   */
  readonly largeRecordBytes: number
  /** All of it. */
  readonly totalBytes: number
}

/**
 * The bound of an edge: window + staging + overdraft + async in flight + records larger than a frame. Local channels hand
 * over references, so their records are never fragmented; their bytes are estimates of the encoded size.
 */
export function edgeBound(load: EdgeLoad, capacityBytes: number, maxRecordBytes: number): EdgeBound {
  const channels = load.rings + load.locals
  const maxFrameBytes = frameBytesOf(capacityBytes)
  const windowBytes = channels * capacityBytes
  const stagingBytes = channels * maxFrameBytes
  const overdraftBytes = channels * OVERDRAFT_FRAMES * maxFrameBytes
  const asyncBytes = load.asyncRecords * maxFrameBytes
  const largeRecordBytes = maxRecordBytes > maxFrameBytes ? 2 * load.rings * maxRecordBytes : 0
  const totalBytes = windowBytes + stagingBytes + overdraftBytes + asyncBytes + largeRecordBytes
  return { windowBytes, stagingBytes, overdraftBytes, asyncBytes, largeRecordBytes, totalBytes }
}

/** Sizes all channels beside `heldBytes`, which operators and sources hold in queues of their own; fails with `SLUICE_MEMORY_BUDGET` where even the smallest do not fit. */
export function planMemory(edges: readonly EdgeLoad[], settings: PlanSettings, heldBytes = 0): MemoryPlan {
  let ringBytes: number = settings.ringBytes ?? defaultSettings.ringBytes
  const smallest = settings.ringBytes ?? PLANNED_RING_BYTES_MIN
  let parts = sumOf(edges, ringBytes, heldBytes)
  while (parts.plannedBytes > settings.memoryBytes && ringBytes > smallest) {
    ringBytes /= 2
    parts = sumOf(edges, ringBytes, heldBytes)
  }
  if (parts.plannedBytes > settings.memoryBytes) {
    const channels = edges.reduce((sum, edge) => sum + edge.rings + edge.locals, 0)
    const async = parts.asyncBytes === 0 ? '' : ` and ${formatBytes(parts.asyncBytes)} of async work in flight`
    const held = heldBytes === 0 ? '' : ` and ${formatBytes(heldBytes)} in queues of operators and sources`
    throw new SluiceError(
      'SLUICE_MEMORY_BUDGET',
      `the plan needs ${formatBytes(parts.plannedBytes)} for ${channels === 1 ? '1 channel' : `${channels} channels`} of ${formatBytes(ringBytes)}${async}${held}, and the budget is ${formatBytes(settings.memoryBytes)}`,
    )
  }
  const bounds = edges.map((edge) => edgeBound(edge, ringBytes, settings.maxRecordBytes))
  return {
    budgetBytes: settings.memoryBytes,
    ringBytes,
    ...parts,
    largeRecordBytes: bounds.reduce((sum, bound) => sum + bound.largeRecordBytes, 0),
    rings: edges.reduce((sum, edge) => sum + edge.rings, 0),
    maxRecordBytes: settings.maxRecordBytes,
    edgeBoundBytes: bounds.map((bound) => bound.totalBytes),
  }
}

interface MemoryParts {
  readonly plannedBytes: number
  readonly ringsBytes: number
  readonly localBytes: number
  readonly stagingBytes: number
  readonly overdraftBytes: number
  readonly asyncBytes: number
  readonly heldBytes: number
}

function sumOf(edges: readonly EdgeLoad[], capacityBytes: number, heldBytes: number): MemoryParts {
  const maxFrameBytes = frameBytesOf(capacityBytes)
  let rings = 0
  let locals = 0
  let asyncRecords = 0
  for (const edge of edges) {
    rings += edge.rings
    locals += edge.locals
    asyncRecords += edge.asyncRecords
  }
  const ringsBytes = rings * capacityBytes
  const localBytes = locals * capacityBytes
  const stagingBytes = (rings + locals) * STAGING_FRAMES * maxFrameBytes
  const overdraftBytes = (rings + locals) * OVERDRAFT_FRAMES * maxFrameBytes
  const asyncBytes = asyncRecords * maxFrameBytes
  return {
    plannedBytes: ringsBytes + localBytes + stagingBytes + overdraftBytes + asyncBytes + heldBytes,
    ringsBytes,
    localBytes,
    stagingBytes,
    overdraftBytes,
    asyncBytes,
    heldBytes,
  }
}
