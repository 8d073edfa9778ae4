/** The life of a job as lines of the log: planned, started, stopping, finished, failed. Pure. */
import {
  type CheckpointCompleted,
  type CheckpointEvent,
  describeDelivery,
  HOST_WORKER,
  type LogicalGraph,
  type PhysicalPlan,
  type PlannedEdge,
  type ResolvedSettings,
  SluiceError,
} from '@sluice/engine'
import { formatAmount, formatBytes, formatDuration } from '../format/units.js'
import type { RawParams, RestartingEvent, RestoredEvent, StartedEvent } from '@sluice/runtime-workers'
import { type ErrorFacts, failureFields, plainError, readErrorFacts } from '../report/error-facts.js'
import type { JobLogLine } from './events.js'

export function plannedLine(
  graph: LogicalGraph,
  plan: PhysicalPlan,
  params: RawParams,
  settings: Pick<ResolvedSettings, 'checkpoint'>,
): JobLogLine {
  const { edgeBoundBytes: _bounds, ...memory } = plan.memory
  const rings = memory.rings === 0 ? 'no rings' : `${formatAmount(memory.rings, 'ring')} of ${formatBytes(memory.ringBytes)}`
  const where = plan.workers === 0 ? 'the main thread' : formatAmount(plan.workers, 'worker')
  return {
    level: 'info',
    event: 'job.planned',
    msg: `${formatAmount(plan.tasks.length, 'task')}, ${formatAmount(plan.subtasks.length, 'subtask')} on ${where}, ${formatAmount(plan.edges.length, 'edge')}, ${rings}`,
    fields: {
      workers: plan.workers,
      params,
      tasks: plan.tasks.map((task) => ({
        task: task.name,
        operators: task.nodes.map((node) => graph.nodes[node]?.name),
        parallelism: task.parallelism,
        workers: task.subtasks.map((subtask) => plan.subtasks[subtask]?.worker ?? HOST_WORKER),
      })),
      subtasks: plan.subtasks.length,
      edges: plan.edges.map((edge) => describeEdge(plan, edge)),
      chains: plan.chaining.map(({ edge, chained, because }) => ({
        edge: logicalEdgeName(graph, edge),
        chained,
        ...(because === undefined ? {} : { because }),
      })),
      memory,
      delivery: describeDelivery(graph, settings),
      ...(settings.checkpoint === undefined ? {} : { checkpoint: settings.checkpoint }),
      notes: plan.notes,
    },
  }
}

export function startedLine(startupMs: number, { attempt, restored }: StartedEvent): JobLogLine {
  const rounded = Math.round(startupMs)
  const from = restored === undefined ? 'from the beginning' : `from checkpoint ${restored}`
  const msg =
    attempt > 1 ? `running again ${from}, attempt ${attempt}` : `running, ${formatDuration(rounded)} after the start of the process`
  return {
    level: 'info',
    event: 'job.started',
    msg: attempt === 1 && restored !== undefined ? `${msg}, ${from}` : msg,
    fields: { attempt, ...(restored === undefined ? {} : { restored }), startupMs: rounded },
  }
}

export function restoredLine({ run, id, path, kind, completedMs, skipped, warnings }: RestoredEvent): JobLogLine {
  const completed = new Date(completedMs).toISOString()
  const damaged = skipped.map((one) => `${one.path} is damaged and left out: ${one.error.message}`)
  return {
    level: damaged.length + warnings.length === 0 ? 'info' : 'warn',
    event: 'job.restored',
    msg: [`goes on from ${kind} ${id} of ${completed}: ${path}`, ...damaged, ...warnings].join('\n'),
    fields: {
      run,
      checkpoint: id,
      kind,
      path,
      completed,
      skipped: skipped.map((one) => ({ path: one.path, problem: one.error.message })),
      warnings,
    },
  }
}

export function restartingLine({ attempt, delayMs, error, checkpoint }: RestartingEvent, cwd: string): JobLogLine {
  const from = checkpoint === undefined ? 'from the beginning: no checkpoint was complete' : `from checkpoint ${checkpoint}`
  const { durationMs: _none, ...failure } = failureFields(readErrorFacts(error), 0, cwd)
  return {
    level: 'warn',
    event: 'job.restarting',
    msg: `${error.code}: ${error.message}\nattempt ${attempt} begins in ${formatDuration(delayMs)}, ${from}`,
    fields: { attempt, delayMs: Math.round(delayMs), ...(checkpoint === undefined ? {} : { checkpoint }), ...failure },
  }
}

/** So many names stand in a line in words; JSON has all. */
const NAMES_SHOWN_MAX = 4
/** What makes up a smaller share of the duration of a checkpoint is not worth words. */
const PHASE_SHARE_MIN = 0.25
/** Nor is any part of one that is as short as this, in ms. */
const PHASES_SHOWN_FROM_MS = 100

