/** The plan of a running job with what flows and who is held, as text, a Mermaid or Graphviz drawing, or JSON. Pure. */
import type { PlanFormat, PressureEdge, PressureGraph, PressureOperator } from '@sluice/engine'
import type { LivePressure } from '../control/protocol.js'
import type { Colours } from '../format/colours.js'
import { printableLine, shorten } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import { formatAmount, formatBytes, formatDuration, formatRecordRate, formatShare, formatWhole } from '../format/units.js'
import { causesInWords, sourceLines } from '../report/pressure-tables.js'

const NAME_WIDTH_MAX = 48
/** Marks the way through which the bottleneck holds the sources back: also where there are no colours. */
const ON_PATH = '*'

/** Ends without a line break. `oneLine`: JSON without line breaks. */
export function describePressure(live: LivePressure, format: PlanFormat, colours: Colours, oneLine = false): string {
  switch (format) {
    case 'text':
      return asText(live, colours)
    case 'mermaid':
      return asMermaid(live.pressure)
    case 'dot':
      return asDot(live)
    case 'json':
      return JSON.stringify(live, null, oneLine ? undefined : 2)
  }
}

function asText({ job, pid, state, attempt, pressure }: LivePressure, colours: Colours): string {
  const head = `${printableLine(job)} (process ${pid}, ${state}, attempt ${attempt}), the last ${formatDuration(pressure.intervalMs)}`
  const { bottleneck } = pressure
  const blame = bottleneck === undefined ? 'nobody is held back' : colours.yellow(printableLine(bottleneck.message))
  const edges = pressure.edges.some(({ flow }) => flow !== undefined) ? [edgeTable(pressure, colours)] : []
  return [head, ...edges, operatorTable(pressure, colours), [blame, ...sourceLines(pressure)].join('\n')].join('\n\n')
}

function edgeTable({ edges }: PressureGraph, { bold, green, yellow, red }: Colours): string {
  const paint = { OK: green, LOW: yellow, HIGH: red }
  const right = 'right'
  return formatTable(
    [
      { title: ' ' },
      { title: 'edge' },
      { title: 'partitioning' },
      { title: 'rate', align: right },
      { title: 'window', align: right },
      { title: 'in use', align: right },
      { title: 'queue', align: right },
      { title: 'pressure' },
      { title: 'held', align: right },
      { title: 'because of' },
    ],
    edges.flatMap(({ edge, flow, onPath }) => {
      if (flow === undefined) return []
      const name = shorten(printableLine(edge), NAME_WIDTH_MAX)
      return [
        [
          onPath ? red(ON_PATH) : ' ',
          onPath ? red(name) : name,
          `${flow.partitioning}, ${flow.channels} channel${flow.channels === 1 ? '' : 's'}`,
          formatRecordRate(flow.recordsPerSecond),
          flow.prefetch === undefined ? formatBytes(flow.window) : formatAmount(flow.prefetch, 'record'),
          formatShare(flow.fill),
          formatDuration(flow.queueMs),
          paint[flow.level](flow.level),
          formatShare(flow.heldShare),
          causesInWords(flow.causes),
        ],
      ]
    }),
    bold,
  )
}

function operatorTable({ operators, bottleneck, edges }: PressureGraph, { bold, red }: Colours): string {
  const onPath = new Set(edges.filter((edge) => edge.onPath).flatMap(({ from, to }) => [from, to]))
  const holds = operators.some(({ heldRecords }) => heldRecords > 0)
  const right = 'right'
  return formatTable(
    [
      { title: ' ' },
      { title: 'operator' },
      { title: 'chain', align: right },
      { title: 'subtasks', align: right },
      { title: 'busy', align: right },
      { title: 'held back', align: right },
      ...(holds ? [{ title: 'holds', align: right } as const] : []),
    ],
    operators.map(({ name, task, subtasks, busy, heldBack, heldRecords }) => {
      const shown = shorten(printableLine(name), NAME_WIDTH_MAX)
      const marked = onPath.has(name) || name === bottleneck?.operator
      return [
        marked ? red(ON_PATH) : ' ',
        name === bottleneck?.operator ? red(shown) : shown,
        String(task + 1),
        String(subtasks),
        formatShare(busy),
        formatShare(heldBack),
        ...(holds ? [formatWhole(heldRecords)] : []),
      ]
    }),
    bold,
  )
}

