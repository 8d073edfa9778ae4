/**
 * The credit of a source that listens: how much of what clients send it may hold. Whoever has no room waits in turn, one of each connection after the other, and is
 * told when the room is his. Runs in the thread of the source; knows no sockets and no clock.
 */

/** What something takes of the room. */
export interface RoomNeed {
  readonly records: number
  readonly bytes: number
  /** Whatever is answered later counts as one from its beginning to its answer. */
  readonly deliveries: number
}

/** The bounds of a queue, which are never passed. */
export interface RoomBounds {
  readonly recordsMax: number
  readonly bytesMax: number
  readonly deliveriesMax: number
}

interface Waiter {
  readonly owner: object
  readonly need: RoomNeed
  readonly told: (granted: boolean) => void
  /** Later ones are higher. */
  readonly ticket: number
}

/** What a need asks for. */
const RECORDS = 1
const BYTES = 2
const DELIVERIES = 4

export class IngressRoom {
  readonly bounds: RoomBounds
  #records = 0
  #bytes = 0
  #deliveries = 0
  /** One line for each combination of what is asked for. */
  readonly #lines: Map<number, WaitingLine> = new Map()
  #tickets = 0
  #closed = false
  #serving = false
  #again = false

  constructor(bounds: RoomBounds) {
    this.bounds = bounds
  }

  /** What is taken of it now. */
  get used(): RoomNeed {
    return { records: this.#records, bytes: this.#bytes, deliveries: this.#deliveries }
  }

  get closed(): boolean {
    return this.#closed
  }

  /** How many wait. */
  get waiters(): number {
    let count = 0
    for (const line of this.#lines.values()) count += line.length
    return count
  }

  /** Whether it could ever hold so much. */
  holds({ records, bytes, deliveries }: RoomNeed): boolean {
    const { recordsMax, bytesMax, deliveriesMax } = this.bounds
    return records <= recordsMax && bytes <= bytesMax && deliveries <= deliveriesMax
  }

  /** Takes room where there is some and nobody waits for the same. */
  tryTake(need: RoomNeed): boolean {
    const asked = askedBy(need)
    for (const [other, line] of this.#lines) if ((other & asked) !== 0 && line.length > 0) return false
    return this.tryExtend(need)
  }

  /** Takes room past those that wait, where there is some: for what was begun already, and holds room that they wait for. */
  tryExtend(need: RoomNeed): boolean {
    if (this.#closed || this.#shortOf(need) !== 0) return false
    this.#take(need)
    return true
  }

  /**
   * Waits for room. `told` is called once, never during this call: true: the room is taken; false: it is closed. Returns what gives up waiting, behind which `told` is not called.
   * Those of one owner are served in their order, owners in turn.
   *
   * A need that the room never `holds` would wait for ever: do not ask for it.
   */
  wait(owner: object, need: RoomNeed, told: (granted: boolean) => void): () => void {
    const waiter: Waiter = { owner, need, told, ticket: ++this.#tickets }
    const asked = askedBy(need)
    let line = this.#lines.get(asked)
    if (line === undefined) this.#lines.set(asked, (line = new WaitingLine()))
    const joined = line
    joined.add(waiter)
    queueMicrotask(() => {
      if (this.#closed) this.#refuseAll()
      else this.#serve()
    })
    return () => {
      if (joined.remove(waiter)) this.#serve()
    }
  }

  /** Gives room back. */
  give(need: RoomNeed): void {
    this.#records -= need.records
    this.#bytes -= need.bytes
    this.#deliveries -= need.deliveries
    if (this.#records < 0 || this.#bytes < 0 || this.#deliveries < 0) throw new Error('more room was given back than was taken')
    this.#serve()
  }

  /** Nobody gets room any more; who waits is told so. */
  close(): void {
    this.#closed = true
    this.#refuseAll()
  }

  #refuseAll(): void {
    const refused = [...this.#lines.values()].flatMap((line) => line.all())
    this.#lines.clear()
    for (const { told } of refused) told(false)
  }

  /** Whoever is told may take, give and wait in turn. */
  #serve(): void {
    if (this.#closed || this.#lines.size === 0) return
    this.#again = true
    if (this.#serving) return
    this.#serving = true
    try {
      while (this.#again) {
        this.#again = false
        for (let granted = this.#nextGranted(); granted !== undefined; granted = this.#nextGranted()) granted.told(true)
      }
    } finally {
      this.#serving = false
    }
  }

  /**
   * The one of those in front whose need fits and who has waited longest. Who lacks something holds up those behind him that ask for the same, so that much is not passed over for ever
   * by little, and nobody else: what those give back may be what he waits for.
   */
  #nextGranted(): Waiter | undefined {
    const fronts: { readonly asked: number; readonly line: WaitingLine; readonly waiter: Waiter }[] = []
    for (const [asked, line] of this.#lines) if (line.front !== undefined) fronts.push({ asked, line, waiter: line.front })
    fronts.sort((left, right) => left.waiter.ticket - right.waiter.ticket)
    let lacked = 0
    for (const { asked, line, waiter } of fronts) {
      const short = this.#shortOf(waiter.need)
      if (short === 0 && (asked & lacked) === 0) {
        line.served(waiter)
        this.#take(waiter.need)
        return waiter
      }
      lacked |= short
    }
    return undefined
  }

  #take(need: RoomNeed): void {
    this.#records += need.records
    this.#bytes += need.bytes
    this.#deliveries += need.deliveries
  }

  /** What there is not enough of. */
  #shortOf({ records, bytes, deliveries }: RoomNeed): number {
    const { recordsMax, bytesMax, deliveriesMax } = this.bounds
    return (
      (records > 0 && this.#records + records > recordsMax ? RECORDS : 0) |
      (bytes > 0 && this.#bytes + bytes > bytesMax ? BYTES : 0) |
      (deliveries > 0 && this.#deliveries + deliveries > deliveriesMax ? DELIVERIES : 0)
    )
  }
}

function askedBy({ records, bytes, deliveries }: RoomNeed): number {
  return (records > 0 ? RECORDS : 0) | (bytes > 0 ? BYTES : 0) | (deliveries > 0 ? DELIVERIES : 0)
}

/** Those that ask for the same, by owner; an owner that was served goes to the end. */
class WaitingLine {
  length = 0
  readonly #owners: Map<object, Waiter[]> = new Map()

  get front(): Waiter | undefined {
    for (const waiters of this.#owners.values()) return waiters[0]
    return undefined
  }

  add(waiter: Waiter): void {
    const waiters = this.#owners.get(waiter.owner)
    if (waiters === undefined) this.#owners.set(waiter.owner, [waiter])
    else waiters.push(waiter)
    this.length++
  }

  served(waiter: Waiter): void {
    this.remove(waiter)
    const rest = this.#owners.get(waiter.owner)
    if (rest === undefined) return
    this.#owners.delete(waiter.owner)
    this.#owners.set(waiter.owner, rest)
  }

  remove(waiter: Waiter): boolean {
    const waiters = this.#owners.get(waiter.owner)
    const at = waiters?.indexOf(waiter) ?? -1
    if (waiters === undefined || at < 0) return false
    waiters.splice(at, 1)
    if (waiters.length === 0) this.#owners.delete(waiter.owner)
    this.length--
    return true
  }

  all(): readonly Waiter[] {
    return [...this.#owners.values()].flat()
  }
}
