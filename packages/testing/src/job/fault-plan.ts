/** Which crashes a simulation injects, and where: given one by one, or drawn from the seed. */
import { type ProtocolStep, protocolSteps } from '@sluice/engine'
import type { SeededRandom } from '../schedule/seeded-random.js'

/** Steps of the protocol, and every operation on storage before and after it happens. */
export type StepName = ProtocolStep | `before storage-${string}` | `after storage-${string}`

/**
 * A crash: of the whole process, which then starts again and restores the latest checkpoint, or of one worker, after which the job goes on in a new
 * attempt. `choice`: in front of that choice of the scheduler, counted from the crash before; `step`: at the n-th time (from 1) that the protocol comes to a step since then.
 */
export type Crash = {
  /** Default `'process'`. `stop`: nothing crashes, the job is stopped, and goes on in another process; `cut`: what is in flight is not waited for then. */
  readonly of?: 'process' | 'worker' | 'stop' | 'cut' | undefined
} & ({ readonly choice: number } | { readonly step: StepName; readonly occurrence?: number | undefined })

const STORAGE_STEPS = ['create', 'append', 'finish', 'publish-write', 'publish-rename', 'read', 'list', 'remove']
const CHOICES_MAX = 6_000
const OCCURRENCES_MAX = 6

/** Crashes anywhere, as the seed has it. */
export function drawCrashes(count: number, random: SeededRandom, choicesMax: number = CHOICES_MAX): readonly Crash[] {
  return Array.from({ length: count }, (): Crash => {
    const of = random.pick(['process', 'worker'] as const)
    const kind = random.next()
    if (kind < 0.5) return { of, choice: Math.ceil(random.logUniform(3, choicesMax)) }
    const occurrence = 1 + random.below(OCCURRENCES_MAX)
    if (kind < 0.8) return { of, step: random.pick(protocolSteps), occurrence }
    const when = random.chance(0.5) ? 'before' : 'after'
    return { of, step: `${when} storage-${random.pick(STORAGE_STEPS)}`, occurrence }
  })
}

/** Says when the next crash is due. One at a time: the next is armed when the one before has happened. */
export class FaultPlan {
  /** How often each step of the protocol was come to. */
  readonly steps: Map<string, number> = new Map()
  injected = 0
  readonly #crashes: Crash[]
  #armedAtChoice = 0
  #seen: Map<string, number> = new Map()

  constructor(crashes: readonly Crash[]) {
    this.#crashes = [...crashes]
  }

  /** In front of a choice of the scheduler. */
  atChoice(choice: number): Crash | undefined {
    const next = this.#crashes[0]
    return next !== undefined && 'choice' in next && choice - this.#armedAtChoice >= next.choice ? this.#take(choice) : undefined
  }

  /** When the protocol comes to a step. */
  atStep(step: string, choice: number): Crash | undefined {
    this.steps.set(step, (this.steps.get(step) ?? 0) + 1)
    const seen = (this.#seen.get(step) ?? 0) + 1
    this.#seen.set(step, seen)
    const next = this.#crashes[0]
    return next !== undefined && 'step' in next && next.step === step && seen >= (next.occurrence ?? 1) ? this.#take(choice) : undefined
  }

  /** No more. */
  stop(): void {
    this.#crashes.length = 0
  }

  #take(choice: number): Crash | undefined {
    this.#armedAtChoice = choice
    this.#seen = new Map()
    this.injected++
    return this.#crashes.shift()
  }
}
