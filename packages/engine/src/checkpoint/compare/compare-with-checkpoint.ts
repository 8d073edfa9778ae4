/**
 * What a restore would do, before anything moves: which operators find their state again, by name, and why it would be refused. Pure.
 */
import { SluiceError } from '../../errors/sluice-error.js'
import type { LogicalGraph } from '../../graph/logical-graph.js'
import { canonicalJson } from '../../graph/summarise-graph.js'
import type { PhysicalPlan } from '../../plan/physical-plan.js'
import { describeEdges, describeOperators } from '../manifest/describe-job.js'
import type { CheckpointManifest, ManifestEdge, ManifestOperator } from '../manifest/manifest.js'

/** `kept`: its state is restored. `new`: it begins empty. `dropped`: its state is given up. `incompatible`: it is there and does not fit. */
export type OperatorVerdict = 'kept' | 'new' | 'dropped' | 'incompatible'

export interface OperatorComparison {
  readonly name: string
  readonly verdict: OperatorVerdict
  /** Why, or what is different. */
  readonly sentence: string
  /** Of `kept`: some of its state begins empty or is given up. */
  readonly partly?: true
  /** Of `incompatible`: it is the same operator, and fields of its state do not fit. */
  readonly fields?: true
}

export interface CheckpointComparison {
  /** In the order of the graph, then those that only the checkpoint has. */
  readonly operators: readonly OperatorComparison[]
  /** Params that have another value now, as sentences: allowed, and worth a warning. */
  readonly params: readonly string[]
  /** Why a restore fails; empty: it does not. */
  readonly errors: readonly SluiceError[]
  /** Operators of the graph that must not be given what the checkpoint has of them. */
  readonly ignored: readonly string[]
}

export interface CompareOptions {
  /** Operators whose state may be given up (`--drop-state`). */
  readonly drop?: readonly string[] | undefined
  /** As `describeParams` gives them; undefined: they are not compared. */
  readonly params?: Readonly<Record<string, unknown>> | undefined
  /** Operators that have state in the checkpoint, as the indexes of its files say; undefined: every one whose kind may have some. */
  readonly stateful?: ReadonlySet<string> | undefined
  /** Operators with state whose fields have no names there, so that they are found by their place; undefined: none. */
  readonly positional?: ReadonlySet<string> | undefined
}

/** Kinds that never keep anything worth keeping. */
const STATELESS: ReadonlySet<string> = new Set(['map', 'filter', 'flatMap', 'select', 'split', 'timestamps'])
/** Options that say what the state means: it does not fit where they differ. */
const DECISIVE_OPTIONS = ['type', 'of', 'window'] as const
/** A sink that has prepared output in one place cannot commit it in another. */
const DECISIVE_OPTIONS_OF_SINKS = [...DECISIVE_OPTIONS, 'path'] as const

export function compareWithCheckpoint(
  manifest: CheckpointManifest,
  graph: LogicalGraph,
  plan: PhysicalPlan,
  options: CompareOptions = {},
): CheckpointComparison {
  const drop = new Set(options.drop)
  const now = describeOperators(graph, plan)
  const before = new Map(manifest.operators.map((operator) => [operator.name, operator]))
  const hasState = ({ name, kind }: ManifestOperator): boolean => options.stateful?.has(name) ?? !STATELESS.has(kind)
  const gone = manifest.operators.filter(({ name }) => !now.some((operator) => operator.name === name))
  const added = now.filter(({ name }) => !before.has(name))
  const operators = [
    ...now.map((operator) => compareOperator(before.get(operator.name), operator, hasState, drop, gone, options.positional)),
    ...gone.map((operator) => describeGone(operator, hasState(operator), drop, added)),
  ]
  const errors = [
    ...compareJobs(manifest, graph, plan),
    ...unknownDrops(drop, before),
    ...operators.filter((one) => refused(one, before, hasState, drop)).map((one) => incompatible(one, graph.job)),
    ...(holdsRecords(manifest) ? changedGraph(manifest, now, describeEdges(graph, plan), graph.job) : []),
  ]
  return {
    operators,
    params: options.params === undefined ? [] : compareParams(manifest.params, options.params),
    errors,
    ignored: now.flatMap(({ name }) => (drop.has(name) && before.has(name) ? [name] : [])),
  }
}

type HasState = (operator: ManifestOperator) => boolean