/** undefined for what is not worth a line. */
export function checkpointLine(event: CheckpointEvent): JobLogLine | undefined {
  switch (event.type) {
    case 'checkpoint.triggered':
      return undefined
    case 'checkpoint.progress': {
      const { type, id, purpose, mode, sinceMs, missing, ahead } = event
      const waits = missing.length === 0 ? 'its manifest is being written' : `not acknowledged by ${namesInWords(missing)}`
      const edges = namesInWords(ahead.map(({ edge, bytes }) => `${formatBytes(bytes)} on ${edge}`))
      return {
        level: 'info',
        event: type,
        msg: `${id} ${mode}, for ${formatDuration(sinceMs)} now: ${waits}${ahead.length === 0 ? '' : `; in front of its barriers ${edges}`}`,
        fields: { id, purpose, mode, sinceMs: Math.round(sinceMs), missing, ahead },
      }
    }
    case 'checkpoint.completed': {
      const { type, ...figures } = event
      const known = Object.entries(figures).filter(([, value]) => value !== undefined)
      return {
        level: 'info',
        event: type,
        msg: `${completedInWords(event)}: ${event.path}`,
        fields: Object.fromEntries(
          known.map(([name, value]) => [name, typeof value === 'number' ? Math.round(value * 1000) / 1000 : value]),
        ),
      }
    }
    case 'checkpoint.failed': {
      const { type, id, purpose, reason, error, consecutive, durationMs, missing } = event
      const times = consecutive === 1 ? '' : `, ${consecutive} in a row`
      // What the first one of a row was told to be remedied by holds for the others.
      const hint = consecutive === 1 && error instanceof SluiceError ? `\n${error.hint}` : ''
      return {
        level: reason === 'closed' ? 'info' : 'warn',
        event: type,
        msg: `${id} was given up${times}: ${error.message}${hint}`,
        fields: { id, purpose, reason, consecutive, durationMs: Math.round(durationMs), missing, error: plainError(error) },
      }
    }
    case 'checkpoint.cleanup-failed':
      return {
        level: 'warn',
        event: 'checkpoint.leftover',
        msg: `what is not needed any more cannot be removed: ${event.path}: ${event.error.message}`,
        fields: { path: event.path, error: plainError(event.error) },
      }
  }
}

/** What it was, what it cost, and what took its time where that was long. */
function completedInWords(event: CheckpointCompleted): string {
  const { id, purpose, mode, final, durationMs, startDelayMs, alignmentMs, syncMs, asyncMs, throttledMs, bytes, channelBytes } = event
  const what = final !== undefined ? ` (the last one: ${final})` : purpose === 'savepoint' ? ` (for savepoint)` : ''
  const between = channelBytes === 0 ? '' : `, ${formatBytes(channelBytes)} of it records between operators`
  const phases = [
    { ms: startDelayMs, text: 'until barriers came' },
    { ms: alignmentMs, text: 'of alignment' },
    { ms: asyncMs, text: 'until all was durable' },
  ].filter(({ ms }) => durationMs >= PHASES_SHOWN_FROM_MS && ms >= durationMs * PHASE_SHARE_MIN)
  const shown = phases.map(({ ms, text }) => `up to ${formatDuration(ms)} ${text}`).join(', ')
  const slow = phases.length === 0 ? '' : `; ${shown}, ${event.slowestSubtask} was the last`
  const throttled =
    throttledMs === 0 ? '' : `; storage was slow: no records were taken for ${formatDuration(throttledMs)} until more of it was written`
  return `${id}${what} ${mode} in ${formatDuration(durationMs)}, ${formatBytes(bytes)}${between}, records stood still for ${formatDuration(syncMs)}${slow}${throttled}`
}

function namesInWords(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN_MAX
  return more <= 0 ? names.join(', ') : `${names.slice(0, NAMES_SHOWN_MAX).join(', ')} and ${more} more`
}

export function stoppingLine(signal: string, stopTimeoutMs: number): JobLogLine {
  const why = signal === 'SIGPIPE' ? 'nobody reads the output any more' : signal === 'request' ? 'asked to by `sluice stop`' : signal
  return {
    level: 'info',
    event: 'job.stopping',
    msg: `${why}: sources stop, what is in flight flows out within ${formatDuration(stopTimeoutMs)}${signal === 'request' ? '' : '; once more exits now'}`,
    fields: { signal, stopTimeoutMs },
  }
}

export function failedLine(facts: ErrorFacts, durationMs: number, cwd: string): JobLogLine {
  return { level: 'error', event: 'job.failed', msg: facts.error.message, fields: failureFields(facts, durationMs, cwd) }
}

function describeEdge(plan: PhysicalPlan, edge: PlannedEdge): Readonly<Record<string, unknown>> {
  return {
    edge: edge.name,
    partitioning: edge.partitioning,
    from: plan.tasks[edge.fromTask]?.parallelism,
    to: plan.tasks[edge.toTask]?.parallelism,
    channels: edge.channels.length,
    rings: edge.channels.filter((channel) => plan.channels[channel]?.kind === 'ring').length,
    boundBytes: plan.memory.edgeBoundBytes[edge.id],
  }
}

function logicalEdgeName(graph: LogicalGraph, id: number): string {
  const edge = graph.edges[id]
  const name = (node: number | undefined): string => (node === undefined ? '?' : (graph.nodes[node]?.name ?? '?'))
  return `${name(edge?.from.node)} -> ${name(edge?.to.node)}`
}
