/**
 * What a subtask writes of itself into a checkpoint besides keyed state, and how it finds it again: sections by the name of the operator, so
 * that neither chains nor parallelism matter. At the same parallelism every subtask gets its own; at another one event time is the least of all,
 * and what is left to do is dealt out.
 */
import type { InputChannel } from '../channel/input-channel.js'
import type { Section, SnapshotReader, SnapshotWriter } from '../checkpoint/snapshot.js'
import { groupsOf, heirOf, shareOf } from '../checkpoint/redistribute.js'
import type { StateRegistry } from '../state/state-registry.js'
import type { AsyncEntryState, AsyncState } from './async-table.js'
import type { ChainNode } from './chain-drivers.js'
import { type ChainTime, HEAD } from './chain-time.js'
import type { SourceDriver, SourceState } from './source-driver.js'

/** How far the end of the input has come at a position. */
export interface EndOfInput {
  /** Only at the head: the input has ended. */
  readonly ending: boolean
  /** `onEnd` was called. */
  readonly entered: boolean
  /** It has nothing more to give. */
  readonly left: boolean
}

interface TimeSection {
  readonly seen: number
  /** Of the domain that begins here. */
  readonly domain: number | undefined
  readonly tracker: { readonly sent: number; readonly latest: number } | undefined
}

interface InputsSection {
  readonly watermark: number
  /** The watermark that entered the chain last. */
  readonly entered: number
  readonly channels: readonly { readonly edge: string; readonly fromIndex: number; readonly watermark: number; readonly idle: boolean }[]
}

/** Which channel of which edge an input is. */
export interface InputIdentity {
  readonly edge: string
  readonly fromIndex: number
}

export interface SectionParts {
  readonly index: number
  readonly parallelism: number
  readonly keyGroups: number
  readonly nodes: readonly ChainNode[]
  /** By position. */
  readonly states: readonly (StateRegistry | undefined)[]
  readonly time: ChainTime
  readonly source: SourceDriver | undefined
  readonly inputs: readonly InputChannel[]
  readonly identities: readonly InputIdentity[]
  /** The key group of a record of an asynchronous operator behind a keyed edge; undefined: its input is not keyed. */
  readonly groupOf: ((record: unknown) => number) | undefined
}

export interface HeadState {
  readonly watermark: number
  /** By position. */
  readonly ends: readonly EndOfInput[]
}

export function writeSections(writer: SnapshotWriter, parts: SectionParts, head: HeadState): void {
  const { nodes, states, time, source, inputs, identities } = parts
  nodes.forEach(({ node, operator, tracker, table }, position) => {
    const { name } = node
    if (operator !== undefined || tracker !== undefined) {
      const section: TimeSection = {
        seen: time.watermarkAt(position),
        domain: tracker === undefined ? undefined : time.enteredAt(position),
        tracker: tracker === undefined ? undefined : { sent: tracker.sent, latest: tracker.latest },
      }
      writer.section(name, 'time', section)
    }
    if (operator?.snapshot !== undefined) writer.section(name, 'operator', operator.snapshot())
    const later = operator?.snapshotParts?.()
    if (later !== undefined) writer.parts(name, later)
    if (table !== undefined) writer.section(name, 'in-flight', table.snapshot())
    const end = head.ends[position] as EndOfInput
    if (end.ending || end.entered || end.left) writer.section(name, 'end', end)
    const state = states[position]
    if (state !== undefined) writer.freeze(name, state)
  })
  const name = nodes[0]?.node.name as string
  if (source !== undefined) {
    const state = source.snapshot()
    if (state !== undefined) writer.section(name, 'source', state)
  }
  if (inputs.length > 0) {
    const section: InputsSection = {
      watermark: head.watermark,
      entered: time.enteredAt(HEAD),
      channels: inputs.map((input, index) => ({
        ...(identities[index] as InputIdentity),
        watermark: input.watermark,
        idle: input.idle,
      })),
    }
    writer.section(name, 'inputs', section)
  }
}

/** Gives sinks what they had: asked for before anything is opened. Answers what was prepared, by position. */
export async function restoreSinks(reader: SnapshotReader, parts: SectionParts): Promise<readonly (readonly unknown[] | undefined)[]> {
  return Promise.all(
    parts.nodes.map(async ({ node, sink }) => {
      if (sink === undefined) return undefined
      const sections = await reader.sections(node.name, 'sink')
      return sink.restore(mine(sections, parts))
    }),
  )
}

/** Loads keyed state and everything else, once operators are open; answers how far the end of the input had come. */
export async function restoreSections(reader: SnapshotReader, parts: SectionParts): Promise<HeadState> {
  const { nodes, states, time, source, index, parallelism, keyGroups } = parts
  const { from, to } = groupsOf(index, parallelism, keyGroups)
  const ends: EndOfInput[] = []
  for (const [position, { node, operator, tracker, table }] of nodes.entries()) {
    const { name } = node
    const state = states[position]
    if (state !== undefined) await reader.loadKeyed(name, from, to, state)
    const union = node.spec.kind === 'general' && node.spec.redistribution === 'union'
    const end = endOf(await reader.sections(name, 'end'), parts, union || node.spec.kind === 'source')
    ends.push(end)
    const times = own((await reader.sections(name, 'time')) as readonly Section<TimeSection>[], parts)
    const seen = least(times.map(({ value }) => value.seen))
    if (operator !== undefined) {
      const sections = await reader.sections(name, 'operator')
      const states = union ? own(sections, parts).map(({ value }) => value) : mine(sections, parts)
      operator.restore?.({ watermark: seen, states, ended: end.entered || end.left })
      if (operator.restorePart !== undefined)
        for await (const part of reader.parts(name, (writer) => heirOf(writer, parallelism) === index)) operator.restorePart(part)
      time.restoreSeen(position, seen)
    }
    if (tracker !== undefined && times.length > 0) {
      tracker.restore(least(times.map(({ value }) => value.tracker?.sent)), least(times.map(({ value }) => value.tracker?.latest)))
      const domain = least(times.map(({ value }) => value.domain))
      if (domain > Number.NEGATIVE_INFINITY) time.enter(position, domain, false)
    }
    if (table !== undefined) table.restore(inFlight(await reader.sections(name, 'in-flight'), parts))
  }
  const name = nodes[0]?.node.name as string
  if (source !== undefined) {
    const sections = await reader.sections(name, 'source')
    if (sections.length > 0) source.restore(sections.map(({ value }) => value as SourceState))
  }
  return { watermark: await restoreInputs(reader, parts, name), ends }
}