function compareOperator(
  before: ManifestOperator | undefined,
  now: ManifestOperator,
  hasState: HasState,
  drop: ReadonlySet<string>,
  gone: readonly ManifestOperator[],
  positional: ReadonlySet<string> | undefined,
): OperatorComparison {
  const { name } = now
  if (before === undefined) {
    const [former] = gone.filter((operator) => sameMeaning(operator, now) && hasState(operator))
    const hint = former === undefined ? '' : ` (was it "${former.name}"? Its name is the identity of its state: give it back to keep that)`
    return { name, verdict: 'new', sentence: `begins empty${hint}` }
  }
  if (drop.has(name)) return { name, verdict: 'dropped', sentence: 'begins empty, because its state is to be dropped' }
  if (!sameMeaning(before, now) && hasState(before)) {
    return { name, verdict: 'incompatible', sentence: `was ${meaningOf(before)} and is ${meaningOf(now)}` }
  }
  const aggregates = compareAggregates(before, now)
  const unnamed = positional?.has(name) === true && aggregates.told.length > 0
  if (hasState(before) && (aggregates.changed.length > 0 || unnamed)) {
    const why = unnamed ? [...aggregates.told, 'the checkpoint does not name the aggregates'] : []
    const changed = [...aggregates.changed, ...why].join('; ')
    return { name, verdict: 'incompatible', sentence: `does not fit its state: ${changed}`, fields: true }
  }
  const told = hasState(before) ? aggregates.told : []
  const changes: string[] = [...told]
  if (before.parallelism !== now.parallelism) changes.push(`parallelism ${before.parallelism} becomes ${now.parallelism}`)
  const [was, is] = [otherOptionsOf(before), otherOptionsOf(now)]
  if (was !== is) changes.push(`options ${was} become ${is}`)
  const what = hasState(before) ? 'its state is kept' : 'has no state'
  const sentence = [what, ...changes].join('; ')
  return { name, verdict: 'kept', sentence, ...(told.length === 0 ? {} : { partly: true }) }
}

interface AggregateChanges {
  /** What cannot be restored. */
  readonly changed: readonly string[]
  /** What begins empty, and what is given up. */
  readonly told: readonly string[]
}

/** Aggregates by name: they may come and go, but none can go on from the state of another. */
function compareAggregates(before: ManifestOperator, now: ManifestOperator): AggregateChanges {
  const was = aggregatesOf(before)
  const is = aggregatesOf(now)
  const changed: string[] = []
  const told: string[] = []
  for (const [name, kind] of was) {
    const kindNow = is.get(name)
    if (kindNow === undefined) told.push(`aggregate ${name} (${kind}) is gone, and its state is dropped`)
    else if (kindNow !== kind) changed.push(`aggregate ${name} was ${kind} and is ${kindNow}`)
  }
  for (const [name, kind] of is) if (!was.has(name)) told.push(`aggregate ${name} (${kind}) is new, and begins empty`)
  return { changed, told }
}

function aggregatesOf({ options }: ManifestOperator): ReadonlyMap<string, string> {
  const { aggregators } = JSON.parse(options) as { readonly aggregators?: Readonly<Record<string, string>> }
  return new Map(Object.entries(aggregators ?? {}))
}

function otherOptionsOf({ options }: ManifestOperator): string {
  const { aggregators: _, ...others } = JSON.parse(options) as Readonly<Record<string, unknown>>
  return canonicalJson(others)
}

function describeGone(
  operator: ManifestOperator,
  state: boolean,
  drop: ReadonlySet<string>,
  added: readonly ManifestOperator[],
): OperatorComparison {
  const { name } = operator
  if (!state) return { name, verdict: 'dropped', sentence: 'is not in the job any more; it had no state' }
  const [successor] = added.filter((one) => sameMeaning(one, operator))
  const hint = successor === undefined ? '' : ` (is it "${successor.name}" now?)`
  if (drop.has(name)) return { name, verdict: 'dropped', sentence: 'is not in the job any more; its state is to be dropped' }
  return { name, verdict: 'dropped', sentence: `is not in the job any more${hint}; its state would be lost` }
}

/** What needs the user's word and does not have it. */
function refused(
  one: OperatorComparison,
  before: ReadonlyMap<string, ManifestOperator>,
  hasState: HasState,
  drop: ReadonlySet<string>,
): boolean {
  if (one.verdict === 'incompatible') return true
  const operator = before.get(one.name)
  return one.verdict === 'dropped' && operator !== undefined && hasState(operator) && !drop.has(one.name)
}

