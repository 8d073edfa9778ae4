/**
 * From the slices of a checkpoint to what one subtask reads before its channels: decoded, and routed as the edges would. Runs once, while a
 * subtask is opened.
 */
import type { ChannelSlice } from '../channel/channel-slice.js'
import { decodeSlices } from '../channel/decode-slice.js'
import { ReplayInput } from '../channel/replay-input.js'
import type { SnapshotReader } from '../checkpoint/snapshot.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { Partitioning } from '../graph/logical-graph.js'
import type { Replay } from './replay.js'

/** An edge into the subtask that lies between tasks. */
export interface ReplayedEdge {
  readonly edge: string
  /** Input index of the head operator. */
  readonly input: number
  /** `hash` also where records lie where their key belongs already. */
  readonly partitioning: Partitioning
  readonly timed: boolean
  /** The key group of a record on a hash edge. */
  readonly groupOf: (record: unknown) => number
}

export interface ReplayParts {
  readonly head: string
  readonly index: number
  readonly parallelism: number
  readonly groups: { readonly from: number; readonly to: number }
  readonly edges: readonly ReplayedEdge[]
  /** Edges within the chain: nothing can be read in front of them. */
  readonly chained: readonly string[]
  /** Whether code may be generated. */
  readonly generate: boolean
}

/** Records that were read before the channels when a snapshot was taken: nobody knows any more which channel they came from. */
const REPLAYED = -1

export async function restoreReplays(reader: SnapshotReader, parts: ReplayParts): Promise<readonly Replay[]> {
  for (const edge of parts.chained) if ((await reader.slices(edge)).some(holdsRecords)) throw chained(reader.id, edge)
  // Whoever reads an edge wrote where its channels stood.
  const [written] = await reader.sections(parts.head, 'inputs')
  const replays: Replay[] = []
  for (const edge of parts.edges) {
    const slices = mine(await reader.slices(edge.edge), edge, parts, written?.parallelism)
    if (slices.length > 0) replays.push(replayOf(edge, slices, parts, written?.parallelism === parts.parallelism))
  }
  return replays
}

function holdsRecords({ content }: ChannelSlice): boolean {
  return content.kind === 'frames' ? content.frames.length > 0 : content.values.length > 0
}

/** Who plans knows which edges hold records, and leaves them between tasks: records must not be lost where that was forgotten. */
function chained(checkpoint: number, edge: string): SluiceError {
  return new SluiceError(
    'SLUICE_CHECKPOINT_GRAPH_CHANGED',
    `checkpoint ${checkpoint} is unaligned and holds records of the edge ${edge}, which lies within a task now`,
    { edge },
  )
}

/** Slices that hold records of this subtask; on a hash edge whose consumer has another parallelism now that may be any. */
function mine(
  slices: readonly ChannelSlice[],
  { partitioning }: ReplayedEdge,
  { index, parallelism }: ReplayParts,
  before: number | undefined,
): readonly ChannelSlice[] {
  if (before === parallelism) return slices.filter(({ toIndex }) => toIndex === index)
  if (partitioning === 'hash') return slices
  // Every consumer would have read the same: one of them is enough.
  if (partitioning === 'broadcast') return slices.filter(({ toIndex }) => toIndex === 0)
  return slices.filter(({ toIndex }) => toIndex % parallelism === index)
}

function replayOf(edge: ReplayedEdge, slices: readonly ChannelSlice[], parts: ReplayParts, same: boolean): Replay {
  const { index, groups, generate } = parts
  const channels = new Map<string, ChannelSlice[]>()
  // What had been restored already comes first.
  for (const slice of [...slices].sort((left, right) => left.fromIndex - right.fromIndex)) {
    const channel = `${slice.fromIndex} ${slice.toIndex}`
    const known = channels.get(channel)
    if (known === undefined) channels.set(channel, [slice])
    else known.push(slice)
  }
  const values: unknown[] = []
  const times: number[] = []
  for (const channel of channels.values()) {
    const decoded = decodeSlices(channel, generate)
    decoded.values.forEach((value, at) => {
      if (!same && edge.partitioning === 'hash') {
        const group = edge.groupOf(value)
        if (group < groups.from || group >= groups.to) return
      }
      values.push(value)
      times.push(edge.timed ? (decoded.times[at] as number) : Number.NaN)
    })
  }
  const input = new ReplayInput({ id: -1, input: edge.input, values, times: Float64Array.from(times) })
  return {
    input,
    rest() {
      const rest = input.rest()
      if (rest.values.length === 0) return undefined
      const content = { kind: 'values' as const, values: rest.values, times: edge.timed ? rest.times : new Float64Array(0) }
      const time = { watermark: Number.NaN, idle: false, ended: undefined }
      return { edge: edge.edge, fromIndex: REPLAYED, toIndex: index, side: 'consumer', timed: edge.timed, content, ...time }
    },
  }
}
