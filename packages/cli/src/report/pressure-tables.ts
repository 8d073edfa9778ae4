/** The pressure graph as tables: which edges held their producers and whose doing it was, and for whom sources waited. Pure. */
import { type Cause, HOST_WORKER, type PressureEdge, type PressureGraph } from '@sluice/engine'
import type { Colours } from '../format/colours.js'
import { printableLine, shorten } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import { formatDuration, formatShare } from '../format/units.js'

/** Edges that held their producer for less than this share of the time are not told: bursts block a little in every healthy job. */
const HELD_SHARE_MIN = 0.01
const NAME_WIDTH_MAX = 48
const CAUSES_NAMED_MAX = 3

/** Edges that held their producers for more than a hundredth of the time, the longest first. */
export function heldEdges({ edges }: PressureGraph): readonly PressureEdge[] {
  return edges
    .filter(({ flow }) => (flow?.heldShare ?? 0) > HELD_SHARE_MIN)
    .toSorted((left, right) => (right.flow?.heldMs ?? 0) - (left.flow?.heldMs ?? 0))
}

/** Who held whom, and a line per source; undefined where nobody was held. */
export function formatHeldTable(pressure: PressureGraph, { bold, red }: Colours): string | undefined {
  const held = heldEdges(pressure)
  if (held.length === 0) return undefined
  const table = formatTable(
    [
      { title: 'who held whom' },
      { title: 'held', align: 'right' },
      { title: 'time', align: 'right' },
      { title: 'longest stall', align: 'right' },
      { title: 'because of' },
    ],
    held.map(({ edge, flow, onPath }) => {
      const name = shorten(printableLine(edge), NAME_WIDTH_MAX)
      return [
        onPath ? red(name) : name,
        formatShare(flow?.heldShare ?? 0),
        formatDuration(flow?.heldMs ?? 0),
        formatDuration(flow?.longestStallMs ?? 0),
        causesInWords(flow?.causes ?? []),
      ]
    }),
    bold,
  )
  return [table, ...sourceLines(pressure)].join('\n')
}

/** "flights waited 71 % of the time: for write 64 %, for parse 7 %". */
export function sourceLines({ sources }: PressureGraph): readonly string[] {
  return sources
    .filter(({ heldBack }) => heldBack > HELD_SHARE_MIN)
    .map(({ source, heldBack, on }) => {
      const whom = on.slice(0, CAUSES_NAMED_MAX).map((cause) => `for ${causeInWords(cause)} ${formatShare(cause.share)}`)
      return `${printableLine(source)} waited ${formatShare(heldBack)} of the time: ${[...whom, ...moreThan(on)].join(', ')}`
    })
}

/** "write", "write 90 %, parse 10 %". */
export function causesInWords(causes: readonly Cause[]): string {
  const [first] = causes
  if (first === undefined) return '-'
  if (causes.length === 1) return causeInWords(first)
  const named = causes.slice(0, CAUSES_NAMED_MAX).map((cause) => `${causeInWords(cause)} ${formatShare(cause.share)}`)
  return [...named, ...moreThan(causes)].join(', ')
}

function moreThan(causes: readonly Cause[]): readonly string[] {
  return causes.length > CAUSES_NAMED_MAX ? [`${causes.length - CAUSES_NAMED_MAX} more`] : []
}

function causeInWords({ kind, operator, dependency, workers }: Cause): string {
  const name = printableLine(operator)
  const of = dependency === undefined ? '' : ` of ${printableLine(dependency)}`
  switch (kind) {
    case 'operator':
      return name
    case 'limit':
      return `${name} (its limit)`
    case 'worker':
      return `${name} (${workers.map((worker) => (worker === HOST_WORKER ? 'the main thread' : `worker ${worker}`)).join(', ')} saturated)`
    case 'breaker':
      return `${name} (circuit breaker${of})`
    case 'retry':
      return `${name} (retries${of})`
    case 'budget':
      return `${name} (retry budget${of})`
    case 'retryAfter':
      return `${name} (pause asked for${dependency === undefined ? '' : ` by ${printableLine(dependency)}`})`
    case 'bulkhead':
      return `${name} (no place among the calls${of})`
    case 'calls':
      return `${name} (calls${of})`
  }
}
