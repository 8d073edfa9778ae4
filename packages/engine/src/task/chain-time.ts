/**
 * Event time within a chain. A watermark enters at the head, or is made by a `timestamps` operator; it visits the operators behind
 * it one after the other, each of which fires what is due, and leaves on the outputs when all have. Each `timestamps` operator begins a
 * domain of its own, which ends where the next one stands.
 *
 * A visit is resumable: it stops where the gate closes or an expansion is suspended, and goes on before the next record is taken. So an
 * operator never sees a record between its watermark and the last thing that was due.
 */
import type { OutputChannel } from '../channel/output-channel.js'
import { type ChainNode, holdingOperator } from './chain-drivers.js'

/** Holds records back that came before a watermark: it waits behind them. */
export interface TimeHolder {
  readonly holdsTime: boolean
  mark(watermark: number, idle: boolean): void
}

interface Domain {
  /** Positions of operators that time concerns, in the order of the chain. */
  readonly stops: readonly number[]
  readonly outputs: readonly OutputChannel[]
  /** In front of everything: what came before a watermark leaves before it. */
  readonly holder: TimeHolder | undefined
  /** Index of the stop being visited, -1: no visit is under way. */
  at: number
  entered: boolean
  watermark: number
  idle: boolean
  /** The watermark with which the last visit ended. */
  reached: number
}

export interface ChainTimeParts {
  readonly nodes: readonly ChainNode[]
  /** Position of the producer within the chain, -1 for the head. */
  readonly parents: readonly number[]
  /** Edges that leave the chain, by position. */
  readonly outputsOf: readonly (readonly OutputChannel[])[]
  /** Whether an output lacks credit; tables at their limit stand in front of what fires. */
  readonly held: () => boolean
  readonly expanding: () => boolean
  readonly fail: (position: number, error: unknown) => never
  /** What all operators have reached; where watermarks are made in the chain, those behind them count. */
  readonly reached: (watermark: number) => void
}

/** Positions are counted from 0; the head's own domain has this root. */
export const HEAD = -1

/** Firings between two looks at the clock. */
const FIRINGS_PER_LOOK = 32

export class ChainTime {
  readonly #parts: ChainTimeParts
  readonly #domains = new Map<number, Domain>()
  /** By position: what its operator has seen. */
  readonly #seen: Float64Array
  /** Positions whose deadline has passed and that may have more to fire. */
  readonly #due: number[] = []

