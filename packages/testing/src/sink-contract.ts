/**
 * What a transactional sink owes the engine, as a check of any sink: its writer is driven through checkpoints, crashed at every step, restored in a new
 * attempt by the same or another subtask, and what it shows is compared with what was committed. Pure but for what the sink does.
 */
import type { RunIdentity, SinkContext, SinkSpec, SinkWriter } from '@sluice/engine'

export interface SinkContract {
  /** The sink. Writers of one place see what those before them left there. */
  readonly sink: (place: string) => { readonly spec: unknown }
  /** A place of its own for one scenario: a folder, a table. Default: `place-<n>`. */
  readonly place?: ((scenario: number) => string | Promise<string>) | undefined
  /** The record with this number. */
  readonly record: (number: number) => unknown
  /** Numbers of the records that everybody sees at a place now, in any order, each as often as it is seen. */
  readonly visible: (place: string) => readonly number[] | Promise<readonly number[]>
  /** `commits`: a commit shows its records, and nothing else ever does. `end`: what is seen counts when the job has finished. Default 'commits'. */
  readonly shows?: 'commits' | 'end' | undefined
  /** Whether subtasks may be two; then what one prepared is committed by the other too. Default true. */
  readonly parallel?: boolean | undefined
}

/** Thrown by `checkSinkContract`: what is wrong, and how it came about. */
export class SinkContractViolation extends Error {
  override readonly name = 'SinkContractViolation'
}

/** Records between one checkpoint and the next: a few, none, more than one batch, a few up to the end of the input. */
const SEGMENTS: readonly number[] = [5, 0, 300, 4]
const BATCH_RECORDS = 256

const stepNames = ['write', 'prepare', 'durable', 'complete', 'commit'] as const
type StepName = (typeof stepNames)[number]

interface Step {
  readonly name: StepName
  readonly segment: number
}

interface Scenario {
  /** Steps that are done before the crash; undefined: there is none. */
  readonly crashAfter: number | undefined
  /** The failed attempt is not told (`abort`), as where its process died; what it has open is closed all the same, as the system does it. */
  readonly killed: boolean
  /** Another subtask goes on. */
  readonly handedOver: boolean
  /** Every commit comes twice. */
  readonly commitsTwice: boolean
  /** The attempt behind the crash crashes too, when it has opened, or has committed what it restored. */
  readonly crashAgain: 'opened' | 'committed' | undefined
  /** This checkpoint is given up when it is prepared. */
  readonly givesUp: number | undefined
}

/**
 * Checks a sink that commits in two phases: for every step of a run with checkpoints, a crash behind it and a restore from the last complete checkpoint;
 * checkpoints that are given up; commits that come twice, or to another subtask; the end of the input; and a run without checkpoints. Answers how many
 * scenarios were run.
 *
 * @throws SinkContractViolation at the first scenario that shows a record twice, too early or never.
 * @example
 * const rows = new Map<string, number[]>()
 * const toRows = (place: string) =>
 *   defineSink<{ n: number }>({
 *     transactional: true,
 *     open: ({ subtask, run }) => {
 *       let open: number[] = []
 *       return {
 *         write: (records) => void open.push(...records.map(({ n }) => n)),
 *         prepare(checkpoint) {
 *           const prepared = { name: `${place}/${subtask.index}/${checkpoint}`, rows: open }
 *           open = []
 *           return prepared
 *         },
 *         commit: (prepared) => {
 *           const { name, rows: committed } = prepared as { name: string; rows: number[] }
 *           rows.set(name, committed)
 *         },
 *         finish: () => (run === undefined ? void rows.set(`${place}/`, open) : undefined),
 *       }
 *     },
 *   })
 * await checkSinkContract({
 *   sink: toRows,
 *   record: (n) => ({ n }),
 *   visible: (place) => [...rows].filter(([name]) => name.startsWith(`${place}/`)).flatMap(([, values]) => values),
 * })
 */
export async function checkSinkContract(contract: SinkContract): Promise<{ readonly scenarios: number }> {
  let count = 0
  const placeOf = async (): Promise<string> => (await contract.place?.(count)) ?? `place-${count}`
  for (const scenario of scenarios(contract.parallel ?? true)) {
    const place = await placeOf()
    count++
    await new Drive(contract, place, scenario).run()
  }
  await runWithoutCheckpoints(contract, await placeOf())
  return { scenarios: count + 1 }
}

