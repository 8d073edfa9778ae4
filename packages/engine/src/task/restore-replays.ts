/**
 * From the slices of a checkpoint to what one subtask reads before its channels: decoded, and routed as the edges would. Runs once, while a
 * subtask is opened.
 */
import type { ChannelSlice } from '../channel/channel-slice.js'
import { decodeSlices } from '../channel/decode-slice.js'
import type { InputChannel } from '../channel/input-channel.js'
import { ReplayInput } from '../channel/replay-input.js'
import type { SnapshotReader } from '../checkpoint/snapshot.js'
import type { Partitioning } from '../graph/logical-graph.js'
import type { Replay } from './replay.js'
import type { InputIdentity } from './subtask-sections.js'

/** An edge into the subtask that lies between tasks. */
export interface ReplayedEdge {
  readonly edge: string
  /** Input index of the head operator. */
  readonly input: number
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
  readonly inputs: readonly InputChannel[]
  readonly identities: readonly InputIdentity[]
  /** Whether code may be generated. */
  readonly generate: boolean
}

/** Records that were read before the channels when a snapshot was taken: nobody knows any more which channel they came from. */
const REPLAYED = -1

export async function restoreReplays(reader: SnapshotReader, parts: ReplayParts): Promise<readonly Replay[]> {
  // Whoever reads an edge wrote where its channels stood.
  const [written] = await reader.sections(parts.head, 'inputs')
  const replays: Replay[] = []
  for (const edge of parts.edges) {
    const slices = mine(await reader.slices(edge.edge), edge, parts, written?.parallelism)
    if (slices.length > 0) replays.push(replayOf(edge, slices, parts, written?.parallelism === parts.parallelism))
  }
  return replays
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
  const { index, groups, inputs, identities, generate } = parts
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
    apply() {
      inputs.forEach((channel, at) => {
        const identity = identities[at] as InputIdentity
        if (identity.edge !== edge.edge) return
        const last = lastTime([...channels.values()].filter(([first]) => !same || first?.fromIndex === identity.fromIndex))
        if (last > channel.watermark) channel.watermark = last
      })
    },
  }
}

/** The least of the newest watermarks of some channels; NaN where one of them had none behind its records. */
function lastTime(channels: readonly (readonly ChannelSlice[])[]): number {
  let least = Number.NaN
  for (const slices of channels) {
    const newest = slices.map(({ watermark }) => watermark).findLast((watermark) => watermark === watermark)
    if (newest === undefined) return Number.NaN
    if (!(least <= newest)) least = newest
  }
  return least
}
