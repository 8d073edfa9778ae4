/**
 * A graph as plain data: what makes it this job and no other. Function bodies are there as hashes, with the beginning of
 * their text for messages. Where a user declared something is left out: it says nothing about what runs.
 */
import { Buffer } from 'node:buffer'
import { murmur3 } from '../key/murmur3.js'
import { edgeName, type LogicalGraph, type LogicalNode } from './logical-graph.js'

export interface GraphSummary {
  readonly job: string
  readonly nodes: readonly NodeSummary[]
  readonly edges: readonly EdgeSummary[]
  readonly resources: readonly ResourceSummary[]
  /** Canonical JSON. */
  readonly settings: string
}

export interface NodeSummary {
  readonly name: string
  readonly kind: string
  readonly ports: readonly string[]
  /** Canonical JSON of everything else that is data. */
  readonly options: string
  readonly functions: readonly FunctionSummary[]
}

export interface EdgeSummary {
  /** `from.port -> to[input]`. */
  readonly name: string
  /** Canonical JSON. */
  readonly options: string
  readonly functions: readonly FunctionSummary[]
}

export interface ResourceSummary {
  readonly name: string
  readonly functions: readonly FunctionSummary[]
}

export interface FunctionSummary {
  readonly hash: string
  /** At most `TEXT_CHARACTERS_MAX` characters of the source text on one line. */
  readonly text: string
}

const TEXT_CHARACTERS_MAX = 80

/** The summary of a graph; it can be sent between threads and compared with `diffGraphs`. */
export function summariseGraph(graph: LogicalGraph): GraphSummary {
  return {
    job: graph.job,
    nodes: graph.nodes.map(summariseNode),
    edges: graph.edges.map((edge) => {
      const { partitioning, partitioned, timed, shape, keyOf } = edge
      return {
        name: edgeName(graph, edge),
        options: canonicalJson({ partitioning, partitioned, timed, shape }),
        functions: functionsIn(keyOf),
      }
    }),
    resources: graph.resources.map(({ name, open, close }) => ({ name, functions: functionsIn([open, close]) })),
    settings: canonicalJson(graph.settings),
  }
}

function summariseNode(node: LogicalNode): NodeSummary {
  const { id: _id, name, spec, ports, declaredAt: _declaredAt, functions = [], ...options } = node
  return { name, kind: spec.kind, ports, options: canonicalJson({ ...options, spec }), functions: functionsIn([spec, functions]) }
}

/** JSON with sorted keys. Functions are left out; what JSON cannot say is written as text, a repetition of an ancestor as a mark. */
export function canonicalJson(value: unknown): string {
  return write(value, []) ?? 'null'
}

function write(value: unknown, ancestors: readonly object[]): string | undefined {
  if (value === undefined || typeof value === 'function') return undefined
  if (typeof value === 'bigint') return `"${value}n"`
  if (typeof value === 'symbol') return JSON.stringify(String(value))
  if (typeof value === 'number') {
    if (Object.is(value, -0)) return '"-0"'
    return Number.isFinite(value) ? String(value) : `"${value}"`
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (ancestors.includes(value)) return '"(circular)"'
  const inside = [...ancestors, value]
  if (value instanceof Date) return JSON.stringify(`Date ${value.getTime()}`)
  if (value instanceof RegExp) return JSON.stringify(String(value))
  if (value instanceof Map || value instanceof Set) return write([...value], inside)
  if (Array.isArray(value)) return `[${value.map((item) => write(item, inside) ?? 'null').join(',')}]`
  const fields = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, item]) => {
      const text = write(item, inside)
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
    })
  return `{${fields.join(',')}}`
}

/** All functions in a value, depth first, in the order they are written. */
function functionsIn(value: unknown, ancestors: readonly object[] = []): FunctionSummary[] {
  if (typeof value === 'function') return [summariseFunction(Function.prototype.toString.call(value))]
  if (typeof value !== 'object' || value === null || ancestors.includes(value)) return []
  const inside = [...ancestors, value]
  return Object.values(value).flatMap((item) => functionsIn(item, inside))
}

function summariseFunction(text: string): FunctionSummary {
  const line = text.replace(/\s+/g, ' ')
  return { hash: hashText(text), text: line.length > TEXT_CHARACTERS_MAX ? `${line.slice(0, TEXT_CHARACTERS_MAX - 3)}...` : line }
}

const SEEDS = [0, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35] as const

/** 128 bits as 32 hexadecimal digits: MurmurHash3 with four seeds. It tells accidents apart, not attacks: both sides are the user's own. */
export function hashText(text: string): string {
  const bytes = Buffer.from(text)
  return SEEDS.map((seed) => (murmur3(bytes, seed) >>> 0).toString(16).padStart(8, '0')).join('')
}