function incompatible({ name, sentence, fields }: OperatorComparison, job: string): SluiceError {
  const drop = `--drop-state ${/^[\w.-]+$/.test(name) ? name : JSON.stringify(name)}`
  const code = fields === true ? 'SLUICE_STATE_INCOMPATIBLE' : 'SLUICE_CHECKPOINT_INCOMPATIBLE'
  const hint =
    fields === true
      ? `Give the aggregate another name, under which it begins empty, or give up the state of the whole operator: ${drop}.`
      : `Give the operator back as it was, or give up its state: ${drop}.`
  return new SluiceError(code, `operator "${name}" ${sentence}`, { job, operator: name, hint })
}

function compareJobs(manifest: CheckpointManifest, graph: LogicalGraph, plan: PhysicalPlan): readonly SluiceError[] {
  const { job } = graph
  if (manifest.job !== job) {
    return [new SluiceError('SLUICE_CHECKPOINT_OF_OTHER_JOB', `the checkpoint is of job "${manifest.job}", not of "${job}"`, { job })]
  }
  if (manifest.keyGroups === plan.keyGroups) return []
  const message = `the checkpoint has ${manifest.keyGroups} key groups and the job ${plan.keyGroups}`
  return [
    new SluiceError('SLUICE_KEY_GROUPS_CHANGED', message, {
      job,
      hint: `Set keyGroups: ${manifest.keyGroups} in the settings of the job: it decides where keys live, and stays the same for the life of a job.`,
    }),
  ]
}

function unknownDrops(drop: ReadonlySet<string>, before: ReadonlyMap<string, ManifestOperator>): readonly SluiceError[] {
  return [...drop]
    .filter((name) => !before.has(name))
    .map(
      (name) =>
        new SluiceError('SLUICE_OPTIONS_INVALID', `the state of "${name}" cannot be dropped: the checkpoint has no operator of that name`, {
          hint: `It has ${[...before.keys()].map((known) => `"${known}"`).join(', ')}.`,
        }),
    )
}

function holdsRecords(manifest: CheckpointManifest): boolean {
  return manifest.mode === 'unaligned' && manifest.tasks.some((task) => task.subtasks.some(({ figures }) => figures.channelBytes > 0))
}

/** Records between operators need the edges that they were on. */
function changedGraph(
  manifest: CheckpointManifest,
  now: readonly ManifestOperator[],
  edges: readonly ManifestEdge[],
  job: string,
): readonly SluiceError[] {
  const changes = [
    ...differences(manifest.operators.map(describeNode), now.map(describeNode), 'operator'),
    ...differences(manifest.edges.map(describeEdge), edges.map(describeEdge), 'edge'),
  ]
  if (changes.length === 0) return []
  return [
    new SluiceError(
      'SLUICE_CHECKPOINT_GRAPH_CHANGED',
      `checkpoint ${manifest.id} is unaligned, and the graph has changed: ${changes.join('; ')}`,
      { job },
    ),
  ]
}

function differences(before: readonly string[], now: readonly string[], what: string): readonly string[] {
  return [
    ...before.filter((one) => !now.includes(one)).map((one) => `${what} ${one} is gone`),
    ...now.filter((one) => !before.includes(one)).map((one) => `${what} ${one} is new`),
  ]
}

function describeNode({ name, kind }: ManifestOperator): string {
  return `"${name}" (${kind})`
}

/** Whether records go straight on or are dealt out in turn follows from the parallelism: that may change. */
function describeEdge({ name, partitioning }: ManifestEdge): string {
  return partitioning === 'hash' || partitioning === 'broadcast' ? `${name} (${partitioning})` : name
}

function compareParams(before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>): readonly string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort()
  return names.flatMap((name) => {
    const [was, is] = [canonicalJson(before[name]), canonicalJson(now[name])]
    if (was === is) return []
    return [`param ${name} was ${name in before ? was : 'not there'} and is ${name in now ? is : 'not there'}`]
  })
}

function sameMeaning(a: ManifestOperator, b: ManifestOperator): boolean {
  return meaningOf(a) === meaningOf(b)
}

function meaningOf({ kind, options }: ManifestOperator): string {
  const parsed = JSON.parse(options) as Readonly<Record<string, unknown>>
  const decisive = (kind === 'sink' ? DECISIVE_OPTIONS_OF_SINKS : DECISIVE_OPTIONS).flatMap((name) =>
    parsed[name] === undefined ? [] : [canonicalJson(parsed[name])],
  )
  return [kind, ...decisive].join(' ')
}
