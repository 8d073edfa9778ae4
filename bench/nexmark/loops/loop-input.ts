/**
 * What a hand-written loop reads: a function per kind of event, called with each record in turn. The loop over the rows is generated with
 * the columns that the function reads; there is nothing between it and the function, so V8 inlines the one into the other and need not
 * even make records that nobody keeps. Within a block persons come first, then auctions, then bids.
 */
import { Generator } from '../generator/generator.js'
import { type ColumnOf, type EventKind, KINDS } from '../events/layout.js'
import type { OpenedEvents } from '../events/opened-events.js'
import { type RecordOfColumns, recordVisitor, type VisitRows } from '../events/record-reader.js'

type Handler = (from: number, to: number) => void

export class LoopInput {
  readonly #events: OpenedEvents
  readonly #handlers = new Map<EventKind, Handler>()
  readonly #watermarks: Generator
  #onWatermark: ((watermark: number) => void) | undefined

  constructor(events: OpenedEvents) {
    this.#events = events
    this.#watermarks = new Generator(events.header.options)
  }

  on<K extends EventKind, C extends ColumnOf<K>>(kind: K, columns: readonly C[], fn: (record: RecordOfColumns<K, C>) => void): void {
    const visit: VisitRows<RecordOfColumns<K, C>> = recordVisitor(this.#events, kind, columns)
    this.#handlers.set(kind, (from, to) => visit(from, to, fn))
  }

  /** Called after each block: no later record has a timestamp at or before the watermark. */
  onWatermark(fn: (watermark: number) => void): void {
    this.#onWatermark = fn
  }

  /** Reads blocks `from` to `to` - 1. */
  read(from: number, to: number): void {
    const events = this.#events
    const handlers = KINDS.flatMap((kind) => {
      const handler = this.#handlers.get(kind)
      return handler === undefined ? [] : [{ kind, handler }]
    })
    for (let block = from; block < to; block++) {
      for (const { kind, handler } of handlers) handler(events.firstRow(kind, block), events.firstRow(kind, block + 1))
      this.#onWatermark?.(this.#watermarks.watermark(events.eventAt(block + 1)) - 1)
    }
  }
}

/** A loop registers what it reads, gives rows to `emit`, and returns what is to be done at the end. */
export type Loop<R> = (input: LoopInput, emit: (row: R) => void) => void | (() => void)
