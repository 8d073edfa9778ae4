/**
 * Deliberately broken variants of the engine, as exact replacements in its sources: each is a mistake that somebody could make. A text that is not found exactly
 * once fails the test, so that no mutant dies silently with a change of the code.
 */
import type { Change } from '../chaos/run-seed.js'

export interface Mutant {
  readonly name: string
  /** Below `packages/engine/src`. */
  readonly file: string
  readonly replacements: readonly Replacement[]
  /** What of the scenario is fixed, so that few seeds suffice. */
  readonly change: Change
  /** The test that must catch it; default: the one of numbered records. */
  readonly caughtBy?: 'run-queue' | undefined
}

export interface Replacement {
  /** Where it is another file than the mutant's. */
  readonly file?: string | undefined
  readonly find: string
  readonly by: string
}

/** Faults and settings that have nothing to do with the mistake are left out. */
const plain: Change = {
  rescale: false,
  flips: false,
  failures: 0,
  outages: false,
  stops: 0,
  timeoutMs: 20_000,
  savepoints: false,
}
const often: Change = { ...plain, crashes: 5, intervalMs: 25, slowMs: 0.5 }

export const mutants: readonly Mutant[] = [
  {
    name: 'alignment is skipped',
    file: 'task/subtask-checkpoints.ts',
    replacements: [{ find: "this.#mode() === 'aligned')", by: 'false)' }],
    change: { ...often, mode: 'aligned' },
  },
  {
    name: 'transactions are committed before the manifest is written',
    file: 'checkpoint/coordinator/checkpoint-coordinator.ts',
    replacements: [
      {
        find: '    inFlight.publishing = true\n',
        by: '    inFlight.publishing = true\n    this.#options.control.completed(inFlight.id)\n',
      },
    ],
    change: { ...often, mode: 'aligned', slowMs: 80, crashes: 30, slowDatabaseMs: 0 },
  },
  {
    name: 'a sink acknowledges before its rows are durable',
    file: 'task/sink-buffer.ts',
    replacements: [
      {
        find: '    this.#durableRunning = true\n    result.then(',
        by: '    this.#durableRunning = true\n    this.#state = asked\n    result.then(',
      },
    ],
    change: { ...often, mode: 'aligned', slowDatabaseMs: 30 },
  },
  {
    name: 'barriers are forwarded behind the snapshot instead of with it',
    file: 'task/subtask-checkpoints.ts',
    replacements: [
      {
        find: `      for (const output of outputs) {
        const slice = output.sendBarrier(id, overtaking)
        if (slice !== undefined) writer.slice(slice)
      }
`,
        by: '',
      },
      {
        find: '    if (this.#mayFinish(current)) this.#finish(current)\n',
        by: `    if (current.written && (current as { sent?: boolean }).sent !== true) {
      ;(current as { sent?: boolean }).sent = true
      for (const output of outputs) output.sendBarrier(current.id, false)
    }
    if (this.#mayFinish(current)) this.#finish(current)
`,
      },
    ],
    change: { ...often, mode: 'aligned' },
  },
  {
    name: 'a slice begins at `consumed`, without the index inside the frame',
    file: 'channel/ring-input.ts',
    replacements: [
      { find: '    } else if (!closed && this.index < this.count) {', by: '    } else if (false as boolean) {' },
      { find: '      if (this.count > 0 && this.view === this.#ringView) at = (at + this.#frameBytes) | 0\n', by: '' },
    ],
    change: { ...often, mode: 'unaligned' },
  },
  {
    name: 'the state of a channel is forgotten',
    file: 'task/subtask-checkpoints.ts',
    replacements: [{ find: '          for (const slice of capture) writer.slice(slice)\n', by: '' }],
    change: { ...often, mode: 'unaligned' },
  },
  {
    name: 'the watermark is forgotten',
    file: 'task/subtask-sections.ts',
    replacements: [
      { find: 'operator.restore?.({ watermark: seen, states', by: 'operator.restore?.({ watermark: Number.NEGATIVE_INFINITY, states' },
      { find: '      time.restoreSeen(position, seen)\n', by: '' },
      { find: '  if (entered > Number.NEGATIVE_INFINITY) time.enter(HEAD, entered, false)\n', by: '' },
      {
        find: '    input.watermark = least(channels.map((channel) => channel.watermark))\n',
        by: '',
      },
    ],
    change: { ...often, mode: 'aligned' },
  },
  {
    name: 'a backpressured source is called idle',
    file: 'task/subtask.ts',
    replacements: [
      {
        find: '    if (!this.#free || this.#ending || this.#aligned) return Silence.none\n',
        by: '    if (!this.#free && !this.#ending) return Silence.empty\n    if (this.#ending || this.#aligned) return Silence.none\n',
      },
      // Its clock is looked at while it waits for credit, and what it took before counts as nothing.
      {
        find: '    if (gate.closed > 0 && this.#holder === undefined) return earliest\n',
        by: '    if (gate.closed > 0 && this.#holder === undefined) return Math.min(earliest, this.#tracked.deadlineMs)\n',
      },
      { file: 'task/tracked-time.ts', find: 'tracker.records === one.records ? silence : Silence.none', by: 'silence' },
    ],
    change: {
      ...plain,
      mode: 'off',
      crashes: 0,
      idleAfterMs: 5,
      slowDatabaseMs: 200,
      shape: { outOfOrdernessMs: 0, indexed: 1_000, perSplit: 300, splits: 2, keys: 4, largeEvery: 2 },
    },
  },
  {
    name: 'a source acknowledges at the snapshot',
    file: 'task/subtask-checkpoints.ts',
    replacements: [
      {
        find: '      source?.acknowledgements?.cut(id)\n',
        by: '      source?.acknowledgements?.cut(id)\n      source?.acknowledgements?.completed(id)\n',
      },
    ],
    change: {},
    caughtBy: 'run-queue',
  },
  {
    name: 'a source acknowledges what a checkpoint covers that was given up',
    file: 'task/subtask-checkpoints.ts',
    replacements: [{ find: 'acknowledgements?.aborted(upTo)', by: 'acknowledgements?.completed(upTo)' }],
    change: {},
    caughtBy: 'run-queue',
  },
  {
    name: 'a source acknowledges all of the batch at hand',
    file: 'task/source-acknowledgements.ts',
    replacements: [
      { find: 'taken: this.#readers.map((one) => [one, one.taken])', by: 'taken: this.#readers.map((one) => [one, one.begun])' },
    ],
    change: {},
    caughtBy: 'run-queue',
  },
  {
    name: 'a wake-up is lost',
    file: 'channel/ring-output.ts',
    replacements: [
      {
        find: '    this.#options.metrics.published(size, records)\n    this.#options.bell.ring()\n',
        by: '    this.#options.metrics.published(size, records)\n',
      },
    ],
    change: { ...plain, mode: 'off', crashes: 0 },
  },
]
