/** The end of a run on the terminal: edges with rates and pressure, operators with what their time went to. Pure. */
import {
  type CallReport,
  type DroppedRecords,
  type EdgePressure,
  HOST_WORKER,
  type IntervalReport,
  type PressureGraph,
  type SubtaskReport,
} from '@sluice/engine'
import type { Colours } from '../format/colours.js'
import { printableLine, shorten } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import type { CheckpointSummary } from '@sluice/runtime-workers'
import { headroomInWords } from './headroom-in-words.js'
import { formatHeldTable } from './pressure-tables.js'
import { formatByteRate, formatBytes, formatDuration, formatRecordRate, formatShare, formatWhole } from '../format/units.js'

const right = 'right'
/** The chain of a task may be long. */
const NAME_WIDTH_MAX = 48

export interface MoreResults {
  readonly checkpoints?: CheckpointSummary | undefined
  readonly pressure?: PressureGraph | undefined
}

/** Tables with a blank line before each, and who held the sources back; edges and checkpoints are left out where there are none. */
export function formatResultTables(totals: IntervalReport, colours: Colours, { checkpoints, pressure }: MoreResults = {}): string {
  const held = pressure === undefined ? undefined : formatHeldTable(pressure, colours)
  const tables = [
    ...(totals.edges.length === 0 ? [] : [edgeTable(totals.edges, colours)]),
    operatorTable(totals.subtasks, colours),
    ...(held === undefined ? [] : [held]),
    ...(totals.calls.length === 0 ? [] : [callTable(totals.calls, colours)]),
    ...(totals.dropped.length === 0 ? [] : [lossTable(totals.dropped, colours)]),
    ...(totals.deadLetters.length === 0 ? [] : [letterTable(totals.deadLetters, colours)]),
    ...(checkpoints === undefined ? [] : [checkpointTable(checkpoints, colours)]),
  ]
  const bottleneck = totals.bottleneck === undefined ? [] : [colours.yellow(printableLine(totals.bottleneck.message))]
  const headroom = totals.headroom === undefined ? [] : [headroomInWords(totals.headroom, totals.headroom.recordsPerSecondPeak)]
  return [...tables, [...bottleneck, ...headroom].join('\n')]
    .filter((text) => text !== '')
    .map((table) => `\n${table}\n`)
    .join('')
}

function edgeTable(edges: readonly EdgePressure[], { bold, green, yellow, red }: Colours): string {
  const paint = { OK: green, LOW: yellow, HIGH: red }
  return formatTable(
    [
      { title: 'edge' },
      { title: 'partitioning' },
      { title: 'rate', align: right },
      { title: 'bytes', align: right },
      { title: 'blocked', align: right },
      { title: 'longest stall', align: right },
      { title: 'pressure' },
    ],
    edges.map((edge) => [
      shorten(printableLine(edge.edge), NAME_WIDTH_MAX),
      `${edge.partitioning}, ${edge.channels} channel${edge.channels === 1 ? '' : 's'}`,
      formatRecordRate(edge.recordsPerSecond),
      formatByteRate(edge.bytesPerSecond),
      formatShare(edge.blockedMsPerSecond.max / 1000),
      formatDuration(edge.longestStallMs),
      paint[edge.level](edge.level),
    ]),
    bold,
  )
}

/** What operators whose calls are protected did. */
function callTable(calls: readonly CallReport[], { bold }: Colours): string {
  const named = calls.some(({ dependency }) => dependency !== undefined)
  const breakers = calls.some(({ breaker }) => breaker !== undefined)
  return formatTable(
    [
      { title: 'calls' },
      ...(named ? [{ title: 'of' } as const] : []),
      { title: 'calls', align: right },
      { title: 'failed', align: right },
      { title: 'tried again', align: right },
      { title: 'refused', align: right },
      { title: 'dead letters', align: right },
      { title: 'mean', align: right },
      ...(breakers ? [{ title: 'breaker open', align: right } as const] : []),
    ],
    calls.map(({ operator, dependency, calls: made, failures, retries, refused, deadLetters, meanMs, breakerOpenMs }) => [
      shorten(printableLine(operator), NAME_WIDTH_MAX),
      ...(named ? [dependency === undefined ? '-' : shorten(printableLine(dependency), NAME_WIDTH_MAX)] : []),
      formatWhole(made),
      formatWhole(failures),
      formatWhole(retries),
      formatWhole(refused),
      formatWhole(deadLetters),
      meanMs === undefined ? '-' : formatDuration(meanMs),
      ...(breakers ? [formatDuration(breakerOpenMs)] : []),
    ]),
    bold,
  )
}