  constructor(parts: ChainTimeParts) {
    this.#parts = parts
    const { nodes, parents, outputsOf } = parts
    this.#seen = new Float64Array(nodes.length).fill(Number.NEGATIVE_INFINITY)
    const rootOf: number[] = []
    nodes.forEach(({ node }, position) => {
      const parent = parents[position] as number
      rootOf.push(node.spec.kind === 'timestamps' ? position : parent < 0 ? HEAD : (rootOf[parent] as number))
    })
    for (const root of new Set([HEAD, ...rootOf])) {
      const members = rootOf.flatMap((each, position) => (each === root ? [position] : []))
      this.#domains.set(root, {
        stops: members.filter((position) => nodes[position]?.operator !== undefined),
        outputs: members.flatMap((position) => outputsOf[position] ?? []),
        holder: root === HEAD ? holderOf(nodes[0]) : undefined,
        at: -1,
        entered: false,
        watermark: Number.NEGATIVE_INFINITY,
        idle: false,
        reached: Number.NEGATIVE_INFINITY,
      })
    }
  }

  /** A visit is under way, or something whose deadline has passed is firing. */
  get active(): boolean {
    if (this.#due.length > 0) return true
    for (const domain of this.#domains.values()) if (domain.at >= 0) return true
    return false
  }

  watermarkAt(position: number): number {
    return this.#seen[position] as number
  }

  /** The watermark that entered a domain last; -Infinity: none did. */
  enteredAt(root: number): number {
    return (this.#domains.get(root) as Domain).watermark
  }

  /** After a restore: what the operator at a position has seen. Whatever is due there fires before the next record. */
  restoreSeen(position: number, watermark: number): void {
    this.#seen[position] = watermark
    this.deadlinePassed(position)
  }

  /** A new watermark of a domain, or another status; where results in flight are older it waits behind them. */
  advance(root: number, watermark: number, idle: boolean): void {
    const domain = this.#domains.get(root) as Domain
    if (domain.holder?.holdsTime === true) domain.holder.mark(watermark, idle)
    else this.enter(root, watermark, idle)
  }

  /** Begins the visit at once. */
  enter(root: number, watermark: number, idle: boolean): void {
    const domain = this.#domains.get(root) as Domain
    domain.watermark = watermark
    domain.idle = idle
    if (domain.at < 0) {
      domain.at = 0
      domain.entered = false
    }
  }

  /** The operator at a position may have more to fire, now that its deadline has passed. */
  deadlinePassed(position: number): void {
    if (this.#parts.nodes[position]?.operator?.fire !== undefined) this.#due.push(position)
  }

  /** Goes on with everything that is under way, until `late` says so; true where something moved. */
  run(late: () => boolean): boolean {
    let moved = false
    while (this.#due.length > 0) {
      moved = true
      if (!this.#fire(this.#due[0] as number, late)) return true
      this.#due.shift()
    }
    for (const domain of this.#domains.values()) {
      if (domain.at < 0) continue
      moved = true
      if (!this.#visit(domain, late)) return true
    }
    return moved
  }

  /** The end of the input reaches the operator at a position: nothing more will come. False where it has more to fire. */
  end(position: number, late: () => boolean): boolean {
    const { operator } = this.#parts.nodes[position] as ChainNode
    if (operator === undefined) return true
    this.#show(position, Number.POSITIVE_INFINITY)
    return this.#fire(position, late)
  }

  /** Fires until nothing is due. */
  settle(position: number, late: () => boolean): boolean {
    return this.#fire(position, late)
  }

  #visit(domain: Domain, late: () => boolean): boolean {
    while (domain.at < domain.stops.length) {
      const position = domain.stops[domain.at] as number
      if (!domain.entered) {
        domain.entered = true
        this.#show(position, domain.watermark)
      }
      if (!this.#fire(position, late)) return false
      domain.entered = false
      domain.at++
    }
    domain.at = -1
    for (const output of domain.outputs) output.sendWatermark(domain.watermark, domain.idle)
    domain.reached = domain.watermark
    this.#parts.reached(this.#reached())
    return true
  }

  #reached(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const [root, { reached }] of this.#domains) {
      if (root === HEAD && this.#domains.size > 1) continue
      if (reached < lowest) lowest = reached
    }
    return lowest
  }

  #show(position: number, watermark: number): void {
    if (watermark <= this.watermarkAt(position)) return
    this.#seen[position] = watermark
    try {
      this.#parts.nodes[position]?.operator?.onWatermark?.(watermark)
    } catch (error) {
      this.#parts.fail(position, error)
    }
  }

  /** False where the gate closed, an expansion is suspended or it got late. */
  #fire(position: number, late: () => boolean): boolean {
    const { held, expanding, nodes, fail } = this.#parts
    const { operator } = nodes[position] as ChainNode
    if (operator?.fire === undefined) return true
    try {
      for (let count = 1; ; count++) {
        if (held() || expanding()) return false
        if (!operator.fire()) return true
        if (count % FIRINGS_PER_LOOK === 0 && late()) return false
      }
    } catch (error) {
      return fail(position, error)
    }
  }
}

function holderOf(head: ChainNode | undefined): TimeHolder | undefined {
  if (head?.table !== undefined) return head.table.emits ? head.table : undefined
  const operator = holdingOperator(head)
  if (operator === undefined) return undefined
  return {
    get holdsTime() {
      return operator.holding > 0
    },
    mark: (watermark, idle) => operator.holdWatermark(watermark, idle),
  }
}
