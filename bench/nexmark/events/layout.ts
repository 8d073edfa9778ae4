/**
 * How events lie in one SharedArrayBuffer: made once, written by one thread, and only read afterwards, by any number of threads.
 *
 * A text header says where each section begins. Every kind of event has one column per field, its rows in the order of the events: numbers
 * as Int32, times as Int32 ms after the base time, strings of which there are few as Uint16 indexes of a dictionary, others as Latin-1 bytes
 * with their offsets. `number` is the number of the event. Beside them lie the kind of every event, and for every block of events the first
 * row of each kind, so that a reader can begin at any block.
 */
import type { Auction, Bid, GeneratorOptions, Person } from '../generator/model.js'

/** How a column is kept. */
export type Encoding = 'int32' | 'time' | 'dictionary' | 'text'

export interface Numbered {
  /** Of the event, from 0 in the order of arrival: of equal ones the lower counts as the earlier. */
  readonly number: number
}

/** The records of each kind of event with all columns. */
export interface EventRecords {
  readonly persons: Person & Numbered
  readonly auctions: Auction & Numbered
  readonly bids: Bid & Numbered
}

export type EventKind = keyof EventRecords
export type ColumnOf<K extends EventKind> = keyof EventRecords[K] & string

export const KINDS: readonly EventKind[] = ['persons', 'auctions', 'bids']

export const ENCODINGS: { readonly [K in EventKind]: { readonly [C in ColumnOf<K>]: Encoding } } = {
  persons: {
    id: 'int32',
    name: 'dictionary',
    emailAddress: 'text',
    creditCard: 'text',
    city: 'dictionary',
    state: 'dictionary',
    dateTime: 'time',
    extra: 'text',
    number: 'int32',
  },
  auctions: {
    id: 'int32',
    itemName: 'text',
    description: 'text',
    initialBid: 'int32',
    reserve: 'int32',
    dateTime: 'time',
    expires: 'time',
    seller: 'int32',
    category: 'int32',
    extra: 'text',
    number: 'int32',
  },
  bids: {
    auction: 'int32',
    bidder: 'int32',
    price: 'int32',
    channel: 'dictionary',
    url: 'dictionary',
    dateTime: 'time',
    extra: 'text',
    number: 'int32',
  },
}

/** Counts changes of this layout or of the generator: buffers that were kept are good for their version alone. */
export const LAYOUT_VERSION = 1

/** Events of a block: what one split reads in a row. */
export const BLOCK_EVENTS = 256

export type SectionType = 'uint8' | 'uint16' | 'int32' | 'uint32'

export interface Section {
  readonly type: SectionType
  /** In bytes, from the begin of the buffer. */
  readonly at: number
  /** In elements. */
  readonly length: number
}

export interface Header {
  readonly options: { readonly [P in keyof GeneratorOptions]-?: NonNullable<GeneratorOptions[P]> }
  readonly rows: { readonly [K in EventKind]: number }
  readonly sections: Readonly<Record<string, Section>>
}

/** Sections are aligned to so many bytes. */
export const ALIGNMENT = 8
/** Bytes in front of the header's text: its length as Uint32. */
export const HEADER_AT = 8

export const KIND_SECTION = 'kind'
export const BLOCKS_SECTION = 'blocks'

export const valuesSection = (kind: EventKind, column: string): string => `${kind}.${column}`
export const bytesSection = (kind: EventKind, column: string): string => `${kind}.${column}.bytes`
export const dictionarySection = (kind: EventKind, column: string): string => `${kind}.${column}.dictionary`
