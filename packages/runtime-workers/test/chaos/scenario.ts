/** What a seed stands for: a job, how it is run, and what happens to its processes one after the other. Pure. */
import { Random } from './random.js'

export interface Shape {
  readonly records: number
  readonly fileRecords: number
  readonly keys: number
  readonly rate: number | undefined
  readonly sources: readonly string[]
  readonly outOfOrdernessMs: number
  readonly async: 'none' | 'ordered' | 'unordered'
  readonly delayMs: number
  readonly rebalance: boolean
  readonly format: 'jsonl' | 'csv' | 'parquet'
  readonly parts: boolean
  readonly results: readonly string[]
  readonly slowSinkMs: number
}

/** What is asked of the file system by the process under test; one is the k-th call of its kind in a thread. */
export interface Call {
  readonly call: 'rename' | 'sync' | 'open' | 'write' | 'rm' | 'mkdir' | 'truncate'
  /** Only where the path matches. */
  readonly path: string
  readonly at: number
  readonly when: 'before' | 'after'
}

export type Disturbance =
  | { readonly kind: 'kill'; readonly afterMs: number }
  /** Some time behind the n-th line of the log with this event; where it does not come, some time behind the start. */
  | { readonly kind: 'kill-on'; readonly event: string; readonly times: number; readonly afterMs: number; readonly orAfterMs: number }
  | ({ readonly kind: 'kill-at'; readonly orAfterMs: number } & Call)
  | { readonly kind: 'signal'; readonly signal: 'SIGINT' | 'SIGTERM'; readonly afterMs: number; readonly killAfterMs: number | undefined }
  | { readonly kind: 'stop-with-savepoint'; readonly afterMs: number }
  /** Killed some time behind it; what follows goes on from the savepoint, although there are newer checkpoints. */
  | { readonly kind: 'savepoint'; readonly afterMs: number; readonly killAfterMs: number }
  | { readonly kind: 'pause'; readonly afterMs: number; readonly forMs: number }

export interface Wire {
  readonly place: string
  readonly n: number
  readonly act: string
}

/** One process. */
export interface Life {
  readonly workers: number
  readonly parallelism: number
  readonly mode: 'aligned' | 'unaligned'
  readonly alignedTimeoutMs: number | undefined
  readonly intervalMs: number
  readonly disturbance: Disturbance
}

export interface Scenario {
  readonly seed: number
  readonly shape: Shape
  readonly wires: readonly Wire[]
  readonly retain: number
  /** Runs on behind them without being disturbed, as the last of them. */
  readonly lives: readonly Life[]
}

const EVENTS = [
  'job.planned',
  'job.restored',
  'job.started',
  'checkpoint.completed',
  'checkpoint.completed',
  'job.stopping',
  'job.finished',
]
const CALLS: readonly Pick<Call, 'call' | 'path'>[] = [
  { call: 'rename', path: 'manifest\\.json$' },
  { call: 'rename', path: 'manifest\\.json$' },
  { call: 'rename', path: '/out/' },
  { call: 'rename', path: '/out/' },
  { call: 'sync', path: 'state-' },
  { call: 'sync', path: '/out/' },
  { call: 'sync', path: '\\.tmp$' },
  { call: 'write', path: '/out/' },
  { call: 'write', path: 'state-' },
  { call: 'open', path: '/out/' },
  { call: 'open', path: 'state-' },
  { call: 'rm', path: 'chk-' },
  { call: 'rm', path: '/out/' },
  { call: 'mkdir', path: '' },
  { call: 'truncate', path: '/out/' },
]
const PLACES = ['source', 'map', 'async', 'process', 'timer', 'before-sink', 'window']
const ACTS = ['throw', 'throw', 'exit', 'reject', 'memory', 'block', 'kill']

const KINDS: readonly Disturbance['kind'][] = [
  'kill',
  'kill',
  'kill-on',
  'kill-on',
  'kill-on',
  'kill-at',
  'kill-at',
  'kill-at',
  'kill-at',
  'kill-at',
  'signal',
  'stop-with-savepoint',
  'savepoint',
  'pause',
]

/** `brief`: each process is over soon, and most are killed. */
export interface DrawOptions {
  readonly brief?: boolean | undefined
}

