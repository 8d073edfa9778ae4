/** The plan as text: what `sluice plan` prints. One section per question a user has. */
import type { LogicalGraph, LogicalNode, RestartStrategy } from '../../graph/logical-graph.js'
import { canonicalJson } from '../../graph/summarise-graph.js'
import { nameEdges } from '../build-tasks.js'
import { edgeSettingsInWords } from '../edge-settings.js'
import { formatBytes } from '../format-bytes.js'
import { HOST_WORKER, type PhysicalPlan, type PlannedEdge, type PlannedTask } from '../physical-plan.js'
import { edgeBound, frameBytesOf } from '../plan-memory.js'
import type { ResolvedSettings } from '../settings.js'
import { describeDelivery } from './delivery.js'
import { dividedNumbers, roleOf } from './operator-facts.js'

export function planAsText(graph: LogicalGraph, plan: PhysicalPlan, settings?: ResolvedSettings): string {
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ['Tasks', plan.tasks.flatMap((task) => taskLines(graph, plan, task))],
    ['Edges between tasks', table(plan.edges.map((edge) => edgeCells(plan, edge)))],
    ['Chaining', table(chainingCells(graph, plan))],
    ['Resources', table(resourceCells(graph, plan))],
    ['Checkpoints', settings === undefined ? [] : checkpointLines(settings)],
    ['Delivery', table(deliveryCells(graph, settings))],
    ['Memory', memoryLines(plan)],
    ['Notes', plan.notes.map((note) => `- ${note}`)],
  ]
  const text = [headline(plan)]
  for (const [title, lines] of sections) {
    if (lines.length > 0) text.push('', title, ...lines.map((line) => `  ${line}`))
  }
  return text.join('\n')
}

function headline(plan: PhysicalPlan): string {
  const threads = plan.workers === 0 ? 'the calling thread' : counted(plan.workers, 'worker')
  const parts = [counted(plan.tasks.length, 'task'), `${counted(plan.subtasks.length, 'subtask')} on ${threads}`]
  parts.push(counted(plan.edges.length, 'edge'), counted(plan.channels.length, 'channel'))
  return `Job ${plan.job}: ${parts.join(', ')}`
}

function taskLines(graph: LogicalGraph, plan: PhysicalPlan, task: PlannedTask): readonly string[] {
  const cells = task.nodes.flatMap((id) => {
    const node = graph.nodes[id]
    return node === undefined ? [] : [operatorCells(node, task)]
  })
  return [`${task.name}`, `  ${counted(task.parallelism, 'subtask')} on ${placeOf(plan, task)}`, ...table(cells).map((line) => `  ${line}`)]
}

/** "worker 0", "workers 0, 1", "workers 0 x 2, 1 x 1", "the calling thread". */
function placeOf(plan: PhysicalPlan, task: PlannedTask): string {
  const perWorker = new Map<number, number>()
  for (const id of task.subtasks) {
    const worker = plan.subtasks[id]?.worker ?? HOST_WORKER
    perWorker.set(worker, (perWorker.get(worker) ?? 0) + 1)
  }
  if (perWorker.has(HOST_WORKER)) return 'the calling thread'
  const several = [...perWorker.values()].some((count) => count > 1)
  const list = [...perWorker].map(([worker, count]) => (several ? `${worker} x ${count}` : `${worker}`))
  return `${perWorker.size === 1 ? 'worker' : 'workers'} ${list.join(', ')}`
}

function operatorCells(node: LogicalNode, task: PlannedTask): readonly string[] {
  const facts = dividedNumbers(node, task.parallelism).map(({ name, total, perSubtaskMin, perSubtaskMax }) => {
    const each = perSubtaskMin === perSubtaskMax ? number(perSubtaskMin) : `${number(perSubtaskMin)} to ${number(perSubtaskMax)}`
    const what = name === 'concurrency' ? `concurrency ${number(total)}` : `${number(total)} records/s`
    return task.parallelism === 1 ? what : `${what} (${each} per subtask)`
  })
  if (node.colocation !== undefined) facts.push(`in one thread with all of "${node.colocation}"`)
  const options = node.options === undefined ? '{}' : canonicalJson(node.options)
  if (options !== '{}') facts.push(options)
  return [node.name, roleOf(node), facts.join(', '), node.declaredAt === undefined ? '' : `at ${node.declaredAt}`]
}

function edgeCells(plan: PhysicalPlan, edge: PlannedEdge): readonly string[] {
  const rings = edge.channels.filter((id) => plan.channels[id]?.kind === 'ring').length
  const locals = edge.channels.length - rings
  const kinds = [...(rings > 0 ? [counted(rings, 'ring')] : []), ...(locals > 0 ? [`${locals} local`] : [])]
  const width = `${plan.tasks[edge.fromTask]?.parallelism} x ${plan.tasks[edge.toTask]?.parallelism}`
  const all = plan.memory.edgeBoundBytes[edge.id] ?? 0
  const large = edgeBound({ rings, locals, asyncRecords: 0 }, plan.memory.ringBytes, plan.memory.maxRecordBytes).largeRecordBytes
  const bound = `holds at most ${formatBytes(all - large)}${large > 0 ? ` (${formatBytes(all)} with records larger than a frame)` : ''}`
  const flow = edge.flow === undefined ? '' : edgeSettingsInWords(edge.flow)
  return [edge.name, edge.partitioning, width, kinds.join(', '), flow, bound]
}

