/**
 * What the user typed, as data. Wrong usage is said on stderr with the nearest right word and ends with status 2; `--help` and
 * `--version` go to stdout and end with 0.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { collect, numberOrText, wholeNumber } from './option-values.js'

/** What `run` and `plan` have in common. */
export interface JobArguments {
  readonly file: string
  /** As typed: `name=value`. */
  readonly param: readonly string[]
  readonly params: string | undefined
  readonly envFile: string | undefined
  readonly parallelism: number | undefined
  readonly workers: number | undefined
  readonly memory: number | string | undefined
  readonly color: boolean
}

export interface RunArguments extends JobArguments {
  readonly report: number | string | undefined
  readonly log: 'pretty' | 'json'
  readonly quiet: boolean
  readonly overwrite: boolean
  readonly checkRecords: boolean
}

export interface PlanArguments extends JobArguments {
  readonly format: 'text' | 'mermaid' | 'dot' | 'json'
}

export type CommandLine =
  | { readonly command: 'run'; readonly args: RunArguments }
  | { readonly command: 'plan'; readonly args: PlanArguments }
  /** Everything has been said already. */
  | { readonly command: 'exit'; readonly status: number }

export interface CommandLineOutput {
  readonly writeOut: (text: string) => void
  readonly writeError: (text: string) => void
}

const examples = {
  sluice: `
Examples:
  $ npx sluice run orders.ts                                  run a job
  $ npx sluice run orders.ts --param input=orders.csv         with a param
  $ npx sluice run orders.ts --parallelism 4 --report 1s      pressure per edge, every second
  $ npx sluice run orders.ts --log json 2> job.log            one JSON object a line
  $ npx sluice plan orders.ts --format mermaid                the graph, without running it

Exit status: 0 finished, 1 failed, 2 wrong usage or wrong job, 130 stopped by Ctrl-C.
`,
  run: `
Params come from --param, then --params, then SLUICE_PARAM_<NAME> (after --env-file), then the defaults of the job.
Data goes to stdout, the log to stderr. Ctrl-C stops the job cleanly; a second Ctrl-C exits now.

Examples:
  $ npx sluice run orders.ts --param input=orders.csv --param limit=100
  $ npx sluice run orders.ts --param tag=a --param tag=b       a list
  $ npx sluice run orders.ts --params prod.json --env-file .env --quiet
  $ SLUICE_PARAM_INPUT=orders.csv npx sluice run orders.ts --overwrite
`,
  plan: `
Examples:
  $ npx sluice plan orders.ts --param input=orders.csv
  $ npx sluice plan orders.ts --format dot | dot -Tsvg > plan.svg
`,
} as const

/** Reads the arguments after the program's name. */
export function readCommandLine(argv: readonly string[], output: CommandLineOutput): CommandLine {
  let chosen: CommandLine | undefined
  const program = new Command('sluice')
    .description('Runs stream-processing jobs written in TypeScript.')
    .version(readVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false })
    .addHelpText('after', examples.sluice)

  // Set before the subcommands are made, which inherit it.
  program.exitOverride().showSuggestionAfterError().configureOutput({ writeOut: output.writeOut, writeErr: output.writeError })

  addJobArguments(program.command('run').description('run a job until its input ends'))
    .option('--report <duration>', 'how often pressure per edge is logged (default: 5s)', numberOrText)
    .addOption(new Option('--log <format>', 'how the log is written').choices(['pretty', 'json']).default('pretty'))
    .option('--quiet', 'log only errors; tables only on a terminal', false)
    .option('--overwrite', 'replace output that exists', false)
    .option('--check-records', 'encode and freeze every record on every edge: slow, finds impure functions', false)
    .addHelpText('after', examples.run)
    .action((file: string, options: Omit<RunArguments, 'file'>) => {
      chosen = {
        command: 'run',
        args: { ...common(file, options), ...pick(options, ['log', 'quiet', 'overwrite', 'checkRecords']), report: options.report },
      }
    })

  addJobArguments(program.command('plan').description('print the plan of a job without running it'))
    .addOption(new Option('--format <format>', 'how the plan is printed').choices(['text', 'mermaid', 'dot', 'json']).default('text'))
    .addHelpText('after', examples.plan)
    .action((file: string, options: Omit<PlanArguments, 'file'>) => {
      chosen = { command: 'plan', args: { ...common(file, options), format: options.format } }
    })

  try {
    if (argv.length === 0) {
      program.outputHelp({ error: true })
      return { command: 'exit', status: 2 }
    }
    program.parse([...argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { command: 'exit', status: 0 }
    const [first = ''] = argv
    if (error.code === 'commander.unknownCommand' && /\.[cm]?[jt]s$/.test(first)) output.writeError(`To run a job: sluice run ${first}\n`)
    if (error.code !== 'commander.help') output.writeError(`See sluice ${isCommand(first) ? `${first} ` : ''}--help\n`)
    return { command: 'exit', status: 2 }
  }
  return chosen ?? { command: 'exit', status: 2 }
}

function addJobArguments(command: Command): Command {
  return command
    .argument('<job>', 'the job file; its default export is what defineJob returns')
    .option('--param <name=value>', 'a param of the job; repeat it for more, or the same name for a list', collect, [])
    .option('--params <file>', 'a JSON file with params by name')
    .option('--env-file <file>', 'a file of environment variables, read first')
    .option('--parallelism <n>', 'subtasks per operator (default: workers)', wholeNumber(1))
    .option('--workers <n>', 'worker threads; 0 runs everything on the main thread (default: cores)', wholeNumber(0))
    .option('--memory <size>', 'budget for rings, queues and work in flight (default: 256mb)', numberOrText)
    .option('--no-color', 'no colours; NO_COLOR does the same')
}

function common(file: string, options: Omit<JobArguments, 'file'>): JobArguments {
  const { param, params, envFile, parallelism, workers, memory, color } = options
  return { file, param, params, envFile, parallelism, workers, memory, color }
}

function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>
}

function isCommand(word: string): boolean {
  return word === 'run' || word === 'plan'
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return manifest.version
}
