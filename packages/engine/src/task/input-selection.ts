/**
 * Which of its inputs a subtask reads next, where edges into it have a weight or a priority. Runs on the thread of the subtask, once per driver call; knows
 * neither channels nor clocks.
 *
 * Inputs of the highest priority come first; among those of one priority the one that has had the least of the subtask's time for its weight (start-time fair
 * queueing over measured time: Goyal, Vin, Cheng 1996); within an edge its channels in turn. What has nothing to read is passed over at once, so nobody waits
 * while there is something: only a barrier that is being aligned may keep an input from being read.
 */

/** An input that was not read for so much of the subtask's work is read a little, whatever its weight and priority, in ms. */
export const STARVED_MS_MAX = 1000
/** So much of the subtask's time it gets then, in ms; at least one driver call. */
export const STARVED_TURN_MS = 10
/** What an input without records may have saved up when it has some again, in ms of the subtask's time. */
export const SAVED_MS_MAX = 20
/** What one driver call counts at least, in ms: clocks may stand still meanwhile. */
const CALL_MS_MIN = 0.001
const FIRST_DRIVE_RECORDS = 16

export interface SelectedEdge {
  readonly weight: number
  readonly priority: number
  /** Positions among the channels of the subtask. */
  readonly channels: readonly number[]
}

/** Edges of one priority. */
interface Rank {
  readonly priority: number
  /** How far the one that was read last had come. */
  virtualMs: number
}

interface Standing {
  readonly channels: readonly number[]
  readonly weight: number
  readonly rank: Rank
  /** Time it has had, by its weight. */
  virtualMs: number
  /** Next of its channels. */
  turn: number
  /** Channels that had nothing in this round. */
  empty: number
  /** When it was read last, or had nothing, by the work of the subtask. */
  lookedAtMs: number
  driveRecords: number
}

export class InputSelection {
  readonly #edges: readonly Standing[]
  /** The one that was chosen. */
  #chosen: Standing
  /** The one that was read last. */
  #read: Standing
  #starved: Standing | undefined
  #starvedLeftMs = 0
  /** Time of all driver calls so far. */
  #workMs = 0
  /** Nobody starves before. */
  #lookAtMs: number = STARVED_MS_MAX

  constructor(edges: readonly SelectedEdge[]) {
    const ranks = new Map<number, Rank>()
    this.#edges = edges.map(({ weight, priority, channels }) => {
      const rank = ranks.get(priority) ?? { priority, virtualMs: 0 }
      ranks.set(priority, rank)
      return { channels, weight, rank, virtualMs: 0, turn: 0, empty: 0, lookedAtMs: 0, driveRecords: FIRST_DRIVE_RECORDS }
    })
    this.#chosen = this.#read = this.#edges[0] as Standing
  }

  /** Records for the next driver call over the chosen edge: each edge has its own number, because its records have their own cost. */
  get driveRecords(): number {
    return this.#chosen.driveRecords
  }

  set driveRecords(count: number) {
    this.#chosen.driveRecords = count
  }

  /** The channel to read next. When all have been passed over, a round begins anew. */
  choose(): number {
    let best: Standing | undefined
    for (const edge of this.#edges) {
      if (edge.empty < edge.channels.length && (best === undefined || this.#precedes(edge, best))) best = edge
    }
    if (best === undefined) {
      for (const edge of this.#edges) edge.empty = 0
      return this.choose()
    }
    this.#chosen = best
    return best.channels[best.turn] as number
  }

  /** The chosen channel has nothing, or is refused: the one to look at instead. */
  pass(): number {
    const edge = this.#chosen
    edge.turn = edge.turn + 1 === edge.channels.length ? 0 : edge.turn + 1
    if (++edge.empty === edge.channels.length) {
      edge.lookedAtMs = this.#workMs
      if (this.#starved === edge) this.#starved = undefined
    }
    return this.choose()
  }

  /** The chosen channel was read for so long; `frameEnds`: the next frame comes from another channel of its edge. The channel to read next. */
  count(elapsedMs: number, frameEnds: boolean): number {
    const edge = this.#chosen
    const { rank } = edge
    const fromMs = this.#startOf(edge)
    if (fromMs > rank.virtualMs) rank.virtualMs = fromMs
    edge.virtualMs = fromMs
    if (frameEnds) edge.turn = edge.turn + 1 === edge.channels.length ? 0 : edge.turn + 1
    for (const each of this.#edges) each.empty = 0
    this.#read = edge
    this.countMore(Math.max(CALL_MS_MIN, elapsedMs))
    return this.choose()
  }

  /** What was read last has taken more time behind its driver call: what one of its records expands to. */
  countMore(elapsedMs: number): void {
    const edge = this.#read
    edge.virtualMs += elapsedMs / edge.weight
    this.#workMs += elapsedMs
    edge.lookedAtMs = this.#workMs
    if (this.#starved === edge) {
      this.#starvedLeftMs -= elapsedMs
      if (this.#starvedLeftMs <= 0) this.#starved = undefined
    }
    if (this.#starved === undefined && this.#workMs >= this.#lookAtMs) this.#lookForStarved()
  }

  #lookForStarved(): void {
    let longest = this.#edges[0] as Standing
    for (const edge of this.#edges) if (edge.lookedAtMs < longest.lookedAtMs) longest = edge
    this.#lookAtMs = longest.lookedAtMs + STARVED_MS_MAX
    if (this.#lookAtMs > this.#workMs) return
    this.#starved = longest
    this.#starvedLeftMs = STARVED_TURN_MS
  }

  #precedes(edge: Standing, other: Standing): boolean {
    if (this.#starved === edge || this.#starved === other) return this.#starved === edge
    if (edge.rank !== other.rank) return edge.rank.priority > other.rank.priority
    return this.#startOf(edge) < this.#startOf(other)
  }

  /** Where it goes on: an hour without records is no hour of credit. */
  #startOf({ virtualMs, rank, weight }: Standing): number {
    return Math.max(virtualMs, rank.virtualMs - SAVED_MS_MAX / weight)
  }
}
