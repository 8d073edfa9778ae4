/**
 * Is this graph a job? Everything that a user can get wrong in a declaration and TypeScript cannot see, each with its own
 * code, the operator's name and the line where it was declared. Pure; runs once, before planning.
 */
import { nearest } from '../errors/nearest.js'
import { assert, SluiceError } from '../errors/sluice-error.js'
import { defaultSettings, PARALLELISM_MAX } from '../plan/settings.js'
import { isSink, type LogicalGraph, type LogicalNode } from './logical-graph.js'
import { sortGraph } from './sort-graph.js'
import { userFunctions } from './user-functions.js'

/**
 * Throws a `SluiceError` where the graph cannot run: duplicate names, a cycle (drawn as a path), no source or no sink, a
 * parallelism that is not possible, an async function where records are handled synchronously.
 *
 * @param keyGroups what the runner decided; default: what the job says
 */
export function validateGraph(graph: LogicalGraph, keyGroups: number = graph.settings.keyGroups ?? defaultSettings.keyGroups): void {
  checkReferences(graph)
  checkNames(graph)
  checkCycle(graph)
  checkEnds(graph)
  checkParallelism(graph, keyGroups)
  checkSynchronous(graph)
  checkObserved(graph)
  checkColocation(graph)
}

/** What only a defect of the declaring API can bring about. */
function checkReferences(graph: LogicalGraph): void {
  const inputs = graph.nodes.map(() => 0)
  for (const [id, node] of graph.nodes.entries()) assert(node.id === id, `node ${node.name} has id ${node.id} at index ${id}`)
  for (const [id, edge] of graph.edges.entries()) {
    assert(edge.id === id, `an edge has id ${edge.id} at index ${id}`)
    const from = graph.nodes[edge.from.node]
    const to = graph.nodes[edge.to.node]
    assert(from !== undefined, `edge ${id} comes from node ${edge.from.node}, which does not exist`)
    assert(to !== undefined, `edge ${id} leads to node ${edge.to.node}, which does not exist`)
    assert(
      from.ports[edge.from.port] !== undefined,
      `edge ${id} comes from port ${edge.from.port} of ${from.name}, which has ${from.ports.length}`,
    )
    assert(to.spec.kind !== 'source', `edge ${id} leads into source ${to.name}`)
    assert(edge.partitioning !== 'hash' || edge.keyOf !== undefined, `hash edge ${id} from ${from.name} to ${to.name} has no key function`)
    inputs[to.id] = (inputs[to.id] ?? 0) + 1
  }
  for (const node of graph.nodes) assert(node.spec.kind === 'source' || inputs[node.id] !== 0, `operator ${node.name} has no input`)
}

function checkNames(graph: LogicalGraph): void {
  const byName = new Map<string, LogicalNode>()
  for (const node of graph.nodes) {
    const other = byName.get(node.name)
    if (other !== undefined) {
      const first = other.declaredAt === undefined ? '' : `; the other one is declared at ${other.declaredAt}`
      throw new SluiceError('SLUICE_DUPLICATE_NAME', `two operators of job ${graph.job} are named "${node.name}"${first}`, {
        job: graph.job,
        operator: node.name,
        declaredAt: node.declaredAt,
      })
    }
    byName.set(node.name, node)
  }
}

function checkCycle(graph: LogicalGraph): void {
  const { cycle } = sortGraph(graph)
  if (cycle === undefined) return
  const path = [...cycle, ...cycle.slice(0, 1)].map((id) => graph.nodes[id]?.name).join(' -> ')
  const first = graph.nodes[cycle[0] ?? 0]
  throw new SluiceError('SLUICE_GRAPH_CYCLE', `job ${graph.job} has a cycle: ${path}`, {
    job: graph.job,
    operator: first?.name,
    declaredAt: first?.declaredAt,
  })
}

function checkEnds(graph: LogicalGraph): void {
  if (!graph.nodes.some((node) => node.spec.kind === 'source')) {
    throw new SluiceError('SLUICE_GRAPH_EMPTY', `job ${graph.job} has no source`, { job: graph.job })
  }
  if (!graph.nodes.some(isSink)) {
    const last = graph.nodes[graph.nodes.length - 1]
    throw new SluiceError('SLUICE_GRAPH_EMPTY', `job ${graph.job} has no sink: nothing reads what ${last?.name} gives`, {
      job: graph.job,
      operator: last?.name,
      declaredAt: last?.declaredAt,
    })
  }
}