/** What operators lost on purpose, by reason. */
function lossTable(dropped: readonly DroppedRecords[], { bold }: Colours): string {
  return formatTable(
    [{ title: 'losses' }, { title: 'reason' }, { title: 'records', align: right }, { title: 'edge' }],
    dropped.map(({ operator, reason, total, edge }) => [
      shorten(printableLine(operator), NAME_WIDTH_MAX),
      printableLine(reason),
      formatWhole(total),
      edge === undefined ? '-' : shorten(printableLine(edge), NAME_WIDTH_MAX),
    ]),
    bold,
  )
}

/** Dead letters of operators, by the code of the error. */
function letterTable(letters: readonly DroppedRecords[], { bold }: Colours): string {
  return formatTable(
    [{ title: 'dead letters' }, { title: 'code' }, { title: 'records', align: right }],
    letters.map(({ operator, reason, total }) => [
      shorten(printableLine(operator), NAME_WIDTH_MAX),
      printableLine(reason),
      formatWhole(total),
    ]),
    bold,
  )
}

function checkpointTable({ run, completed, failed, durationMaxMs, syncMaxMs, last }: CheckpointSummary, { bold }: Colours): string {
  return formatTable(
    [
      { title: 'checkpoints' },
      { title: 'completed', align: right },
      { title: 'failed', align: right },
      { title: 'longest', align: right },
      { title: 'longest pause', align: right },
      { title: 'last size', align: right },
      { title: 'last' },
    ],
    [
      [
        run,
        formatWhole(completed),
        formatWhole(failed),
        completed === 0 ? '-' : formatDuration(durationMaxMs),
        completed === 0 ? '-' : formatDuration(syncMaxMs),
        last === undefined ? '-' : formatBytes(last.bytes),
        last === undefined ? '-' : printableLine(last.path),
      ],
    ],
    bold,
  )
}

function operatorTable(subtasks: readonly SubtaskReport[], { bold }: Colours): string {
  const lost = subtasks.some(({ dropped, deadLetters }) => dropped > 0 || deadLetters > 0)
  const aligned = subtasks.some(({ alignedMsPerSecond }) => alignedMsPerSecond >= 1)
  const held = subtasks.some(({ heldRecords }) => heldRecords > 0)
  const late = subtasks.some(({ lateRecords }) => lateRecords > 0)
  const share = (msPerSecond: number): string => formatShare(msPerSecond / 1000)
  return formatTable(
    [
      { title: 'operators' },
      { title: 'subtask', align: right },
      { title: 'worker' },
      { title: 'busy', align: right },
      { title: 'queued', align: right },
      { title: 'held back', align: right },
      { title: 'idle', align: right },
      ...(aligned ? [{ title: 'aligned', align: right } as const] : []),
      { title: 'records in', align: right },
      { title: 'records out', align: right },
      ...(held ? [{ title: 'holds', align: right } as const] : []),
      ...(lost ? [{ title: 'dropped', align: right } as const, { title: 'dead letters', align: right } as const] : []),
      ...(late ? [{ title: 'late', align: right } as const] : []),
    ],
    subtasks.map((subtask) => [
      shorten(printableLine(subtask.task), NAME_WIDTH_MAX),
      String(subtask.subtask),
      subtask.worker === HOST_WORKER ? 'main' : String(subtask.worker),
      share(subtask.busyMsPerSecond),
      share(subtask.queuedMsPerSecond),
      share(subtask.backpressuredMsPerSecond),
      share(subtask.idleMsPerSecond),
      ...(aligned ? [share(subtask.alignedMsPerSecond)] : []),
      formatWhole(subtask.recordsIn),
      formatWhole(subtask.recordsOut),
      ...(held ? [formatWhole(subtask.heldRecords)] : []),
      ...(lost ? [formatWhole(subtask.dropped), formatWhole(subtask.deadLetters)] : []),
      ...(late ? [formatWhole(subtask.lateRecords)] : []),
    ]),
    bold,
  )
}
