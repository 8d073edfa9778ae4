/**
 * A graph while it is declared. It belongs to one run of one `declare` callback and is closed when that returns: a stream that is
 * used afterwards, or in the declaration of another job, is found here.
 */
import type { Listens } from '../source/source.js'
import { resolve } from 'node:path'
import {
  type DeliveryGuarantee,
  type JobSettings,
  type LogicalEdge,
  type LogicalGraph,
  type LogicalNode,
  type OperatorSpec,
  type Partitioning,
  type RecordShapeSeed,
  type ResourceSpec,
  SluiceError,
} from '@sluice/engine'
import { isName, NAME_CHARACTERS_MAX } from './is-name.js'

export type AnyFunction = (...args: never) => unknown

/** Where records come from: a port of a node, and how they are dealt out to whoever reads them next. */
export interface Upstream {
  /** A node and its port; `deadLetters`: that port of every source and operator that has one, also of those declared later (see `#resolve`). */
  readonly from: { readonly node: number; readonly port: number } | 'deadLetters'
  readonly partitioning: Partitioning | undefined
  readonly keyOf: ((record: never) => unknown) | undefined
  readonly shape: RecordShapeSeed | undefined
  readonly timed: boolean
  /** By hash: the records lie where their key belongs already. */
  readonly partitioned?: boolean | undefined
  /** Every record has a timestamp, not only some; default: as `timed`. */
  readonly fullyTimed?: boolean | undefined
  /** Which input of the reader; default 0. */
  readonly input?: number | undefined
}

export interface NodeDraft {
  /** The user's name, or what to make one from. */
  readonly name: { readonly given: string } | { readonly like: string }
  readonly spec: OperatorSpec
  /** Side outputs are added when they are asked for. */
  readonly ports: string[]
  readonly upstreams: readonly Upstream[]
  readonly parallelism?: number | undefined
  readonly parallelismMax?: { readonly value: number; readonly because: string } | undefined
  readonly pinnedToHost?: boolean | undefined
  readonly declaredAt: string | undefined
  readonly options?: Readonly<Record<string, unknown>> | undefined
  readonly functions?: readonly AnyFunction[] | undefined
  readonly schema?: object | undefined
  readonly delivery?: DeliveryGuarantee | undefined
  readonly warning?: string | undefined
  readonly lossy?: LogicalNode['lossy']
  readonly colocation?: string | undefined
  readonly needsCheckpoints?: string | undefined
  readonly limit?: string | undefined
  readonly dependency?: string | undefined
}

const DEAD_LETTERS = 'deadLetters'

/** The declaration under way; declarations are synchronous, so there is one at most, or a stack of nested ones. */
let current: GraphDraft | undefined

export class GraphDraft {
  readonly job: string
  readonly #nodes: NodeDraft[] = []
  readonly #resources: ResourceSpec[] = []

  readonly #dependencies = new Set<string>()

  /** Sinks by the absolute path of the file or folder they write. */
  readonly #outputs = new Map<string, string>()

  /** Sources that listen. */
  readonly #listening: { readonly source: string; readonly listens: Listens }[] = []

  constructor(job: string) {
    this.job = job
  }

