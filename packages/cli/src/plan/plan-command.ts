/** `sluice plan`: declares and plans a job, opens nothing, prints the plan to stdout. */
import { availableParallelism } from 'node:os'
import { isatty } from 'node:tty'
import { describePlan, planJob, resolveSettings } from '@sluice/engine'
import { parseByteSize } from '@sluice/operators'
import { loadJob } from '@sluice/runtime-workers'
import type { PlanArguments } from '../arguments/command-line.js'
import { makeColours, wantsColour } from '../format/colours.js'
import { Redactor } from '../log/redact.js'
import { readParamSources } from '../params/read-param-sources.js'
import { checkParams, resolveParams } from '../params/resolve-params.js'
import { formatErrorBlock } from '../report/error-block.js'
import { readErrorFacts } from '../report/error-facts.js'

export async function planCommand(args: PlanArguments): Promise<number> {
  let redactor = new Redactor()
  try {
    const memoryBytes = args.memory === undefined ? undefined : parseByteSize(args.memory, '--memory')
    const sources = await readParamSources(args)
    const loaded = await loadJob(args.file)
    const params = resolveParams(loaded.job, { ...sources, env: process.env })
    redactor = params.redactor
    checkParams(loaded.job, params.raw)
    const graph = loaded.declare(await loaded.job.parseParams(params.raw))
    const { parallelism, workers } = args
    const plan = planJob(graph, resolveSettings(graph.settings, { parallelism, workers, memoryBytes, cores: availableParallelism() }))
    const text = redactor.text(describePlan(graph, plan, args.format))
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
    return 0
  } catch (thrown) {
    const facts = readErrorFacts(thrown)
    const colours = makeColours(wantsColour({ asked: args.color, env: process.env, isTerminal: isatty(2) }))
    process.stderr.write(redactor.text(formatErrorBlock(facts, colours, process.cwd())))
    return facts.error.exitStatus
  }
}