function checkParallelism(graph: LogicalGraph, keyGroups: number): void {
  const keyed = new Set(graph.edges.filter((edge) => edge.partitioning === 'hash').map((edge) => edge.to.node))
  for (const node of graph.nodes) {
    const wanted = node.parallelism
    if (wanted === undefined) continue
    const where = { job: graph.job, operator: node.name, declaredAt: node.declaredAt }
    if (!Number.isInteger(wanted) || wanted < 1 || wanted > PARALLELISM_MAX) {
      const hint = `parallelism takes a whole number from 1 to ${PARALLELISM_MAX}.`
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `parallelism of ${node.name} is ${wanted}`, { ...where, hint })
    }
    if (wanted > keyGroups && keyed.has(node.id)) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `parallelism of ${node.name} is ${wanted}, and the job has ${keyGroups} key groups`, {
        ...where,
        hint: `A keyed operator has at most one subtask per key group: lower its parallelism, or raise keyGroups in the settings of the job.`,
      })
    }
  }
}

/** Whoever looks at another operator stands in front of it. */
function checkObserved(graph: LogicalGraph): void {
  for (const node of graph.nodes) {
    const observed = node.spec.kind === 'general' ? node.spec.observes : undefined
    if (observed === undefined) continue
    const behind = downstreamOf(graph, node.id)
    if (behind.some(({ name }) => name === observed)) continue
    const names = behind.map(({ name }) => name)
    const near = nearest(observed, names)
    const known = graph.nodes.some(({ name }) => name === observed)
    const why = known ? `which does not stand behind it` : `which the job does not have`
    throw new SluiceError('SLUICE_OPERATOR_UNKNOWN', `${node.name} observes "${observed}", ${why}`, {
      job: graph.job,
      operator: node.name,
      declaredAt: node.declaredAt,
      hint: `Behind ${node.name} stand ${names.map((name) => `"${name}"`).join(', ')}.${near === undefined ? '' : ` Did you mean "${near}"?`}`,
    })
  }
}

/** What shares something runs in one thread: the calling one, or a worker. */
function checkColocation(graph: LogicalGraph): void {
  const first = new Map<string, LogicalNode>()
  for (const node of graph.nodes) {
    const { colocation, pinnedToHost = false } = node
    if (colocation === undefined) continue
    assert(node.spec.kind === 'source', `${node.name} has a colocation and is no source`)
    const other = first.get(colocation)
    if (other === undefined) first.set(colocation, node)
    else if ((other.pinnedToHost ?? false) !== pinnedToHost) {
      const [bound, free] = pinnedToHost ? [node, other] : [other, node]
      throw new SluiceError(
        'SLUICE_OPTIONS_INVALID',
        `${bound.name} and ${free.name} share "${colocation}", and only ${bound.name} is bound to the calling thread`,
        {
          job: graph.job,
          operator: node.name,
          declaredAt: node.declaredAt,
          hint: 'What they share is in one thread: bind both of them to the calling thread, or none.',
        },
      )
    }
  }
}

function downstreamOf(graph: LogicalGraph, start: number): readonly LogicalNode[] {
  const reached = new Set<number>()
  const left = [start]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    for (const edge of graph.edges) {
      if (edge.from.node !== node || reached.has(edge.to.node)) continue
      reached.add(edge.to.node)
      left.push(edge.to.node)
    }
  }
  return [...reached].map((node) => graph.nodes[node] as LogicalNode)
}

const ASYNC_KINDS = new Set(['AsyncFunction', 'AsyncGeneratorFunction'])

function checkSynchronous(graph: LogicalGraph): void {
  for (const { node: id, what, fn } of userFunctions(graph)) {
    if (!ASYNC_KINDS.has(fn.constructor.name)) continue
    const node = graph.nodes[id]
    throw new SluiceError(
      'SLUICE_ASYNC_FUNCTION',
      `${what} of ${node?.name} is an async function, and its records are handled synchronously`,
      {
        job: graph.job,
        operator: node?.name,
        declaredAt: node?.declaredAt,
      },
    )
  }
}