function asMermaid(pressure: PressureGraph): string {
  const { operators, edges, bottleneck } = pressure
  const ids = new Map(operators.map(({ name }, at) => [name, `n${at}`]))
  const lines = ['flowchart LR']
  for (const [task, members] of byTask(operators)) {
    lines.push(`  subgraph t${task}["${task + 1} x${members[0]?.subtasks ?? 1}"]`)
    for (const operator of members) {
      const text = `"${escapeMarkup(operator.name)}<br/>${operatorFacts(operator)}"`
      const [open, close] = operator.role === 'source' ? ['([', '])'] : operator.role === 'sink' ? ['[[', ']]'] : ['[', ']']
      lines.push(`    ${ids.get(operator.name)}${open}${text}${close}`)
    }
    lines.push('  end')
  }
  for (const { from, to, flow } of edges) {
    const arrow = flow === undefined ? '---' : `-->|"${edgeFacts(flow).join('<br/>')}"|`
    lines.push(`  ${ids.get(from)} ${arrow} ${ids.get(to)}`)
  }
  const path = edges.flatMap(({ onPath }, at) => (onPath ? [at] : []))
  if (path.length > 0) lines.push(`  linkStyle ${path.join(',')} stroke:#c00,stroke-width:3px`)
  const blamed = ids.get(bottleneck?.operator ?? '')
  if (blamed !== undefined) lines.push(`  style ${blamed} stroke:#c00,stroke-width:3px`)
  return lines.join('\n')
}

function asDot({ job, pressure }: LivePressure): string {
  const { operators, edges, bottleneck } = pressure
  const ids = new Map(operators.map(({ name }, at) => [name, `n${at}`]))
  const lines = [`digraph ${quoted(job)} {`, '  rankdir=LR', '  node [shape=box]']
  for (const [task, members] of byTask(operators)) {
    lines.push(`  subgraph cluster_${task} {`, `    label=${quoted(`${task + 1} x${members[0]?.subtasks ?? 1}`)}`)
    for (const operator of members) {
      const shape = operator.role === 'source' ? ', shape=ellipse' : operator.role === 'sink' ? ', shape=box3d' : ''
      const blamed = operator.name === bottleneck?.operator ? ', color=red, penwidth=2' : ''
      lines.push(`    ${ids.get(operator.name)} [label=${quoted(`${operator.name}\n${operatorFacts(operator)}`)}${shape}${blamed}]`)
    }
    lines.push('  }')
  }
  for (const { from, to, flow, onPath } of edges) {
    const facts = flow === undefined ? 'arrowhead=none' : `label=${quoted(edgeFacts(flow).join('\n'))}`
    lines.push(`  ${ids.get(from)} -> ${ids.get(to)} [${facts}${onPath ? ', color=red, penwidth=2' : ''}]`)
  }
  lines.push('}')
  return lines.join('\n')
}

function edgeFacts(flow: NonNullable<PressureEdge['flow']>): readonly string[] {
  return [
    formatRecordRate(flow.recordsPerSecond),
    `${formatShare(flow.fill)} of ${flow.prefetch === undefined ? formatBytes(flow.window) : formatAmount(flow.prefetch, 'record')}`,
    `${flow.level}, held ${formatShare(flow.heldShare)}`,
  ]
}

function operatorFacts({ busy, heldRecords }: PressureOperator): string {
  return `busy ${formatShare(busy)}${heldRecords > 0 ? `, holds ${formatWhole(heldRecords)}` : ''}`
}

function byTask(operators: readonly PressureOperator[]): ReadonlyMap<number, readonly PressureOperator[]> {
  const tasks = new Map<number, PressureOperator[]>()
  for (const operator of operators) {
    const members = tasks.get(operator.task)
    if (members === undefined) tasks.set(operator.task, [operator])
    else members.push(operator)
  }
  return tasks
}

function escapeMarkup(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
