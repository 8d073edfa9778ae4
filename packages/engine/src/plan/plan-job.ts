/**
 * From a logical graph and settings to the physical plan. Pure and deterministic: every thread makes the same plan.
 */
import { isSink, type LogicalGraph, type LogicalNode } from '../graph/logical-graph.js'
import type { AsyncSpec } from '../graph/operator-spec.js'
import { SluiceError } from '../errors/sluice-error.js'
import { sortGraph } from '../graph/sort-graph.js'
import { validateGraph } from '../graph/validate-graph.js'
import { checkEdgeSettings, edgeSettingNotes } from './edge-settings.js'
import { buildTasks, nameEdges, type TaskDrafts } from './build-tasks.js'
import { acknowledges } from './describe/delivery.js'
import { decideChaining, type EdgeDecisions } from './decide-chaining.js'
import { decideParallelism, type ParallelismDecision } from './decide-parallelism.js'
import { formatBytes } from './format-bytes.js'
import { type FunctionFacts, knownKeys } from './known-keys.js'
import type { MemoryPlan, PhysicalPlan, PlannedChannel, PlannedEdge, PlannedSubtask, PlannedTask, PlanSettings } from './physical-plan.js'
import { checkLossyStreams } from './lossy-streams.js'
import { type PlacementTask, placeSubtasks } from './place-subtasks.js'
import { type EdgeLoad, frameBytesOf, planMemory } from './plan-memory.js'
import { defaultSettings } from './settings.js'
import { checkAlignment, timeNotes } from './time-facts.js'

function checkNeededCheckpoints(graph: LogicalGraph, { checkpoint }: PlanSettings): void {
  if (checkpoint !== undefined) return
  const node = graph.nodes.find(({ needsCheckpoints }) => needsCheckpoints !== undefined)
  if (node === undefined) return
  const { name, needsCheckpoints, declaredAt } = node
  throw new SluiceError('SLUICE_CHECKPOINTS_OFF', `${name} says ${needsCheckpoints}, and job ${graph.job} takes no checkpoints.`, {
    job: graph.job,
    operator: name,
    declaredAt,
  })
}

/**
 * Plans a job: chains, parallelism, partitioning, placement, channels, memory. The graph is validated first.
 * `facts` tell what follows from the text of functions; without them the plan is the same but for `knownKeys`.
 * Fails with the codes of `validateGraph`, with `SLUICE_MEMORY_BUDGET`, with `SLUICE_LOSSY_STREAM`, with `SLUICE_CHECKPOINTS_OFF`, and with `SLUICE_OPTIONS_INVALID` where sources cannot be aligned.
 */
export function planJob(graph: LogicalGraph, settings: PlanSettings, facts?: FunctionFacts): PhysicalPlan {
  validateGraph(graph, settings.keyGroups)
  checkEdgeSettings(graph, settings.edges)
  checkLossyStreams(graph, settings)
  checkNeededCheckpoints(graph, settings)
  const order = sortGraph(graph).order ?? []
  const decided = decideParallelism(graph, settings)
  const edgeDecisions = decideChaining(graph, decided, settings)
  const drafts = buildTasks(graph, order, edgeDecisions.chaining)

  const edges = draftEdges(graph, drafts, edgeDecisions, settings)
  const placed = placeSubtasks(placementTasks(graph, drafts, edges, decided), settings.workers)
  const subtasks: PlannedSubtask[] = []
  const tasks = drafts.tasks.map((draft, id): PlannedTask => {
    const at = placed[id] ?? []
    const guarded = draft.nodes.filter((node) => isGuarded(graph.nodes[node]))
    return {
      id,
      name: draft.name,
      nodes: draft.nodes,
      parallelism: at.length,
      subtasks: at.map((worker, index) => subtasks.push({ id: subtasks.length, task: id, index, worker }) - 1),
      inputs: edges.filter((edge) => edge.toTask === id).map((edge) => edge.id),
      outputs: edges.filter((edge) => edge.fromTask === id).map((edge) => edge.id),
      ...(guarded.length === 0 ? {} : { guarded }),
    }
  })

  checkAlignment(graph, tasks)
  const connections = connect(edges, tasks, subtasks)
  const memory = planMemory(edgeLoads(graph, edges, tasks, connections), settings, heldBytes(graph))
  const channels = connections.map((connection): PlannedChannel => {
    return { ...connection, capacityBytes: memory.ringBytes, maxFrameBytes: frameBytesOf(memory.ringBytes) }
  })
  const channelsOf: number[][] = edges.map(() => [])
  for (const channel of channels) channelsOf[channel.edge]?.push(channel.id)
  const workers = 1 + subtasks.reduce((last, subtask) => Math.max(last, subtask.worker), -1)
  return {
    job: graph.job,
    workers,
    keyGroups: settings.keyGroups,
    tasks,
    edges: edges.map((edge) => ({
      ...edge,
      knownKeys: facts === undefined ? undefined : knownKeys(graph, edge.logical, facts),
      channels: channelsOf[edge.id] ?? [],
    })),
    subtasks,
    channels,
    chaining: edgeDecisions.chaining,
    memory,
    notes: [
      ...decided.notes,
      ...edgeDecisions.notes,
      ...notesOn(graph),
      ...timeNotes(graph),
      ...edgeSettingNotes(graph, edgeDecisions.chaining, settings.edges),
      ...settingNotes(settings, workers, memory),
    ],
  }
}

