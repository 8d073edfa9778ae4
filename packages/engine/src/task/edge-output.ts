/**
 * The way out of a chain over one edge: picks the channel by the partitioner and stages the record there. One function is
 * generated per edge, so that its encoder and key function have call sites of their own.
 */
import type { LocalOutput } from '../channel/local-channel.js'
import type { RingOutput } from '../channel/ring-output.js'
import type { RecordEncoder } from '../codec/contract.js'
import type { Partitioning } from '../graph/logical-graph.js'
import { describeError, SluiceError } from '../errors/sluice-error.js'
import { hashKey, keyGroupOf, subtaskOf } from '../key/index.js'

/** Stages one record with its timestamp (NaN on untimed edges). */
export type Emit = (record: unknown, timestamp: number) => void

export interface EdgeOutput {
  readonly name: string
  /** Who reads the edge: its key function was declared with it. */
  readonly consumer: { readonly name: string; readonly declaredAt?: string | undefined }
  readonly partitioning: Partitioning
  readonly timed: boolean
  readonly encoder: RecordEncoder
  /** By consumer subtask index; a forward edge has one. */
  readonly channels: readonly (RingOutput | LocalOutput)[]
  readonly keyOf: ((record: never) => unknown) | undefined
  readonly keyGroups: number
  /** Encode and freeze every record, local ones too. */
  readonly checkRecords: boolean
}

interface EmitParts {
  readonly encoder: RecordEncoder
  readonly channels: readonly (RingOutput | LocalOutput)[]
  readonly keyOf: (record: never) => unknown
  readonly hashKey: typeof hashKey
  /** Consumer index by key group. */
  readonly routes: Uint16Array
  readonly keyGroups: number
  readonly keyGroupOf: typeof keyGroupOf
  readonly keyFailed: (error: unknown) => never
  readonly inspect: (record: unknown) => void
}

export function createEmit(edge: EdgeOutput, codeGeneration: boolean): Emit {
  const parts: EmitParts = {
    encoder: edge.encoder,
    channels: edge.channels,
    keyOf: edge.keyOf ?? ((record) => record),
    hashKey,
    routes: Uint16Array.from({ length: edge.keyGroups }, (_, group) => subtaskOf(group, edge.channels.length, edge.keyGroups)),
    keyGroups: edge.keyGroups,
    keyGroupOf,
    keyFailed: (error) => {
      const coordinates = { edge: edge.name, operator: edge.consumer.name, declaredAt: edge.consumer.declaredAt }
      if (error instanceof SluiceError) throw error.at(coordinates)
      throw new SluiceError('SLUICE_OPERATOR_FAILED', `The key function of edge ${edge.name} threw ${describeError(error)}.`, {
        ...coordinates,
        cause: error,
      })
    },
    inspect: (record) => {
      try {
        edge.encoder.sizeOf(record)
      } catch (error) {
        throw error instanceof SluiceError ? error.at({ edge: edge.name }) : error
      }
      freezeDeeply(record)
    },
  }
  return codeGeneration ? generateEmit(edge, parts) : interpretEmit(edge, parts)
}

function generateEmit(edge: EdgeOutput, parts: EmitParts): Emit {
  const { channels, timed } = edge
  const stage = (channel: RingOutput | LocalOutput, name: string) => (channel.isRing ? ringStage(name, timed) : localStage(name, timed))
  let body: string
  if (channels.length === 1) body = stage(channels[0] as RingOutput, 'c0')
  else if (edge.partitioning === 'broadcast') body = channels.map((channel, index) => `{ ${stage(channel, `c${index}`)} }`).join('\n')
  else {
    const pick =
      edge.partitioning === 'hash'
        ? `let to
      try { to = routes[keyGroupOf(hashKey(keyOf(r)), keyGroups)] } catch (error) { keyFailed(error) }`
        : `const to = turn; turn = to + 1 === ${channels.length} ? 0 : to + 1`
    body = `${pick}\n${dispatch(channels, stage, 0, channels.length)}`
  }
  const source = `'use strict'
    const { encoder, channels, keyOf, hashKey, routes, keyGroups, keyGroupOf, keyFailed, inspect } = parts
    ${channels.map((_, index) => `const c${index} = channels[${index}]`).join('\n')}
    let turn = 0
    return function emit(r, t) {
      ${edge.checkRecords ? 'inspect(r)' : ''}
      ${body}
    }`
  return new Function('parts', source)(parts) as Emit
}