function scenarios(parallel: boolean): Scenario[] {
  const quiet = { crashAfter: undefined, killed: false, handedOver: false, commitsTwice: false, crashAgain: undefined, givesUp: undefined }
  const list: Scenario[] = [quiet, { ...quiet, commitsTwice: true }]
  for (let segment = 0; segment < SEGMENTS.length - 1; segment++) list.push({ ...quiet, givesUp: segment })
  const steps = SEGMENTS.length * stepNames.length
  for (let crashAfter = 0; crashAfter <= steps; crashAfter++) {
    list.push({ ...quiet, crashAfter, killed: true, crashAgain: crashAfter % 2 === 0 ? 'opened' : 'committed' })
    list.push({ ...quiet, crashAfter, handedOver: parallel, commitsTwice: true })
    if (crashAfter % 3 === 0) list.push({ ...quiet, crashAfter, killed: true, handedOver: parallel, givesUp: 0 })
  }
  return list
}

interface Pending {
  readonly checkpoint: number
  readonly prepared: unknown
}

interface Complete {
  readonly checkpoint: number
  /** Segments that lie before it. */
  readonly segments: number
  readonly pending: readonly Pending[]
}

class Drive {
  readonly #contract: SinkContract
  readonly #place: string
  readonly #scenario: Scenario
  #attempt = 0
  #checkpoint = 0
  #complete: Complete = { checkpoint: 0, segments: 0, pending: [] }
  #taken: Complete = this.#complete
  #pending: Pending[] = []
  #writer: SinkWriter | undefined
  #last = 'the start'

  constructor(contract: SinkContract, place: string, scenario: Scenario) {
    this.#contract = contract
    this.#place = place
    this.#scenario = scenario
  }