type EdgeDraft = Omit<PlannedEdge, 'channels'>
type Connection = Omit<PlannedChannel, 'capacityBytes' | 'maxFrameBytes'>

function draftEdges(graph: LogicalGraph, { taskOf }: TaskDrafts, decisions: EdgeDecisions, settings: PlanSettings): readonly EdgeDraft[] {
  const names = nameEdges(graph)
  return graph.edges
    .filter((edge) => decisions.chaining[edge.id]?.chained !== true)
    .map((edge, id) => ({
      id,
      logical: edge.id,
      name: names[edge.id] ?? '',
      fromTask: taskOf[edge.from.node] ?? -1,
      toTask: taskOf[edge.to.node] ?? -1,
      partitioning: decisions.partitioning[edge.id] ?? 'forward',
      timed: edge.timed,
      flow: settings.edges?.[names[edge.id] ?? ''],
    }))
}

function placementTasks(
  graph: LogicalGraph,
  drafts: TaskDrafts,
  edges: readonly EdgeDraft[],
  decided: ParallelismDecision,
): readonly PlacementTask[] {
  return drafts.tasks.map(({ nodes: [head = -1] }, id) => ({
    parallelism: decided.parallelism[head] ?? 1,
    onHost: decided.onHost[head] ?? false,
    isSource: graph.nodes[head]?.spec.kind === 'source',
    colocation: graph.nodes[head]?.colocation,
    producers: edges
      .filter((edge) => edge.toTask === id)
      .map((edge) => ({ task: edge.fromTask, forward: edge.partitioning === 'forward' })),
  }))
}

function isGuarded(node: LogicalNode | undefined): boolean {
  return node?.spec.kind === 'async' && node.spec.guard !== undefined
}

/** The pairs of subtasks that each edge connects, in the order that `PlannedEdge.channels` promises. */
function connect(edges: readonly EdgeDraft[], tasks: readonly PlannedTask[], subtasks: readonly PlannedSubtask[]): readonly Connection[] {
  const connections: Connection[] = []
  for (const edge of edges) {
    const from = tasks[edge.fromTask]?.subtasks ?? []
    const to = tasks[edge.toTask]?.subtasks ?? []
    for (const [fromIndex, fromSubtask] of from.entries()) {
      for (const [toIndex, toSubtask] of to.entries()) {
        if (edge.partitioning === 'forward' && fromIndex !== toIndex) continue
        const kind = subtasks[fromSubtask]?.worker === subtasks[toSubtask]?.worker ? 'local' : 'ring'
        connections.push({ id: connections.length, edge: edge.id, fromSubtask, toSubtask, kind })
      }
    }
  }
  return connections
}

