/**
 * What a subtask writes into a checkpoint and reads from one. Everything is told by the name of the operator, never by task or subtask ids, so
 * that it finds its place at another parallelism and in a changed graph. Keyed state goes by key group; all else is sections of plain data.
 */
import type { StateRegistry } from '../state/state-registry.js'
import type { ChannelSlice } from '../channel/channel-slice.js'
import type { SnapshotFileHandle } from './protocol.js'

/** Sections of an operator, at most one of each per subtask; of parts any number. */
export type SectionName =
  /** What `Operator.snapshot` gave. */
  | 'operator'
  /** What `Operator.snapshotParts` gave, in that order. */
  | 'part'
  /** Its watermark and, for a `timestamps` operator, its tracker. */
  | 'time'
  /** Splits, positions. */
  | 'source'
  /** Records in flight of an asynchronous operator. */
  | 'in-flight'
  /** Records not yet written, transactions not yet committed. */
  | 'sink'
  /** How far the end of the input has come. */
  | 'end'
  /** Watermarks of the channels into the operator at the head of a chain. */
  | 'inputs'

/** A section as it was written. */
export interface Section<T = unknown> {
  /** Who wrote it. */
  readonly index: number
  readonly parallelism: number
  readonly value: T
}

/** One subtask's part of one checkpoint, on its way to storage. Runs on the subtask's thread; encoding is synchronous, writing is not. */
export interface SnapshotWriter {
  /**
   * Bytes encoded and not yet handed to storage durably. At `SNAPSHOT_WRITE_BYTES_MAX` the subtask writes no more until they are but what is about to change, and at
   * `SNAPSHOT_PENDING_BYTES_MAX` it takes no record.
   */
  readonly pendingBytes: number
  /** Writes a section: plain data, encoded at once. */
  section(operator: string, name: SectionName, value: unknown): void
  /** Takes state that comes in parts, each of them plain data; they are asked for by `step`, and `return` is called where no more are wanted. */
  parts(operator: string, parts: Iterator<unknown>): void
  /** Writes what a barrier overtook on one channel, or a part of it. */
  slice(slice: ChannelSlice): void
  /** Freezes the keyed state of an operator; the rest is written by `step`. */
  freeze(operator: string, state: StateRegistry): void
  /** Goes on writing frozen state, and parts, until `late` says so or too much is pending; true when all of it is written. */
  step(late: () => boolean): boolean
  /** Settles when everything is durable; undefined where there was nothing to write. */
  finish(): Promise<SnapshotFileHandle | undefined>
  /** Thaws what is frozen and gives up what was written; never fails. */
  discard(): Promise<void>
  readonly stateBytes: number
  readonly channelBytes: number
}

/** Makes the writers of one thread. */
export interface SnapshotWriters {
  /** `onRoom` is called when some of what was pending has been written, or nothing will be any more: a subtask that waits for it may sleep. */
  begin(id: number, subtask: number, onRoom?: () => void): SnapshotWriter
}

/** A checkpoint as the subtasks of one thread read it. Reads are cached where several subtasks ask for the same. */
export interface SnapshotReader {
  readonly id: number
  /** Sections of an operator by the index of the subtask that wrote them; empty where the operator is new. */
  sections(operator: string, name: SectionName): Promise<readonly Section[]>
  /**
   * Loads keyed state of the key groups `from` to `to - 1` into the tables of an operator, by the names of the states.
   * Fails with `SLUICE_STATE_INCOMPATIBLE`, naming operator, state and field, before anything was changed.
   */
  loadKeyed(operator: string, from: number, to: number, state: StateRegistry): Promise<void>
  /** Parts of the state of an operator, in order, of the subtasks that `isMine` names by their index: read one at a time, and not kept. */
  parts(operator: string, isMine: (index: number) => boolean): AsyncIterable<unknown>
  /** What barriers overtook on a logical edge, in the order of the records of each channel. */
  slices(edge: string): Promise<readonly ChannelSlice[]>
}

/** Most bytes of a snapshot that wait for storage, per subtask. */
export const SNAPSHOT_PENDING_BYTES_MAX: number = 8 * 1024 * 1024

/** Up to this frozen state is written ahead of its change: the rest is room for rows that cannot wait, so that storage seldom holds records up. */
export const SNAPSHOT_WRITE_BYTES_MAX: number = SNAPSHOT_PENDING_BYTES_MAX / 2
