/** `sluice plan`: declares and plans a job, opens nothing, prints the plan to stdout. */
import { availableParallelism } from 'node:os'
import { isatty } from 'node:tty'
import {
  compareWithCheckpoint,
  describeParams,
  describePlan,
  type LogicalGraph,
  type PhysicalPlan,
  planJob,
  type ResolvedSettings,
  resolveSettings,
  SluiceError,
} from '@sluice/engine'
import { checkpointSettingsOf, edgeSettingsOf, parseByteSize, restartStrategyOf } from '@sluice/operators'
import { findCheckpoint, loadJob } from '@sluice/runtime-workers'
import type { PlanArguments } from '../arguments/command-line.js'
import { makeColours, wantsColour } from '../format/colours.js'
import { printableLine } from '../format/printable.js'
import { formatTable } from '../format/table.js'
import { Redactor } from '../log/redact.js'
import { readParamSources } from '../params/read-param-sources.js'
import { checkParams, resolveParams } from '../params/resolve-params.js'
import { checkpointOptionsOf } from '../run/checkpoint-options.js'
import { edgeOptionsOf } from '../run/edge-options.js'
import { formatErrorBlock } from '../report/error-block.js'
import { readErrorFacts } from '../report/error-facts.js'

export async function planCommand(args: PlanArguments): Promise<number> {
  if (args.live) {
    const { livePlanCommand } = await import('./live-command.js')
    return livePlanCommand(args)
  }
  let redactor = new Redactor()
  try {
    if (args.watch || args.report !== undefined) {
      throw new SluiceError('SLUICE_USAGE', '--watch and --report of `sluice plan` are about a running job', { hint: 'Add --live.' })
    }
    const memoryBytes = args.memory === undefined ? undefined : parseByteSize(args.memory, '--memory')
    const sources = await readParamSources(args)
    const loaded = await loadJob(args.file)
    const given = resolveParams(loaded.job, { ...sources, env: process.env })
    redactor = given.redactor
    checkParams(loaded.job, given.raw)
    const graph = loaded.declare(await loaded.job.parseParams(given.raw))
    const settings = settle(args, graph, memoryBytes)
    const plan = planJob(graph, settings)
    const text = redactor.text(describePlan(graph, plan, args.format, settings))
    if (args.against === undefined) {
      process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
      return 0
    }
    const params = describeParams(await loaded.job.parseParams(given.raw), loaded.job.secretParams)
    return await compare({ graph, plan, params, directory: settings.checkpoint?.directory ?? 'checkpoints' }, args.against, args.dropState)
  } catch (thrown) {
    const facts = readErrorFacts(thrown)
    const colours = makeColours(wantsColour({ asked: args.color, env: process.env, isTerminal: isatty(2) }))
    process.stderr.write(redactor.text(formatErrorBlock(facts, colours, process.cwd())))
    return facts.error.exitStatus
  }
}

function settle(args: PlanArguments, graph: LogicalGraph, memoryBytes: number | undefined): ResolvedSettings {
  const { parallelism, workers, restart } = args
  const asked = checkpointOptionsOf(args)
  const checkpoint = asked === false || asked === undefined ? asked : checkpointSettingsOf(asked)
  const given = { parallelism, workers, memoryBytes, restart: restart === undefined ? undefined : restartStrategyOf(restart) }
  const edges = edgeSettingsOf(edgeOptionsOf(args.edge))
  return resolveSettings(graph.settings, { ...given, edges, checkpoint, cores: availableParallelism() })
}

interface PlannedJob {
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  readonly params: Readonly<Record<string, unknown>>
  readonly directory: string
}

/** What a restore would do; status 1 where it would fail. */
async function compare({ graph, plan, params, directory }: PlannedJob, against: string, drop: readonly string[]): Promise<number> {
  const found = await findCheckpoint(directory, graph.job, against)
  const {
    operators,
    params: differences,
    errors,
  } = compareWithCheckpoint(found.manifest, graph, plan, { params, drop, stateful: found.stateful, positional: found.positional })
  const rows = operators.map(({ name, verdict, sentence }) => [verdict, printableLine(name), printableLine(sentence)])
  const lines = [
    `against ${found.manifest.kind} ${found.manifest.id}: ${found.path}`,
    '',
    formatTable([{ title: 'state' }, { title: 'operator' }, { title: '' }], rows),
    ...(differences.length === 0 ? [] : ['', ...differences.map(printableLine)]),
    '',
    ...(errors.length === 0
      ? ['a restore goes on from it']
      : errors.flatMap((error) => [`a restore fails: ${error.message}`, `  ${error.hint}`])),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
  return errors.length === 0 ? 0 : 1
}