async function restoreInputs(reader: SnapshotReader, parts: SectionParts, name: string): Promise<number> {
  const { inputs, identities, time } = parts
  const all = (await reader.sections(name, 'inputs')) as readonly Section<InputsSection>[]
  if (inputs.length === 0 || all.length === 0) return Number.NEGATIVE_INFINITY
  const sections = own(all, parts)
  inputs.forEach((input, index) => {
    const { edge, fromIndex } = identities[index] as InputIdentity
    const ofEdge = sections.map(({ value }) => value.channels.filter((channel) => channel.edge === edge))
    const producers = identities.filter((identity) => identity.edge === edge).length
    // Where neither side was changed a channel is what it was; otherwise it may stand for any of them.
    const same = sections.length === 1 && ofEdge[0]?.length === producers
    const channels = same ? ofEdge.flat().filter((channel) => channel.fromIndex === fromIndex) : ofEdge.flat()
    if (channels.length === 0) return
    // Not whether it was idle: whoever is says so again, and records of others must not be late meanwhile.
    input.watermark = least(channels.map((channel) => channel.watermark))
  })
  const entered = least(sections.map(({ value }) => value.entered))
  if (entered > Number.NEGATIVE_INFINITY) time.enter(HEAD, entered, false)
  return least(sections.map(({ value }) => value.watermark))
}

/** The section that this subtask wrote, where the parallelism is the same; all of them otherwise. */
function own<T>(sections: readonly Section<T>[], { index, parallelism }: SectionParts): readonly Section<T>[] {
  if (sections[0]?.parallelism !== parallelism) return sections
  return sections.filter((section) => section.index === index)
}

function mine(sections: readonly Section[], { index, parallelism }: SectionParts): readonly unknown[] {
  return shareOf(sections, index, parallelism).map(({ value }) => value)
}

/**
 * After a change of parallelism an operator has ended where all whose place it takes had: what sources have left to read and keyed state may come
 * from any of them, the rest from those whose heir it is.
 */
function endOf(
  sections: readonly Section[],
  { index, parallelism }: Pick<SectionParts, 'index' | 'parallelism'>,
  fromAny: boolean,
): EndOfInput {
  const [first] = sections as readonly Section<EndOfInput>[]
  if (first === undefined) return { ending: false, entered: false, left: false }
  const old = first.parallelism
  const isHeir = (before: number): boolean => (old === parallelism ? before === index : before % parallelism === index)
  const all = Array.from({ length: old }, (_, before) => before)
  const heirs = all.filter(isHeir)
  const predecessors = heirs.length === 0 || (fromAny && old !== parallelism) ? all : heirs
  const written = (sections as readonly Section<EndOfInput>[]).filter((section) => predecessors.includes(section.index))
  const every = (is: (end: EndOfInput) => boolean): boolean =>
    written.length === predecessors.length && written.every(({ value }) => is(value))
  return { ending: every((end) => end.ending), entered: every((end) => end.entered), left: every((end) => end.left) }
}

/** Records in flight go where their key does; others are dealt out. */
function inFlight(sections: readonly Section[], parts: SectionParts): readonly AsyncState[] {
  const { groupOf, index, parallelism, keyGroups, nodes } = parts
  if (groupOf === undefined || sections[0]?.parallelism === parallelism) return mine(sections, parts) as readonly AsyncState[]
  const { from, to } = groupsOf(index, parallelism, keyGroups)
  const isMine = (record: unknown): boolean => {
    const group = groupOf(record)
    return group >= from && group < to
  }
  const head = nodes[0]?.node.spec
  const batches = head?.kind === 'async' && head.gathers !== undefined
  return (sections as readonly Section<AsyncState>[]).map(({ value }) => ({
    ...value,
    segments: value.segments.map((segment) => ({
      ...segment,
      entries: segment.entries.flatMap((entry) => (batches ? batchOf(entry, isMine) : isMine(entry.input) ? [entry] : [])),
    })),
  }))
}

/** Of a batch the records, and the letters, that belong here. */
function batchOf(entry: AsyncEntryState, isMine: (record: unknown) => boolean): readonly AsyncEntryState[] {
  const { times, letters } = entry
  const records = entry.input as readonly unknown[]
  const input = records.filter(isMine)
  if (input.length === 0) return []
  return [
    {
      ...entry,
      input,
      ...(times === undefined ? {} : { times: times.filter((_, at) => isMine(records[at])) }),
      ...(letters === undefined ? {} : { letters: letters.filter((letter) => isMine(letter.input)) }),
    },
  ]
}

function least(values: readonly (number | undefined)[]): number {
  let lowest = Number.POSITIVE_INFINITY
  for (const value of values) if (value !== undefined && value < lowest) lowest = value
  return values.length === 0 ? Number.NEGATIVE_INFINITY : lowest
}
