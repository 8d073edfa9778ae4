/**
 * The wait-for graph of an interval. A subtask without credit waits for the consumers of the channels that it was blocked on; a consumer that refuses an
 * input, because the barrier of a checkpoint has not arrived on all of them, waits for the producers of those it does read. A walk ends at what waits for
 * nobody. Time is shared out over the branches by how long each one was waited for, so that a slow consumer among many is found, and paths that meet
 * again add up. Pure.
 */
import type { PhysicalPlan } from '../plan/physical-plan.js'
import { type Interval, shareOfTime } from './interval.js'
import { OK_SHARE_MAX } from './pressure-level.js'

/** One subtask waits for another. */
export interface Wait {
  readonly to: number
  /** Planned edge between them. */
  readonly edge: number
  /** Against the stream: `to` sends what is waited for. */
  readonly upstream: boolean
  /** Of the waiting of the subtask, 0 to 1; what is left is its own doing. */
  readonly share: number
}

/** How long a subtask lacked credit; by its own account or, where that lags, by its channel that was blocked longest. */
export function heldBackMs(plan: PhysicalPlan, interval: Interval, subtask: number): number {
  let ms = interval.subtasks[subtask]?.backpressuredMs ?? 0
  for (const channel of outputsOf(plan, subtask)) ms = Math.max(ms, interval.channels[channel]?.blockedMs ?? 0)
  return Math.min(ms, interval.elapsedMs)
}

export function outputsOf(plan: PhysicalPlan, subtask: number): readonly number[] {
  const { task = -1, index = 0 } = plan.subtasks[subtask] ?? {}
  return (plan.tasks[task]?.outputs ?? []).flatMap((id) => {
    const edge = plan.edges[id]
    if (edge === undefined) return []
    if (edge.partitioning === 'forward') return edge.channels.slice(index, index + 1)
    const width = plan.tasks[edge.toTask]?.parallelism ?? 0
    return edge.channels.slice(index * width, (index + 1) * width)
  })
}

/**
 * Why a subtask is waited for: it does not take what is sent to it, or it has not sent what is awaited. Whoever does not send may itself wait for input, which
 * holds nobody back in the other case.
 */
type Awaited = 'to-take' | 'to-send'

/** Where the walk is: at a subtask, for a reason. */
interface Stand {
  readonly subtask: number
  readonly waits: readonly Wait[]
  /** Of the time it is waited for: what is its own doing. */
  readonly own: number
}

/** What is left to share out may be dropped: nobody sees it. */
const REST_MAX = 1e-3
/**
 * Longer than any graph is deep. At one instant nobody waits for himself: whoever is waited for to send a barrier has sent none to those who refuse him. Over an
 * interval it may seem so; then the walk ends here.
 */
const ROUNDS_MAX = 64

/** Memoised; shares flow through the graph in rounds, so circles do no harm. */
export class WaitForWalk {
  readonly #plan: PhysicalPlan
  readonly #interval: Interval
  readonly #ends = new Map<string, ReadonlyMap<number, number>>()
  readonly #stands = new Map<string, Stand>()
  readonly #inputs: readonly (readonly number[])[]

  constructor(plan: PhysicalPlan, interval: Interval) {
    this.#plan = plan
    this.#interval = interval
    const inputs: number[][] = plan.subtasks.map(() => [])
    for (const { id, toSubtask } of plan.channels) inputs[toSubtask]?.push(id)
    this.#inputs = inputs
  }

  /** Subtasks at which the waiting ends, with their shares; the shares add up to 1. A subtask that does not wait is its own end. */
  endsOf(subtask: number): ReadonlyMap<number, number> {
    return this.#endsOf(subtask, 'to-take')
  }

