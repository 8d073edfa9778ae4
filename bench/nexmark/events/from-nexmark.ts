/**
 * Packed events as a source. Blocks of events are dealt to the splits round robin, so that event time advances together in all of them:
 * contiguous ranges would hold every window back until the last split has been read.
 */
import { defineSource, type Source, type SourceReader } from 'sluice'
import { type ColumnOf, type EventKind, KINDS } from './layout.js'
import { OpenedEvents } from './opened-events.js'
import { noteProgress } from './progress.js'
import { type ReadRows, type RecordOfColumns, recordReader } from './record-reader.js'

export interface FromNexmarkOptions<K extends EventKind, C extends ColumnOf<K>> {
  readonly kind: K
  /** Columns of the records, in this order. */
  readonly columns: readonly C[]
  /** How many parts can be read in parallel: the parallelism of the source, since the splits of a subtask are read one after the other. Default 1. */
  readonly splits?: number | undefined
  /** Where readers note how far they are: see `progress.ts`. */
  readonly progress?: SharedArrayBuffer | undefined
}

/** Records of a batch at least, but for the last. */
const BATCH_RECORDS = 256

/**
 * @example
 * job.source('bids', fromNexmark(events, { kind: 'bids', columns: ['auction', 'price'], splits: 2 }))
 */
export function fromNexmark<K extends EventKind, C extends ColumnOf<K>>(
  buffer: SharedArrayBuffer,
  { kind, columns, splits = 1, progress }: FromNexmarkOptions<K, C>,
): Source<RecordOfColumns<K, C>> {
  return defineSource({
    splits: () => Array.from({ length: splits }, (_, split) => split),
    open: (split): SourceReader<RecordOfColumns<K, C>> => {
      const events = new OpenedEvents(buffer)
      return new BlockReader(events, kind, recordReader(events, kind, columns), { split, splits, progress })
    },
    replayable: true,
    options: { type: 'nexmark', kind, columns: [...columns], splits },
  })
}

interface Share {
  readonly split: number
  readonly splits: number
  readonly progress: SharedArrayBuffer | undefined
}

class BlockReader<T> implements SourceReader<T> {
  readonly #events: OpenedEvents
  readonly #kind: EventKind
  readonly #read: ReadRows<T>
  readonly #share: Share
  #block: number

  constructor(events: OpenedEvents, kind: EventKind, read: ReadRows<T>, share: Share) {
    this.#events = events
    this.#kind = kind
    this.#read = read
    this.#share = share
    this.#block = share.split
  }

  next(): readonly T[] | undefined {
    const events = this.#events
    const { split, splits, progress } = this.#share
    const { blocks } = events
    const records: T[] = []
    if (progress !== undefined) noteProgress(progress, KINDS.indexOf(this.#kind) * splits + split, this.#block / blocks)
    while (this.#block < blocks && records.length < BATCH_RECORDS) {
      this.#read(events.firstRow(this.#kind, this.#block), events.firstRow(this.#kind, this.#block + 1), records)
      this.#block += splits
    }
    return records.length === 0 ? undefined : records
  }
}
