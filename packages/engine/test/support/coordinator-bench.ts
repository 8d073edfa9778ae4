/**
 * A coordinator with everything around it in the hands of a test: virtual time, a storage whose operations wait to be let through, subtasks that speak when the test says so.
 * What the protocol promises is checked with every word that the coordinator says.
 */
import { expect } from 'vitest'
import { checkpointFolder, resolvePath } from '../../src/checkpoint/checkpoint-layout.js'
import { CheckpointCoordinator, type CheckpointCoordinatorOptions } from '../../src/checkpoint/coordinator/checkpoint-coordinator.js'
import type { CheckpointEvent } from '../../src/checkpoint/coordinator/checkpoint-event.js'
import { type CheckpointManifest, filesOf } from '../../src/checkpoint/manifest/manifest.js'
import { decodeManifest, inFolder } from '../../src/checkpoint/manifest/manifest-file.js'
import type { ProtocolStep } from '../../src/checkpoint/protocol-step.js'
import type { CheckpointControl, CheckpointMode, SnapshotFigures } from '../../src/checkpoint/protocol.js'
import { planJob } from '../../src/plan/plan-job.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { GraphBuilder, map, sink, source } from './graph-builder.js'
import { MemoryStorage } from './memory-storage.js'

const graph = new GraphBuilder()
  .node('numbers', source)
  .node('double', map)
  .node('out', sink)
  .edge('numbers', 'double')
  .edge('double', 'out')
  .build()
export const plan = planJob(graph, resolveSettings({}, { cores: 2, parallelism: 2, workers: 2, chaining: false }))

const figures: SnapshotFigures = { startDelayMs: 1, alignmentMs: 2, syncMs: 3, asyncMs: 4, stateBytes: 10, channelBytes: 0 }

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

interface Waiting {
  readonly operation: string
  readonly path: string
  readonly pass: (late: 'late' | undefined) => void
  readonly fail: (error: Error) => void
}

export type BenchOptions = Partial<Omit<CheckpointCoordinatorOptions, 'settings'>> & {
  readonly settings?: Partial<CheckpointCoordinatorOptions['settings']>
  /** Storage operations wait for `settle`. */
  readonly gated?: boolean
}

export class CoordinatorBench implements CheckpointControl {
  nowMs = 1_000
  readonly storage: MemoryStorage
  readonly events: CheckpointEvent[] = []
  readonly steps: ProtocolStep[] = []
  readonly words: string[] = []
  readonly triggered: { readonly id: number; readonly mode: CheckpointMode; readonly final: boolean }[] = []
  readonly completedIds: number[] = []
  readonly aborted = new Set<number>()
  finalId: number | undefined
  waiting: Waiting[] = []
  #timers: Timer[] = []
  #order = 0
  readonly #acknowledged = new Map<number, Set<number>>()
  #coordinator: CheckpointCoordinator | undefined

  constructor(readonly options: BenchOptions = {}) {
    this.storage = (options.storage as MemoryStorage | undefined) ?? new MemoryStorage()
  }