/** Async work is counted once, on the first edge into the task that does it. */
function edgeLoads(
  graph: LogicalGraph,
  edges: readonly EdgeDraft[],
  tasks: readonly PlannedTask[],
  connections: readonly Connection[],
): readonly EdgeLoad[] {
  const loads = edges.map((edge) => {
    const task = tasks[edge.toTask]
    return { rings: 0, locals: 0, asyncRecords: task?.inputs[0] === edge.id ? asyncRecordsOf(graph, task) : 0 }
  })
  for (const { edge, kind } of connections) {
    const load = loads[edge]
    if (load === undefined) continue
    if (kind === 'ring') load.rings += 1
    else load.locals += 1
  }
  return loads
}

function heldBytes(graph: LogicalGraph): number {
  return graph.nodes.reduce((sum, { spec }) => sum + ('holdsBytes' in spec ? (spec.holdsBytes ?? 0) : 0), 0)
}

function asyncRecordsOf(graph: LogicalGraph, task: PlannedTask): number {
  return task.nodes.reduce((sum, node) => {
    const spec = graph.nodes[node]?.spec
    return spec?.kind === 'async' ? sum + asyncFrames(spec, task.parallelism) : sum
  }, 0)
}

/** A record in flight counts as a frame; of a batch, and of the one that is gathered beside those in flight, so many records do. */
const GATHERED_PER_FRAME = 32

function asyncFrames({ concurrency = 0, gathers }: AsyncSpec, parallelism: number): number {
  const calls = Math.max(parallelism, concurrency)
  return gathers === undefined ? calls : (calls + parallelism) * Math.ceil(gathers.recordsMax / GATHERED_PER_FRAME)
}

/** What a user should know of the graph itself. */
function notesOn(graph: LogicalGraph): readonly string[] {
  const read = new Set(graph.edges.map((edge) => `${edge.from.node}/${edge.from.port}`))
  const readNodes = new Set(graph.edges.map((edge) => edge.from.node))
  return graph.nodes.flatMap((node) => [
    ...danglingNotes(node, read, readNodes),
    ...replayNotes(node),
    ...(node.warning === undefined ? [] : [node.warning]),
  ])
}

function danglingNotes(node: LogicalNode, read: ReadonlySet<string>, readNodes: ReadonlySet<number>): readonly string[] {
  const letters = letterNotes(node, read)
  if (isSink(node)) return letters
  if (!readNodes.has(node.id)) return [`nothing reads what ${node.name} gives: its records are dropped`]
  if (letters.length > 0) return letters
  if (node.spec.kind !== 'split') return []
  return node.ports
    .filter((_, port) => !read.has(`${node.id}/${port}`))
    .map((port) => `nothing reads ${node.name}.${port}: its records are dropped`)
}

function letterNotes(node: LogicalNode, read: ReadonlySet<string>): readonly string[] {
  const { spec, options } = node
  const gives = options?.['onInvalid'] === 'deadLetter' || ('onError' in spec && spec.onError === 'deadLetter')
  const port = node.ports.indexOf('deadLetters')
  if (!gives || port < 0 || read.has(`${node.id}/${port}`)) return []
  return [`nothing reads the dead letters of ${node.name}: read job.deadLetters, or they are only counted`]
}

function replayNotes(node: LogicalNode): readonly string[] {
  if (node.spec.kind !== 'source' || node.spec.reads === 'index' || node.spec.replayable || acknowledges(node)) return []
  return [`${node.name} cannot be read again: what it gave is lost when the job fails`]
}

function settingNotes(settings: PlanSettings, workers: number, memory: MemoryPlan): readonly string[] {
  const notes: string[] = []
  if (workers < settings.workers) notes.push(`the job needs ${workers} of ${settings.workers} workers: there is nothing for more to do`)
  if (settings.ringBytes === undefined && memory.ringBytes < defaultSettings.ringBytes) {
    notes.push(
      `channels have ${formatBytes(memory.ringBytes)} instead of ${formatBytes(defaultSettings.ringBytes)}: the memory budget is ${formatBytes(memory.budgetBytes)}`,
    )
  }
  return notes
}