/** A binary search of `to`, so that each channel has its own straight-line code up to a few, and few branches beyond. */
function dispatch(
  channels: readonly (RingOutput | LocalOutput)[],
  stage: (channel: RingOutput | LocalOutput, name: string) => string,
  from: number,
  to: number,
): string {
  if (to - from === 1) return stage(channels[from] as RingOutput, `c${from}`)
  const middle = (from + to) >> 1
  return `if (to < ${middle}) { ${dispatch(channels, stage, from, middle)} } else { ${dispatch(channels, stage, middle, to)} }`
}

function ringStage(channel: string, timed: boolean): string {
  // With the room made first, the slow half is not called in the long run, and V8 may keep the record from being made at all.
  return `
      if (${channel}.at + encoder.leastBytes > ${channel}.limit) ${channel}.seal()
      let end = encoder.encode(r, ${channel}.view, ${channel}.bytes, ${channel}.at, ${channel}.limit)
      if (end < 0) end = ${channel}.stageSlowly(r, t, end)
      if (end >= 0) {
        ${channel}.at = end
        ${timed ? `${channel}.times[${channel}.count] = t` : ''}
        if (++${channel}.count === ${channel}.maxRecords) ${channel}.seal()
      }`
}

function localStage(channel: string, timed: boolean): string {
  return `
      if (r === undefined || r === null || r.constructor !== Object) ${channel}.check(r)
      ${channel}.records[${channel}.count] = r
      ${timed ? `${channel}.times[${channel}.count] = t` : ''}
      if (++${channel}.count === ${channel}.maxRecords) ${channel}.seal()`
}

/** The same without generated code. */
function interpretEmit(edge: EdgeOutput, parts: EmitParts): Emit {
  const { channels, encoder, keyOf, keyFailed, routes, keyGroups, inspect } = parts
  const { timed, checkRecords } = edge
  const stage = (channel: RingOutput | LocalOutput, record: unknown, timestamp: number): void => {
    if (channel.isRing) {
      const ring = channel as RingOutput
      let end = encoder.encode(record, ring.view, ring.bytes, ring.at, ring.limit)
      if (end < 0) end = ring.stageSlowly(record, timestamp, end)
      if (end < 0) return
      ring.at = end
      if (timed) ring.times[ring.count] = timestamp
      if (++ring.count === ring.maxRecords) ring.seal()
      return
    }
    const local = channel as LocalOutput
    local.check(record)
    local.records[local.count] = record
    if (timed) local.times[local.count] = timestamp
    if (++local.count === local.maxRecords) local.seal()
  }
  let turn = 0
  const pick = (record: unknown): number => {
    if (edge.partitioning === 'hash') {
      try {
        return routes[keyGroupOf(hashKey(keyOf(record as never)), keyGroups)] as number
      } catch (error) {
        keyFailed(error)
      }
    }
    const to = turn
    turn = to + 1 === channels.length ? 0 : to + 1
    return to
  }
  return (record, timestamp) => {
    if (checkRecords) inspect(record)
    if (channels.length === 1) stage(channels[0] as RingOutput, record, timestamp)
    else if (edge.partitioning === 'broadcast') for (const channel of channels) stage(channel, record, timestamp)
    else stage(channels[pick(record)] as RingOutput, record, timestamp)
  }
}

function freezeDeeply(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return
  Object.freeze(value)
  for (const key of Reflect.ownKeys(value)) freezeDeeply((value as Record<PropertyKey, unknown>)[key])
}