  async open(): Promise<this> {
    const { settings, gated, storage: _storage, onStep, ...rest } = this.options
    this.storage.gate = () => undefined
    this.#coordinator = await CheckpointCoordinator.open({
      job: 'test',
      run: { id: 'run', attempt: 1, restoredCheckpoint: 0 },
      graph,
      plan,
      params: { limit: 3 },
      version: '0.0.0',
      settings: { intervalMs: 1_000, mode: 'aligned', alignedTimeoutMs: undefined, timeoutMs: 10_000, retain: 2, ...settings },
      storage: this.storage,
      control: this,
      clock: { nowMs: () => 1_700_000_000_000 + this.nowMs, monotonicMs: () => this.nowMs },
      setTimer: (delayMs, fire) => this.#setTimer(delayMs, fire),
      random: () => 0.5,
      onEvent: (event) => this.#onEvent(event),
      onStep: (step) => {
        this.steps.push(step)
        onStep?.(step)
      },
      ...rest,
    })
    if (gated === true) {
      this.storage.gate = (operation, path) => new Promise((pass, fail) => this.waiting.push({ operation, path, pass, fail }))
    }
    return this
  }

  get coordinator(): CheckpointCoordinator {
    return this.#coordinator as CheckpointCoordinator
  }

  get inFlight(): number | undefined {
    return this.coordinator.progress?.id
  }

  trigger(id: number, mode: CheckpointMode, _atMs: number, final: boolean): void {
    expect(id).toBeGreaterThan(this.triggered.at(-1)?.id ?? 0)
    for (const before of this.triggered) expect(this.completedIds.includes(before.id) || this.aborted.has(before.id)).toBe(true)
    expect(this.finalId).toBeUndefined()
    this.triggered.push({ id, mode, final })
    this.words.push(`trigger ${id} ${mode}`)
  }

  overtake(id: number): void {
    expect(this.inFlight).toBe(id)
    this.words.push(`overtake ${id}`)
  }

  abort(upTo: number): void {
    expect(this.completedIds).not.toContain(upTo)
    this.aborted.add(upTo)
    this.words.push(`abort ${upTo}`)
  }

  completed(id: number): void {
    const final = this.triggered.at(-1)?.final === true
    expect(this.aborted).not.toContain(id)
    expect(id).toBeGreaterThan(this.completedIds.at(-1) ?? 0)
    expect(this.#acknowledged.get(id)?.size).toBe(plan.subtasks.length)
    expect(this.manifestOf(id)?.id).toBe(id)
    this.completedIds.push(id)
    if (final) this.finalId = id
    this.words.push(final ? `completed ${id} final` : `completed ${id}`)
  }

  /** A subtask writes its file, or refers to an older one, and says so. */
  acknowledge(id: number, subtask: number, shared?: string): void {
    if (this.inFlight !== id) return this.coordinator.report({ type: 'acknowledged', id, subtask, file: undefined, figures })
    const path = shared ?? `${checkpointFolder('test', 'run', id)}/state-${subtask}-1.bin`
    const bytes = this.storage.files.get(path) ?? new TextEncoder().encode(`state of ${subtask} at ${id}`)
    this.storage.files.set(path, bytes)
    this.#acknowledged.set(id, (this.#acknowledged.get(id) ?? new Set()).add(subtask))
    this.coordinator.report({ type: 'acknowledged', id, subtask, file: { path, bytes: bytes.length, checksum: 7 }, figures })
  }

  acknowledgeAll(): void {
    const id = this.inFlight
    if (id !== undefined) for (const { id: subtask } of plan.subtasks) this.acknowledge(id, subtask)
  }

  endAll(stopped = false): void {
    for (const { id: subtask } of plan.subtasks) this.coordinator.report({ type: 'ended', subtask, stopped })
  }

  /** Lets time go on by so much, timer by timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    for (;;) {
      const next = this.#nextTimer()
      if (next === undefined || next.atMs > untilMs) break
      this.nowMs = next.atMs
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.fire()
      await this.settle()
    }
    this.nowMs = untilMs
    await this.settle()
  }

  /** To the next timer; false where there is none. */
  async advanceToTimer(): Promise<boolean> {
    const next = this.#nextTimer()
    if (next === undefined) return false
    await this.advance(next.atMs - this.nowMs)
    return true
  }

  /** Everything that promises lead to without storage or time. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
  }

  manifestOf(id: number): CheckpointManifest | undefined {
    const bytes = this.storage.files.get(inFolder(checkpointFolder('test', 'run', id), 'manifest.json'))
    return bytes === undefined ? undefined : decodeManifest(bytes, 'manifest')
  }

  /** Ids of checkpoints of which everything is there. */
  restorable(): number[] {
    const ids = [...this.storage.files.keys()].flatMap((path) => /^test\/run\/chk-(\d+)\/manifest\.json$/.exec(path)?.[1] ?? []).map(Number)
    return ids
      .filter((id) => {
        const manifest = this.manifestOf(id) as CheckpointManifest
        return filesOf(manifest).every(({ path }) =>
          this.storage.files.has(resolvePath(checkpointFolder('test', 'run', id), path) as string),
        )
      })
      .sort((a, b) => a - b)
  }

  #onEvent(event: CheckpointEvent): void {
    this.events.push(event)
    if (event.type === 'checkpoint.failed') this.aborted.add(event.id)
  }

  #setTimer(delayMs: number, fire: () => void): { cancel(): void } {
    const timer: Timer = { atMs: this.nowMs + delayMs, order: this.#order++, fire }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }

  #nextTimer(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>(
      (first, timer) =>
        first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order) ? timer : first,
      undefined,
    )
  }
}
