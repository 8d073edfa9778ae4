/**
 * The checkpoints of one attempt in a simulation: the production coordinator, writers and readers, over the simulated disk; what threads report travels
 * as a message does. Says when the protocol comes to a step.
 */
import {
  CheckpointCoordinator,
  type CheckpointEvent,
  checkpointFolder,
  type CheckpointReport,
  createSnapshotWriters,
  type LogicalGraph,
  openSnapshot,
  type PhysicalPlan,
  type ResolvedCheckpointSettings,
  type RunIdentity,
  type SnapshotFileHandle,
  type SnapshotReader,
  type SnapshotWriter,
  type SnapshotWriters,
  type ThreadCheckpoints,
} from '@sluice/engine'
import type { Life } from '../schedule/life.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { EPOCH_MS } from '../schedule/virtual-environment.js'
import type { SimulatedDisk } from '../storage/simulated-disk.js'
import type { Attempt } from './attempt.js'
import type { StepName } from './fault-plan.js'
import { SimulatedControl } from './simulated-control.js'

/** What an attempt goes on from. */
export interface RestorePoint {
  readonly id: number
  readonly files: readonly SnapshotFileHandle[]
}

export interface AttemptCheckpointsOptions {
  readonly scheduler: Scheduler
  readonly disk: SimulatedDisk
  /** Of the process: the coordinator lives in it. */
  readonly life: Life
  readonly attempt: Attempt
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly settings: ResolvedCheckpointSettings
  readonly run: RunIdentity
  readonly restore: RestorePoint | undefined
  readonly afterId: number
  readonly onStep: (step: StepName) => void
  readonly onEvent: (event: CheckpointEvent) => void
}

/** Opens the coordinator of an attempt; takes no checkpoint before it is started. */
export function openCoordinator(options: AttemptCheckpointsOptions): Promise<CheckpointCoordinator> {
  const { scheduler, disk, life, attempt, graph, plan, settings, run, afterId, onStep, onEvent } = options
  return CheckpointCoordinator.open({
    job: plan.job,
    run,
    graph,
    plan,
    params: {},
    version: '0.0.0-simulated',
    afterId,
    settings,
    storage: disk.open(life, (step) => onStep(step as StepName)),
    control: new SimulatedControl(attempt, scheduler),
    clock: { nowMs: () => Math.floor(EPOCH_MS + scheduler.nowMs), monotonicMs: () => scheduler.nowMs },
    setTimer: (delayMs, fire) => ({
      cancel: scheduler.await({ life, what: 'coordinator timer', atMs: scheduler.nowMs + delayMs, happen: fire, ordered: true }),
    }),
    random: () => scheduler.random.next(),
    onEvent,
    onStep,
  })
}

/** What the loop of one thread is given. */
export function threadCheckpoints(
  options: AttemptCheckpointsOptions,
  coordinator: CheckpointCoordinator,
  worker: number,
  life: Life,
): ThreadCheckpoints {
  const { scheduler, disk, attempt, plan, run, restore, onStep } = options
  const storage = disk.open(life, (step) => {
    if (step === 'before storage-append') onStep('state-write')
    onStep(step as StepName)
  })
  const writers = createSnapshotWriters({
    storage,
    folderOf: (id) => checkpointFolder(plan.job, run.id, id),
    keyGroups: plan.keyGroups,
    attempt: run.attempt,
    placeOf: (id) => {
      const { index, task } = plan.subtasks[id] ?? { index: 0, task: -1 }
      return { index, parallelism: plan.tasks[task]?.parallelism ?? 1 }
    },
  })
  const messages: CheckpointReport[] = []
  return {
    run,
    writers: announceSnapshots(writers, onStep),
    restore: restore === undefined ? undefined : announceRestore(openSnapshot({ storage, id: restore.id, files: restore.files }), onStep),
    report: (report) => {
      if (!life.alive) return
      messages.push(report)
      const happen = (): void => coordinator.report(messages.shift() as CheckpointReport)
      // Of the attempt: what a thread has sent arrives although it has crashed since.
      scheduler.await({ life: attempt.life, what: `${report.type} of worker ${worker}`, atMs: Number.NEGATIVE_INFINITY, happen })
    },
  }
}

function announceSnapshots(writers: SnapshotWriters, onStep: (step: StepName) => void): SnapshotWriters {
  return {
    begin(id, subtask, onRoom) {
      onStep('snapshot')
      const writer = writers.begin(id, subtask, onRoom)
      let barriers = false
      const sent = (): void => {
        // Sections are written behind the barriers, in the same action.
        if (!barriers) onStep('barrier')
        barriers = true
      }
      const announced: SnapshotWriter = {
        get pendingBytes() {
          return writer.pendingBytes
        },
        get stateBytes() {
          return writer.stateBytes
        },
        get channelBytes() {
          return writer.channelBytes
        },
        section: (operator, name, value) => {
          sent()
          writer.section(operator, name, value)
        },
        parts: (operator, parts) => {
          sent()
          writer.parts(operator, parts)
        },
        slice: (slice) => writer.slice(slice),
        freeze: (operator, state) => {
          sent()
          writer.freeze(operator, state)
        },
        step: (late) => writer.step(late),
        finish: () => writer.finish(),
        discard: () => writer.discard(),
      }
      return announced
    },
  }
}

function announceRestore(reader: SnapshotReader, onStep: (step: StepName) => void): SnapshotReader {
  return {
    id: reader.id,
    sections: (operator, name) => {
      onStep('restore')
      return reader.sections(operator, name)
    },
    parts: (operator, isMine) => {
      onStep('restore')
      return reader.parts(operator, isMine)
    },
    loadKeyed: (operator, from, to, state) => {
      onStep('restore')
      return reader.loadKeyed(operator, from, to, state)
    },
    slices: (edge) => {
      onStep('restore')
      return reader.slices(edge)
    },
  }
}