  /** From a subtask to an end: at each step the branch that contributes most. */
  pathOf(subtask: number, end: number): readonly Wait[] {
    const path: Wait[] = []
    const passed = new Set([subtask])
    let stand = this.#standAt(subtask, 'to-take')
    while (stand.subtask !== end) {
      let best: Wait | undefined
      let most = 0
      for (const wait of stand.waits) {
        if (passed.has(wait.to)) continue
        const amount = wait.share * (this.#endsOf(wait.to, reasonOf(wait)).get(end) ?? 0)
        if (amount <= most) continue
        most = amount
        best = wait
      }
      if (best === undefined) break
      path.push(best)
      passed.add(best.to)
      stand = this.#standAt(best.to, reasonOf(best))
    }
    return path
  }

  #endsOf(subtask: number, awaited: Awaited): ReadonlyMap<number, number> {
    const key = `${subtask} ${awaited}`
    let ends = this.#ends.get(key)
    if (ends === undefined) {
      ends = this.#follow(this.#standAt(subtask, awaited))
      this.#ends.set(key, ends)
    }
    return ends
  }

  #follow(start: Stand): ReadonlyMap<number, number> {
    const ends = new Map<number, number>()
    let moving = new Map([[start, 1]])
    let rest = 1
    for (let round = 0; rest > REST_MAX && round < ROUNDS_MAX; round++) {
      const next = new Map<Stand, number>()
      for (const [stand, amount] of moving) {
        if (stand.own > 0) ends.set(stand.subtask, (ends.get(stand.subtask) ?? 0) + amount * stand.own)
        rest -= amount * stand.own
        for (const wait of stand.waits) {
          const to = this.#standAt(wait.to, reasonOf(wait))
          next.set(to, (next.get(to) ?? 0) + amount * wait.share)
        }
      }
      moving = next
    }
    const ended = 1 - rest
    // Everything goes round in circles.
    if (ended <= REST_MAX) return new Map([...moving].map(([{ subtask }, amount]) => [subtask, amount]))
    return new Map([...ends].map(([end, share]) => [end, share / ended]))
  }

  #standAt(subtask: number, awaited: Awaited): Stand {
    const key = `${subtask} ${awaited}`
    let stand = this.#stands.get(key)
    if (stand === undefined) {
      let waits = this.#waitsForCredit(subtask)
      if (waits.length === 0) waits = this.#waitsForInput(subtask, awaited)
      const shared = waits.reduce((sum, { share }) => sum + share, 0)
      stand = { subtask, waits, own: shared > 1 - REST_MAX ? 0 : 1 - shared }
      this.#stands.set(key, stand)
    }
    return stand
  }

  #waitsForCredit(subtask: number): readonly Wait[] {
    const { elapsedMs, channels } = this.#interval
    if (shareOfTime(heldBackMs(this.#plan, this.#interval, subtask), elapsedMs) <= OK_SHARE_MAX) return []
    const blocked = outputsOf(this.#plan, subtask).map((id) => ({ id, ms: channels[id]?.blockedMs ?? 0 }))
    return this.#shared(blocked, 1, false)
  }

  /** Only in the share of the time in which it had nothing to do: the rest is its own. */
  #waitsForInput(subtask: number, awaited: Awaited): readonly Wait[] {
    const { elapsedMs, subtasks, channels } = this.#interval
    const times = subtasks[subtask]
    if (times === undefined) return []
    const waitedMs = awaited === 'to-take' ? times.refusingMs : times.idleMs - times.alignedMs
    const share = shareOfTime(waitedMs, elapsedMs)
    if (share <= OK_SHARE_MAX) return []
    // While nothing is refused all inputs starve; beyond that only those that are waited for do.
    const othersMs = times.refusingMs > 0 ? times.idleMs - times.refusingMs : 0
    const starved = (this.#inputs[subtask] ?? []).map((id) => ({ id, ms: Math.max(0, (channels[id]?.starvedMs ?? 0) - othersMs) }))
    return this.#shared(
      starved.filter(({ ms }) => ms > waitedMs * OK_SHARE_MAX),
      share,
      true,
    )
  }

  #shared(channels: readonly { readonly id: number; readonly ms: number }[], share: number, upstream: boolean): readonly Wait[] {
    const total = channels.reduce((sum, { ms }) => sum + ms, 0)
    return channels
      .filter(({ ms }) => ms > 0)
      .map(({ id, ms }) => {
        const channel = this.#plan.channels[id]
        const to = (upstream ? channel?.fromSubtask : channel?.toSubtask) ?? -1
        return { to, edge: channel?.edge ?? -1, upstream, share: (share * ms) / total }
      })
  }
}

function reasonOf({ upstream }: Wait): Awaited {
  return upstream ? 'to-send' : 'to-take'
}