  /** Fails where another sink of the job writes to the same path. */
  claimOutput(path: string, sink: string, declaredAt: string | undefined): void {
    const absolute = resolve(path)
    const other = this.#outputs.get(absolute)
    if (other !== undefined) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `sinks ${other} and ${sink} write to the same path, ${path}`, {
        operator: sink,
        declaredAt,
        hint: 'Give each sink a path of its own, or unite the streams and write them with one sink.',
      })
    }
    this.#outputs.set(absolute, sink)
  }

  /** Fails where another source of the job takes the same route, or says other things of the server that they share. */
  claimListener(listens: Listens, source: string, declaredAt: string | undefined): void {
    const { address, route, server } = listens
    for (const other of this.#listening) {
      if (other.listens.address !== address) continue
      const fail = (message: string, hint: string): never => {
        throw new SluiceError('SLUICE_OPTIONS_INVALID', message, { job: this.job, operator: source, declaredAt, hint })
      }
      if (other.listens.route === route)
        fail(`sources ${other.source} and ${source} both take ${route} at ${address}`, 'Give each source a path or a port of its own.')
      const names = new Set([...Object.keys(server), ...Object.keys(other.listens.server)])
      for (const name of names) {
        if (other.listens.server[name] === server[name]) continue
        fail(
          `sources ${other.source} and ${source} share the server at ${address}, and say different things of its ${name}`,
          'Give both of them the same, or each a port of its own.',
        )
      }
    }
    this.#listening.push({ source, listens })
  }

  /** Fails where a stream of this job is used while another job is declared, or none. `what` names the stream. */
  assertCurrent(what: string, declaredAt: string | undefined): void {
    if (current === this) return
    const where =
      current === undefined
        ? 'after its declaration ended'
        : current.job === this.job
          ? 'in a later declaration of the same job'
          : `in job ${current.job}`
    throw new SluiceError('SLUICE_STREAM_FOREIGN', `${what} of job ${this.job} is used ${where}`, {
      job: current?.job ?? this.job,
      declaredAt,
    })
  }

  /** Adds an operator; gives back its id. */
  addNode(node: NodeDraft): number {
    if ('given' in node.name) checkName('an operator', node.name.given, this.job, node.declaredAt)
    const { dependency, declaredAt } = node
    if (dependency !== undefined && !this.#dependencies.has(dependency))
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `dependency "${dependency}" is not declared by job ${this.job}`, {
        job: this.job,
        declaredAt,
        hint: `Declare it with job.dependency('${dependency}', ...) of this job.`,
      })
    return this.#nodes.push(givesLetters(node.spec) ? { ...node, ports: [...node.ports, DEAD_LETTERS] } : node) - 1
  }

  addDependency(name: string, declaredAt: string | undefined): void {
    checkName('a dependency', name, this.job, declaredAt)
    if (this.#dependencies.has(name))
      throw new SluiceError('SLUICE_DUPLICATE_NAME', `two dependencies of job ${this.job} are named "${name}"`, {
        job: this.job,
        declaredAt,
        hint: 'Declare it once, and give it to every operator that calls it.',
      })
    this.#dependencies.add(name)
  }

  addResource(resource: ResourceSpec): void {
    checkName('a resource', resource.name, this.job, resource.declaredAt)
    if (this.#resources.some(({ name }) => name === resource.name)) {
      throw new SluiceError('SLUICE_DUPLICATE_NAME', `two resources of job ${this.job} are named "${resource.name}"`, {
        job: this.job,
        declaredAt: resource.declaredAt,
        hint: 'Give each resource its own name.',
      })
    }
    this.#resources.push(resource)
  }

  /** The port of a side output, added where nobody has asked for it yet. */
  portOf(node: number, name: string): number {
    const ports = this.#nodeOf(node).ports
    const port = ports.indexOf(name)
    return port >= 0 ? port : ports.push(name) - 1
  }

  /** How a node is called in messages. */
  describe(upstreams: readonly Upstream[]): string {
    const names = upstreams.map(({ from }) => {
      if (from === DEAD_LETTERS) return DEAD_LETTERS
      const { name } = this.#nodeOf(from.node)
      return `"${'given' in name ? name.given : name.like}"`
    })
    return names.length === 1 ? `stream ${names[0]}` : `the union of ${names.join(', ')}`
  }

  build(settings: JobSettings): LogicalGraph {
    const names = this.#names()
    const behind = this.#behindDeadLetters()
    const edges: LogicalEdge[] = []
    for (const [id, node] of this.#nodes.entries()) {
      for (const upstream of node.upstreams) {
        const { partitioning, partitioned, keyOf, shape, timed, input = 0 } = upstream
        for (const from of this.#resolve(upstream, behind)) {
          edges.push({ id: edges.length, from, to: { node: id, input }, partitioning, partitioned, keyOf, shape, timed })
        }
      }
    }
    const nodes = this.#nodes.map(({ name: _name, upstreams: _upstreams, ...node }, id) => ({ ...node, id, name: names[id] ?? '' }))
    return { job: this.job, nodes, edges, resources: this.#resources, settings }
  }

  /** The dead letters of the job are those of all that does not stand behind them itself: a letter about a letter would go round for ever. */
  #resolve({ from }: Upstream, behind: ReadonlySet<number>): readonly { readonly node: number; readonly port: number }[] {
    if (from !== DEAD_LETTERS) return [from]
    const ports = this.#nodes.flatMap(({ spec, ports }, node) =>
      spec.kind === 'source' || (givesLetters(spec) && !behind.has(node)) ? [{ node, port: ports.indexOf(DEAD_LETTERS) }] : [],
    )
    if (ports.length === 0) throw new SluiceError('SLUICE_GRAPH_EMPTY', `job ${this.job} has no source`, { job: this.job })
    return ports
  }

  /** Nodes that read the dead letters of the job, and all that is behind those. */
  #behindDeadLetters(): ReadonlySet<number> {
    const behind = new Set<number>()
    // A node reads only what was declared before it.
    for (const [id, { upstreams }] of this.#nodes.entries())
      if (upstreams.some(({ from }) => from === DEAD_LETTERS || behind.has(from.node))) behind.add(id)
    return behind
  }

  /** Names that were made avoid those that were given, whichever was declared first. */
  #names(): readonly string[] {
    const taken = new Set(this.#nodes.flatMap(({ name }) => ('given' in name ? [name.given] : [])))
    const numbers = new Map<string, number>()
    return this.#nodes.map(({ name }) => {
      if ('given' in name) return name.given
      let number = numbers.get(name.like) ?? 0
      let made: string
      do made = ++number === 1 ? name.like : `${name.like}-${number}`
      while (taken.has(made))
      numbers.set(name.like, number)
      return made
    })
  }

  /** The port of its dead letters; fails where it has none. */
  lettersOf(node: number): number {
    const { spec, name, ports, declaredAt } = this.#nodeOf(node)
    if (givesLetters(spec)) return ports.indexOf(DEAD_LETTERS)
    const operator = 'given' in name ? name.given : name.like
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${operator} gives no dead letters`, {
      operator,
      declaredAt,
      hint: "Give it onError: 'deadLetter'.",
    })
  }

  #nodeOf(id: number): NodeDraft {
    const node = this.#nodes[id]
    if (node === undefined) throw new SluiceError('SLUICE_ASSERTION', `node ${id} of job ${this.job} does not exist`)
    return node
  }
}

function givesLetters(spec: OperatorSpec): boolean {
  return 'onError' in spec && spec.onError === 'deadLetter'
}

/** Runs `declare` as the declaration of `draft`: streams of other drafts are foreign meanwhile. */
export function duringDeclaration<R>(draft: GraphDraft, declare: () => R): R {
  const outer = current
  current = draft
  try {
    return declare()
  } finally {
    current = outer
  }
}

function checkName(of: string, name: unknown, job: string, declaredAt: string | undefined): void {
  if (isName(name)) return
  const shown = typeof name === 'string' ? JSON.stringify(name) : String(name)
  throw new SluiceError('SLUICE_OPTIONS_INVALID', `${shown} is not a name for ${of} of job ${job}`, {
    job,
    declaredAt,
    hint: `A name is text of 1 to ${NAME_CHARACTERS_MAX} characters on one line.`,
  })
}