function chainingCells(graph: LogicalGraph, plan: PhysicalPlan): readonly (readonly string[])[] {
  const names = nameEdges(graph)
  return plan.chaining.map(({ edge, chained, because }) => [names[edge] ?? '', chained ? 'chained' : `not chained: ${because}`])
}

/** Each worker that may host a user of a resource opens its own. */
function resourceCells(graph: LogicalGraph, plan: PhysicalPlan): readonly (readonly string[])[] {
  return graph.resources.map(({ name, declaredAt }) => {
    const threads = new Set<number>()
    for (const { task, worker } of plan.subtasks) {
      const uses = plan.tasks[task]?.nodes.some((id) => graph.nodes[id]?.resources?.includes(name) ?? true)
      if (uses === true) threads.add(worker)
    }
    return [name, `opened in ${counted(threads.size, 'thread')}`, declaredAt === undefined ? '' : `at ${declaredAt}`]
  })
}

function checkpointLines({ checkpoint, restart }: ResolvedSettings): readonly string[] {
  if (checkpoint === undefined) return ['none: after a failure the job ends, and its state is gone']
  const { mode, intervalMs, alignedTimeoutMs, directory, retain } = checkpoint
  const overtake = mode !== 'aligned' || alignedTimeoutMs === undefined ? '' : `, unaligned after ${duration(alignedTimeoutMs)}`
  return [
    `every ${duration(intervalMs)}, ${mode}${overtake}, in ${directory}; the last ${retain === 1 ? 'one is' : `${retain} are`} kept`,
    `after a failure ${restartInWords(restart)}`,
  ]
}

function restartInWords(restart: RestartStrategy): string {
  const from = 'the job starts again from the last one'
  switch (restart.kind) {
    case 'none':
      return 'the job ends; --restore latest goes on'
    case 'fixed':
      return `${from}, ${duration(restart.delayMs)} later, at most ${counted(restart.attempts, 'time')}`
    case 'failure-rate':
      return `${from}, ${duration(restart.delayMs)} later, unless it failed more than ${counted(restart.failures, 'time')} within ${duration(restart.windowMs)}`
    case 'exponential':
      return `${from}, ${duration(restart.initialDelayMs)} later, which doubles up to ${duration(restart.maxDelayMs)}`
  }
}

function duration(ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const
  const [unit, size] = units.find(([, least]) => ms >= least) ?? ['ms', 1]
  return `${number(ms / size)} ${unit}`
}

function deliveryCells(graph: LogicalGraph, settings: ResolvedSettings | undefined): readonly (readonly string[])[] {
  if (settings !== undefined) {
    return describeDelivery(graph, settings).map(({ operator, role, guarantee, because }) => [
      operator,
      role,
      guarantee === 'none' ? because : `${guarantee}: ${because}`,
    ])
  }
  return graph.nodes.flatMap((node) => (node.delivery === undefined ? [] : [[node.name, roleOf(node), node.delivery]]))
}

function memoryLines({ memory, channels }: PhysicalPlan): readonly string[] {
  const locals = channels.length - memory.rings
  const lines = [`${formatBytes(memory.plannedBytes)} planned of a budget of ${formatBytes(memory.budgetBytes)}`]
  const cells: string[][] = []
  if (memory.rings > 0) cells.push(['rings', formatBytes(memory.ringsBytes), `${memory.rings} of ${formatBytes(memory.ringBytes)}`])
  if (locals > 0) cells.push(['local windows', formatBytes(memory.localBytes), `${locals} of at most ${formatBytes(memory.ringBytes)}`])
  if (channels.length > 0) {
    cells.push(['staging', formatBytes(memory.stagingBytes), `frames of at most ${formatBytes(frameBytesOf(memory.ringBytes))}`])
    cells.push(['overdraft', formatBytes(memory.overdraftBytes), 'what one call emits beyond its credit'])
  }
  if (memory.asyncBytes > 0) cells.push(['async', formatBytes(memory.asyncBytes), 'asynchronous work in flight'])
  if (memory.heldBytes > 0)
    cells.push(['queues', formatBytes(memory.heldBytes), 'of operators that hold records back, and of sources that others send to'])
  lines.push(...table(cells).map((line) => `  ${line}`))
  if (memory.largeRecordBytes > 0) {
    lines.push(
      `records larger than a frame take up to ${formatBytes(memory.largeRecordBytes)} on top (at most ${formatBytes(memory.maxRecordBytes)} each)`,
    )
  }
  return lines
}

/** Columns as wide as their widest cell, two blanks between, nothing at the end of a line. */
function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = []
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  return rows.map((row) =>
    row
      .map((cell, at) => (widths[at] === 0 ? '' : `${cell.padEnd(widths[at] ?? 0)}  `))
      .join('')
      .trimEnd(),
  )
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2)
}