export function drawScenario(seed: number, { brief = false }: DrawOptions = {}): Scenario {
  const random = new Random(seed)
  const shape = drawShape(random, brief)
  const rescales = random.chance(0.5)
  const workers = random.pick([1, 2, 2, 3])
  const parallelism = random.pick([1, 2, 2, 3])
  const mode = random.pick(['aligned', 'unaligned', 'switch'] as const)
  const intervalMs = random.pick([30, 60, 100, 200])
  const life = (): Life => ({
    workers: rescales ? random.pick([0, 1, 2, 3]) : workers,
    parallelism: rescales ? random.pick([1, 2, 3, 4]) : parallelism,
    mode: mode === 'switch' ? random.pick(['aligned', 'unaligned'] as const) : mode,
    alignedTimeoutMs: mode === 'switch' ? random.pick([1, 10, 50]) : undefined,
    intervalMs,
    disturbance: drawDisturbance(random, brief),
  })
  return {
    seed,
    shape,
    wires: random.chance(0.5) ? [] : Array.from({ length: 1 + random.below(3) }, () => drawWire(random, shape)),
    retain: 1 + random.below(3),
    lives: Array.from({ length: (brief ? 3 : 2) + random.below(brief ? 3 : 5) }, life),
  }
}

function drawShape(random: Random, brief: boolean): Shape {
  const sources = random.some(['generate', 'generate', 'jsonl', 'csv', 'parquet'], 0.5)
  const distinct = [...new Set(sources)]
  const records = 1_000 + random.below(brief ? 1_000 : 4_000)
  const fast = random.chance(0.3)
  return {
    records,
    fileRecords: 200 + 200 * random.below(brief ? 2 : 4),
    keys: random.pick([1, 16, 24, 200]),
    rate: fast ? undefined : Math.round(records / random.between(0.5, brief ? 1.5 : 2.5)),
    sources: distinct,
    outOfOrdernessMs: random.pick([0, 500, 1e9]),
    async: random.pick(['none', 'ordered', 'ordered', 'unordered'] as const),
    delayMs: random.pick([0, 2, 10]),
    rebalance: random.chance(0.25),
    format: random.pick(['jsonl', 'csv', 'parquet'] as const),
    parts: random.chance(0.6),
    results: random.some(['tumbling', 'sliding', 'session', 'windowJoin', 'intervalJoin', 'running'], 0.35),
    slowSinkMs: random.chance(0.25) ? 1 : 0,
  }
}

function drawWire(random: Random, { records, keys }: Shape): Wire {
  const place = random.pick(PLACES)
  const n = place === 'timer' || place === 'window' ? random.below(keys) : random.below(records)
  return { place, n, act: random.pick(ACTS) }
}

function drawDisturbance(random: Random, brief: boolean): Disturbance {
  const afterMs = random.between(100, brief ? 1_800 : 3_000)
  const orAfterMs = random.between(800, brief ? 2_000 : 4_000)
  const short = random.between(0, random.pick([5, 60, 400]))
  switch (random.pick(KINDS)) {
    case 'kill':
      return { kind: 'kill', afterMs }
    case 'kill-on':
      return { kind: 'kill-on', event: random.pick(EVENTS), times: 1 + random.below(brief ? 3 : 6), afterMs: short, orAfterMs }
    case 'kill-at':
      return {
        kind: 'kill-at',
        orAfterMs,
        ...random.pick(CALLS),
        at: 1 + random.below(random.pick([2, 10, brief ? 20 : 40])),
        when: random.pick(['before', 'after'] as const),
      }
    case 'signal': {
      const signal = random.pick(['SIGINT', 'SIGTERM'] as const)
      return { kind: 'signal', signal, afterMs: afterMs + 400, killAfterMs: random.chance(0.4) ? random.between(0, 300) : undefined }
    }
    case 'stop-with-savepoint':
      return { kind: 'stop-with-savepoint', afterMs: random.between(0, 1_500) }
    case 'savepoint':
      return { kind: 'savepoint', afterMs: random.between(0, 1_000), killAfterMs: short }
    case 'pause':
      return { kind: 'pause', afterMs, forMs: random.between(50, 900) }
  }
}
