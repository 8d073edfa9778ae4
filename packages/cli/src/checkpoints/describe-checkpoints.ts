/** Checkpoints in words and tables. Pure. */
import { bytesOf, type CheckpointManifest, type ListedCheckpoint } from '@sluice/engine'
import type { AskedCheckpoint } from '@sluice/runtime-workers'
import type { Colours } from '../format/colours.js'
import { printableLine } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import { formatBytes, formatDuration } from '../format/units.js'

export function listTable(listed: readonly { readonly job: string; readonly checkpoint: ListedCheckpoint }[], { bold }: Colours): string {
  return formatTable(
    [
      { title: 'job' },
      { title: 'id', align: 'right' },
      { title: 'kind' },
      { title: 'mode' },
      { title: 'taken' },
      { title: 'duration', align: 'right' },
      { title: 'size', align: 'right' },
      { title: 'path' },
      { title: '' },
    ],
    listed.map(({ job, checkpoint }) => {
      const { id, kind, manifest, bytes, durationMs, path, problem } = checkpoint
      return [
        printableLine(job),
        id === undefined ? '' : String(id),
        manifest?.final === undefined ? kind : `${kind}, ${manifest.final}`,
        manifest?.mode ?? '',
        manifest === undefined ? '' : isoTime(manifest.completedMs),
        durationMs === undefined ? '' : formatDuration(durationMs),
        manifest === undefined ? '' : formatBytes(bytes),
        printableLine(path),
        problem === undefined ? '' : `cannot be restored: ${printableLine(problem)}`,
      ]
    }),
    bold,
  )
}

export function showLines({ path, manifest }: AskedCheckpoint): readonly string[] {
  const { job, id, kind, final, mode, run, attempt, startedMs, completedMs, keyGroups, workers, params, operators, sluice } = manifest
  const rows: readonly (readonly [string, string])[] = [
    ['job', printableLine(job)],
    ['path', path],
    ['what', `${kind} ${id}, ${mode}${final === undefined ? '' : `, the last one: the job was ${final}`}`],
    ['run', `${run}, attempt ${attempt}`],
    ['taken', `${isoTime(startedMs)}, in ${formatDuration(completedMs - startedMs)}`],
    ['size', `${formatBytes(bytesOf(manifest))}, ${formatBytes(channelBytesOf(manifest))} of it records between operators`],
    ['by', `Sluice ${sluice}, ${workers} workers, ${keyGroups} key groups`],
    ['params', JSON.stringify(params)],
  ]
  const table = formatTable(
    [{ title: 'operator' }, { title: 'kind' }, { title: 'parallelism', align: 'right' }, { title: 'inputs' }],
    operators.map((one) => [printableLine(one.name), one.kind, String(one.parallelism), one.inputs.map(printableLine).join(', ')]),
  )
  return [...rows.map(([name, value]) => `${name.padEnd(8)}${value}`), '', ...table.split('\n')]
}

function channelBytesOf(manifest: CheckpointManifest): number {
  return manifest.tasks.flatMap(({ subtasks }) => subtasks).reduce((sum, { figures }) => sum + figures.channelBytes, 0)
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
