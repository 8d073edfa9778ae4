/**
 * Runs a graph on the calling thread: every worker of the plan is a loop of its own here, so that rings, local edges, credit and parking
 * are exercised without threads.
 */
import type { Environment, LogEntry } from '../../src/environment/environment.js'
import type { JobSettings, LogicalEdge, LogicalGraph, LogicalNode } from '../../src/graph/logical-graph.js'
import type { HostBindings } from '../../src/graph/operator-context.js'
import { HOST_WORKER, type PhysicalPlan } from '../../src/plan/physical-plan.js'
import { planJob } from '../../src/plan/plan-job.js'
import { type ResolvedSettings, resolveSettings } from '../../src/plan/settings.js'
import { allocateShared, type SharedRegions } from '../../src/task/shared-regions.js'
import { WorkerLoop } from '../../src/task/worker-loop.js'

function threadEnvironment(options: { readonly codeGeneration?: boolean; readonly log?: LogEntry[] } = {}): Environment {
  return {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    sleeper: {
      async park(bell, seen, deadlineMs) {
        const timeoutMs = deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - performance.now())
        const waiting = Atomics.waitAsync(bell.words, bell.bellAt, seen, timeoutMs)
        if (!waiting.async) return
        const alive = setInterval(() => {}, 1_000_000)
        await waiting.value
        clearInterval(alive)
      },
      yieldToEventLoop: () => new Promise((resolve) => setImmediate(resolve)),
    },
    random: Math.random,
    log: (entry) => options.log?.push(entry),
    spinMicroseconds: 0,
    codeGeneration: options.codeGeneration ?? true,
    setTimer(delayMs, fire) {
      const timer = setTimeout(fire, delayMs)
      return { cancel: () => clearTimeout(timer) }
    },
  }
}

export interface GraphRun {
  readonly plan: PhysicalPlan
  readonly settings: ResolvedSettings
  readonly shared: SharedRegions
  readonly metrics: Float64Array
  readonly loops: readonly WorkerLoop[]
  readonly done: Promise<void>
}

export interface RunGraphOptions extends JobSettings {
  readonly codeGeneration?: boolean
  readonly host?: HostBindings
  readonly log?: LogEntry[]
}

export function startGraph(graph: LogicalGraph, options: RunGraphOptions = {}): GraphRun {
  const { codeGeneration, host, log, ...settings } = options
  const resolved = resolveSettings(graph.settings, { cores: 2, ...settings })
  const plan = planJob(graph, resolved)
  const shared = allocateShared(plan)
  const workers = [HOST_WORKER, ...Array.from({ length: plan.workers }, (_, worker) => worker)]
  const environment = threadEnvironment({
    ...(codeGeneration === undefined ? {} : { codeGeneration }),
    ...(log === undefined ? {} : { log }),
  })
  const loops = workers.map(
    (worker) =>
      new WorkerLoop({ graph, plan, settings: resolved, shared, worker, environment, resources: new Map(), host, overwrite: false }),
  )
  return {
    plan,
    settings: resolved,
    shared,
    metrics: new Float64Array(shared.metrics),
    loops,
    done: Promise.all(loops.map((loop) => loop.run())).then(() => {}),
  }
}

/** A graph from a short description: nodes with specs, edges by node name. */
export function graphOf(
  nodes: readonly (Partial<LogicalNode> & Pick<LogicalNode, 'name' | 'spec'>)[],
  edges: readonly (Partial<Omit<LogicalEdge, 'from' | 'to'>> & {
    readonly from: string
    readonly to: string
    readonly port?: number
    readonly input?: number
  })[],
): LogicalGraph {
  const ids = new Map(nodes.map((node, id) => [node.name, id]))
  const idOf = (name: string): number => {
    const id = ids.get(name)
    if (id === undefined) throw new Error(`no node ${name}`)
    return id
  }
  return {
    job: 'test',
    nodes: nodes.map((node, id) => ({ ports: node.spec.kind === 'sink' ? [] : ['out'], ...node, id })),
    edges: edges.map(({ from, to, port, input, ...edge }, id) => ({
      partitioning: undefined,
      timed: false,
      ...edge,
      id,
      from: { node: idOf(from), port: port ?? 0 },
      to: { node: idOf(to), input: input ?? 0 },
    })),
    resources: [],
    settings: {},
  }
}
