/** Which windows a pane belongs to: where they end, and where they begin. A tumbling window is a pane, sliding ones share panes. Pure. */
import type { Pane } from '../window/open-panes.js'
import { FixedGrid, gridOf, type TimeGrid } from '../window/time-grid.js'
import type { WindowDefinition } from '../window/window-types.js'

export interface PaneWindows {
  /** Where panes are. */
  readonly grid: TimeGrid
  /** The first end of a window with this pane whose last instant is behind `time`; Infinity: there is none. */
  endBehind(pane: Pane, time: number): number
  /** The end of the last window with the pane that begins at `start`. */
  lastEnd(start: number): number
  /** Where the window begins that ends at `end` and has this pane. */
  startOf(pane: Pane, end: number): number
}

export function paneWindowsOf(definition: Extract<WindowDefinition, { readonly kind: 'tumbling' | 'sliding' }>): PaneWindows {
  if (definition.kind === 'sliding') return new SharedPanes(definition.sizeMs, definition.slideMs, definition.offsetMs)
  const grid = gridOf(definition)
  return {
    grid,
    endBehind: ({ end }, time) => (end - 1 > time ? end : Number.POSITIVE_INFINITY),
    lastEnd: (start) => grid.endOf(start),
    startOf: ({ start }) => start,
  }
}

/** Windows end at `offset + size` plus multiples of the slide; a pane is as long as what divides both. */
class SharedPanes implements PaneWindows {
  readonly grid: TimeGrid
  readonly #sizeMs: number
  readonly #slideMs: number
  readonly #phaseMs: number

  constructor(sizeMs: number, slideMs: number, offsetMs: number) {
    this.grid = new FixedGrid(greatestCommonDivisor(sizeMs, slideMs), offsetMs)
    this.#sizeMs = sizeMs
    this.#slideMs = slideMs
    this.#phaseMs = offsetMs + sizeMs
  }

  endBehind(pane: Pane, time: number): number {
    const end = this.#alignedFrom(Math.max(pane.end, Math.floor(time) + 2))
    return end <= this.lastEnd(pane.start) ? end : Number.POSITIVE_INFINITY
  }

  lastEnd(start: number): number {
    return Math.floor((start + this.#sizeMs - this.#phaseMs) / this.#slideMs) * this.#slideMs + this.#phaseMs
  }

  startOf(_pane: Pane, end: number): number {
    return end - this.#sizeMs
  }

  #alignedFrom(time: number): number {
    return Math.ceil((time - this.#phaseMs) / this.#slideMs) * this.#slideMs + this.#phaseMs
  }
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right)
}