  async run(): Promise<void> {
    const { crashAfter, crashAgain } = this.#scenario
    try {
      await this.#open(0)
      let left = crashAfter ?? Number.POSITIVE_INFINITY
      let crashed = left === 0
      for (const step of this.#steps()) {
        if (left-- <= 0) {
          crashed = true
          break
        }
        await this.#take(step)
      }
      if (crashAfter !== undefined && (crashed || left <= 0)) {
        await this.#crash()
        if (crashAgain !== undefined) {
          await this.#open(this.#subtask, crashAgain === 'committed')
          await this.#crash()
        }
        await this.#open(this.#subtask)
        for (const step of this.#steps()) await this.#take(step)
      }
      await this.#look(true)
    } finally {
      await Promise.resolve(this.#writer?.close?.()).catch(() => undefined)
    }
  }

  get #subtask(): number {
    return this.#scenario.handedOver ? 1 : 0
  }

  #steps(): Step[] {
    const steps: Step[] = []
    // The end of the input is told again, and one more checkpoint may follow.
    if (this.#complete.segments === SEGMENTS.length) return stepNames.map((name) => ({ name, segment: SEGMENTS.length - 1 }))
    for (let segment = this.#complete.segments; segment < SEGMENTS.length; segment++) {
      const givesUp = this.#scenario.givesUp === segment
      for (const name of stepNames) if (!givesUp || name === 'write' || name === 'prepare') steps.push({ name, segment })
    }
    return steps
  }

  async #open(subtask: number, commits = true): Promise<void> {
    this.#attempt++
    const { checkpoint, pending } = this.#complete
    const run: RunIdentity = { id: 'run', attempt: this.#attempt, restoredCheckpoint: checkpoint }
    const parallelism = this.#scenario.handedOver && this.#attempt > 1 ? 2 : 1
    this.#pending = structuredClone(pending) as Pending[]
    const restored = checkpoint === 0 ? undefined : this.#pending.map(({ prepared }) => prepared)
    const writer = writerOf(this.#contract.sink(this.#place), contextOf({ index: subtask, parallelism }, run, restored))
    this.#writer = writer
    await writer.open?.()
    this.#last = `opening attempt ${this.#attempt}`
    if (!commits) return
    for (const { prepared } of this.#pending.splice(0)) await this.#commit(prepared)
    await this.#look(false)
  }

  async #take({ name, segment }: Step): Promise<void> {
    const writer = this.#writer as SinkWriter
    this.#last = `${name} of checkpoint ${name === 'write' ? 'segment ' : ''}${segment + 1}`
    const isLast = segment === SEGMENTS.length - 1
    switch (name) {
      case 'write':
        if (this.#complete.segments < SEGMENTS.length) await this.#write(writer, segment)
        if (isLast) await writer.finish?.()
        break
      case 'prepare': {
        const checkpoint = ++this.#checkpoint
        const prepared: unknown = await writer.prepare?.(checkpoint)
        // Through a checkpoint and back: it is plain data.
        if (prepared !== undefined) this.#pending.push({ checkpoint, prepared: structuredClone(prepared) })
        this.#taken = { checkpoint, segments: segment + 1, pending: [...this.#pending] }
        break
      }
      case 'durable':
        await writer.durable?.()
        break
      case 'complete':
        this.#complete = this.#taken
        break
      case 'commit':
        for (const { prepared } of this.#pending.splice(0)) await this.#commit(prepared)
    }
    await this.#look(name === 'commit')
  }

  async #write(writer: SinkWriter, segment: number): Promise<void> {
    const first = cutBefore(segment)
    const end = cutBefore(segment + 1)
    const batch: unknown[] = []
    for (let number = first; number < end; number += BATCH_RECORDS) {
      for (let index = number; index < Math.min(end, number + BATCH_RECORDS); index++) batch.push(this.#contract.record(index))
      await writer.write(batch)
      // The engine uses its arrays again.
      batch.length = 0
    }
  }

  async #commit(prepared: unknown): Promise<void> {
    await this.#writer?.commit?.(prepared)
    if (this.#scenario.commitsTwice) await this.#writer?.commit?.(prepared)
  }

  async #crash(): Promise<void> {
    const writer = this.#writer as SinkWriter
    this.#writer = undefined
    if (!this.#scenario.killed) await writer.abort?.()
    await writer.close?.()
  }

  /** Nothing but what complete checkpoints cover is seen, and nothing twice; all of it when everything is committed. */
  async #look(all: boolean): Promise<void> {
    const cut = cutBefore(this.#complete.segments)
    const isEnd = this.#complete.segments === SEGMENTS.length
    if (this.#contract.shows === 'end' && !(all && isEnd)) return
    const seen = new Set<number>()
    for (const number of await this.#contract.visible(this.#place)) {
      if (seen.has(number)) this.#violated(`record ${number} is seen twice`)
      if (number >= cut) this.#violated(`record ${number} is seen, and no complete checkpoint covers it`)
      seen.add(number)
    }
    if (!all) return
    for (let number = 0; number < cut; number++)
      if (!seen.has(number)) this.#violated(`record ${number} is not seen, although checkpoint ${this.#complete.checkpoint} was committed`)
  }

  #violated(what: string): never {
    const { crashAfter, killed, handedOver, commitsTwice, crashAgain, givesUp } = this.#scenario
    const parts = [
      crashAfter === undefined ? 'no crash' : `${killed ? 'killed' : 'failed'} after ${crashAfter} steps`,
      ...(crashAgain === undefined ? [] : [`again when it had ${crashAgain}`]),
      ...(handedOver ? ['restored in another subtask'] : []),
      ...(commitsTwice ? ['every commit twice'] : []),
      ...(givesUp === undefined ? [] : [`checkpoint ${givesUp + 1} given up`]),
    ]
    throw new SinkContractViolation(`After ${this.#last}, in attempt ${this.#attempt}: ${what}. Scenario: ${parts.join(', ')}.`)
  }
}

async function runWithoutCheckpoints(contract: SinkContract, place: string): Promise<void> {
  const writer = writerOf(contract.sink(place), contextOf({ index: 0, parallelism: 1 }, undefined, undefined))
  try {
    await writer.open?.()
    await writer.write([0, 1, 2].map((number) => contract.record(number)))
    await writer.finish?.()
  } finally {
    await writer.close?.()
  }
  const seen = [...(await contract.visible(place))].sort((left, right) => left - right)
  if (seen.join() !== '0,1,2')
    throw new SinkContractViolation(
      `Without checkpoints finish makes everything visible: records 0,1,2 were written, and ${seen.join() || 'none'} are seen.`,
    )
}

/** Number of the first record of a segment. */
function cutBefore(segment: number): number {
  let cut = 0
  for (let index = 0; index < segment; index++) cut += SEGMENTS[index] as number
  return cut
}

function writerOf(sink: { readonly spec: unknown }, context: SinkContext): SinkWriter {
  const spec = sink.spec as SinkSpec
  if (spec.kind !== 'sink') throw new SinkContractViolation('This sink has no writer: it is a function that is called for each record.')
  return spec.create(context)
}

function contextOf(
  subtask: { readonly index: number; readonly parallelism: number },
  run: RunIdentity | undefined,
  restored: readonly unknown[] | undefined,
): SinkContext {
  const ignore = (): void => undefined
  return {
    job: 'contract',
    operator: 'sink',
    subtask,
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    metrics: { count: ignore, gauge: ignore },
    now: () => 0,
    use: (name) => {
      throw new SinkContractViolation(`The sink uses the resource '${name}': open it in the function that makes the sink instead.`)
    },
    setDeadline: ignore,
    fail: (error) => {
      throw error
    },
    deadLetter: (_record, error) => {
      throw error
    },
    overwrite: false,
    run,
    restored,
    firstRecord: 0,
    signal: new AbortController().signal,
    host: undefined,
  }
}
