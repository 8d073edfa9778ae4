/**
 * A line of the job log in words: time, what, facts, aligned so that the edges of one report stand below each other. It learns the
 * widths from `job.planned`. No I/O.
 */
import type { Colours } from '../format/colours.js'
import { printable, printableLine, shorten } from '../format/printable.js'
import { padTo } from '../format/table.js'
import { formatByteRate, formatBytes, formatDuration, formatRecordRate, formatShare } from '../format/units.js'

type Line = Readonly<Record<string, unknown>>

const LABEL_WIDTH = 10
const EDGE_WIDTH_MAX = 60
/** `12:03:04.123` and two blanks before the label. */
const TIME_WIDTH = 14
const indent = ' '.repeat(TIME_WIDTH + LABEL_WIDTH)

const labels: Readonly<Record<string, string>> = {
  'job.planned': 'planned',
  'job.started': 'started',
  'job.stopping': 'stopping',
  'job.finished': 'finished',
  'job.failed': 'failed',
  'job.restored': 'restored',
  'job.restarting': 'restarting',
  'checkpoint.progress': 'checkpoint',
  'checkpoint.completed': 'checkpoint',
  'checkpoint.failed': 'checkpoint',
  'checkpoint.leftover': 'checkpoint',
  'edge.pressure': 'edge',
  'job.bottleneck': 'bottleneck',
  'job.headroom': 'headroom',
  'operator.calls': 'calls',
  'operator.stuck': 'stuck',
  'source.idle': 'idle',
  'source.listening': 'listening',
  'breaker.changed': 'breaker',
  'source.active': 'active',
  'watermark.stalled': 'stalled',
  'records.late': 'late',
  'records.dropped': 'dropped',
  'records.deadLettered': 'letters',
  'user.log': 'log',
}

export class PrettyPrinter {
  readonly #colours: Colours
  #edgeWidth = 0
  #shapes = new Map<unknown, string>()

  constructor(colours: Colours) {
    this.#colours = colours
  }

  /** One or more lines of text, with the newline. */
  print(line: Line): string {
    const { dim } = this.#colours
    const event = text(line['event'])
    const label = padTo(labels[event] ?? event, LABEL_WIDTH)
    const body = this.#body(event, line).replaceAll('\n', `\n${indent}  `)
    return `${dim(timeOfDay(text(line['time'])))}  ${this.#colourLabel(line, label)}  ${body}\n`
  }

  #body(event: string, line: Line): string {
    switch (event) {
      case 'job.planned':
        return this.#planned(line)
      case 'edge.pressure':
        return this.#pressure(line)
      case 'job.restarting':
      case 'checkpoint.progress':
      case 'checkpoint.failed':
      case 'checkpoint.leftover':
      case 'job.bottleneck':
      case 'operator.stuck':
      case 'source.idle':
      case 'watermark.stalled':
      case 'records.late':
      case 'records.dropped':
      case 'records.deadLettered':
        return this.#colours.yellow(printable(text(line['msg'])))
      case 'job.failed':
        // The block that follows says the rest.
        return `after ${formatDuration(number(line['durationMs']))}: ${this.#colours.red(text(line['code']))}`
      case 'user.log':
        return userLine(line)
      default:
        return printable(text(line['msg']))
    }
  }

  #planned(line: Line): string {
    const edges = list(line['edges'])
    this.#shapes = new Map(edges.map((edge) => [edge['edge'], `${text(edge['partitioning'])} ${text(edge['from'])}x${text(edge['to'])}`]))
    this.#edgeWidth = Math.min(EDGE_WIDTH_MAX, Math.max(0, ...edges.map((edge) => text(edge['edge']).length)))
    const memory = (line['memory'] ?? {}) as Line
    const facts = `${printable(text(line['msg']))}, ${formatBytes(number(memory['plannedBytes']))} planned of ${formatBytes(number(memory['budgetBytes']))}`
    const notes = Array.isArray(line['notes']) ? line['notes'].map((note) => `note: ${printableLine(text(note))}`) : []
    return [facts, ...notes].join('\n')
  }

  #pressure(line: Line): string {
    const { dim, green, yellow, red } = this.#colours
    const pressure = text(line['pressure'])
    const colour = pressure === 'HIGH' ? red : pressure === 'LOW' ? yellow : green
    const blocked = (line['blockedMsPerSecond'] ?? {}) as Line
    const shape = this.#shapes.get(line['edge']) ?? `${text(line['partitioning'])} ${text(line['channels'])}`
    const shapeWidth = Math.max(0, ...[...this.#shapes.values()].map((known) => known.length))
    return [
      padTo(shorten(printableLine(text(line['edge'])), EDGE_WIDTH_MAX), this.#edgeWidth),
      dim(padTo(shape, shapeWidth)),
      padTo(formatRecordRate(number(line['recordsPerSecond'])), 12, 'right'),
      padTo(formatByteRate(number(line['bytesPerSecond'])), 9, 'right'),
      `fill ${number(line['fill']).toFixed(2)}`,
      `blocked ${padTo(formatShare(number(blocked['max']) / 1000), 5, 'right')}`,
      colour(pressure),
      ...(line['prefetch'] === undefined ? [] : [dim(`prefetch ${text(line['prefetch'])}`)]),
    ].join('  ')
  }

  #colourLabel(line: Line, label: string): string {
    const { bold, green, red, yellow, cyan } = this.#colours
    if (line['level'] === 'error') return bold(red(label))
    if (line['level'] === 'warn') return yellow(label)
    return line['event'] === 'job.finished' ? bold(green(label)) : cyan(label)
  }
}

/** `warn  parse[1]  a message  rows=12`. */
function userLine(line: Line): string {
  const operator = line['operator'] === undefined ? '' : `${printableLine(text(line['operator']))}[${text(line['subtask'] ?? '?')}]  `
  const fields = Object.entries((line['fields'] ?? {}) as Line).map(
    ([name, value]) => `${printableLine(name)}=${printableLine(inline(value))}`,
  )
  const level = line['level'] === 'info' ? '' : `${text(line['level'])}  `
  return [`${level}${operator}${printable(text(line['msg']))}`, ...fields].join('  ')
}

function timeOfDay(iso: string): string {
  const date = new Date(iso)
  const two = (part: number): string => String(part).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

function inline(value: unknown): string {
  return typeof value === 'string' && !/[\s=]/.test(value) ? value : JSON.stringify(value)
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : typeof value === 'number' ? String(value) : JSON.stringify(value)
}

function number(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function list(value: unknown): readonly Line[] {
  return Array.isArray(value) ? (value as Line[]) : []
}
