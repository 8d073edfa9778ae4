/**
 * What the user typed, as data. Wrong usage is said on stderr with the nearest right word and ends with status 2; `--help` and
 * `--version` go to stdout and end with 0.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import type { CheckpointMode } from '@sluice/engine'
import type { RestartOptions } from '@sluice/operators'
import { collect, numberOrText, restartStrategy, wholeNumber } from './option-values.js'

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
  readonly checkpointInterval: number | string | undefined
  readonly checkpointDir: string | undefined
  readonly checkpointMode: CheckpointMode | undefined
  readonly checkpointAlignedTimeout: number | string | undefined
  readonly checkpointTimeout: number | string | undefined
  readonly checkpointRetain: number | undefined
  /** false: `--no-checkpoint`. */
  readonly checkpoint: boolean
  readonly restart: RestartOptions | undefined
  /** Operators whose state may be given up. */
  readonly dropState: readonly string[]
  /** As typed: `from -> to:option=value`. */
  readonly edge: readonly string[]
}

export interface RunArguments extends JobArguments {
  readonly restore: string | undefined
  readonly report: number | string | undefined
  readonly log: 'pretty' | 'json'
  readonly quiet: boolean
  readonly overwrite: boolean
  readonly checkRecords: boolean
}

export interface PlanArguments extends JobArguments {
  readonly format: 'text' | 'mermaid' | 'dot' | 'json'
  /** A checkpoint as `--restore` takes it. */
  readonly against: string | undefined
  /** `file` is the name, file or process of a running job. */
  readonly live: boolean
  readonly watch: boolean
  readonly report: number | string | undefined
}

export interface SavepointArguments {
  /** Name, file or process of a running job. */
  readonly job: string
  readonly name: string | undefined
  readonly dir: string | undefined
  readonly color: boolean
}

export interface StopArguments extends SavepointArguments {
  readonly savepoint: boolean
  readonly drain: boolean
}

export interface StatusArguments {
  readonly job: string | undefined
  readonly json: boolean
  readonly color: boolean
}

/** Where checkpoints lie. */
export interface CheckpointPlace {
  readonly dir: string
  readonly job: string | undefined
  readonly color: boolean
}

export type CheckpointsArguments = CheckpointPlace &
  (
    | { readonly action: 'list'; readonly json: boolean }
    | { readonly action: 'show'; readonly checkpoint: string; readonly json: boolean }
    | { readonly action: 'verify'; readonly checkpoint: string | undefined }
    | { readonly action: 'read'; readonly checkpoint: string; readonly operator: readonly string[]; readonly state: readonly string[] }
    | { readonly action: 'diff'; readonly before: string; readonly after: string }
  )

export type CommandLine =
  | { readonly command: 'run'; readonly args: RunArguments }
  | { readonly command: 'plan'; readonly args: PlanArguments }
  | { readonly command: 'savepoint'; readonly args: SavepointArguments }
  | { readonly command: 'stop'; readonly args: StopArguments }
  | { readonly command: 'status'; readonly args: StatusArguments }
  | { readonly command: 'checkpoints'; readonly args: CheckpointsArguments }
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
  $ npx sluice run orders.ts --checkpoint-interval 10s        with checkpoints, in the folder checkpoints
  $ npx sluice run orders.ts --restore latest                 go on from the last one
  $ npx sluice stop orders --savepoint                        stop a running job, keep its state
  $ npx sluice plan orders.ts --format mermaid                the graph, without running it

Exit status: 0 finished, 1 failed, 2 wrong usage or wrong job, 130 stopped by Ctrl-C.
`,
  run: `
Params come from --param, then --params, then SLUICE_PARAM_<NAME> (after --env-file), then the defaults of the job.
Data goes to stdout, the log to stderr. Ctrl-C stops the job cleanly, with a last checkpoint where it takes any; a second Ctrl-C exits now.

With checkpoints a failed job starts again from the last one: after 1 s, which doubles up to 1 min (--restart exponential),
or as --restart none, fixed:<attempts>:<delay>, failure-rate:<failures>:<window>:<delay> or exponential:<initial>:<max> says.
--restore takes latest, the id of a checkpoint, or the path of a checkpoint or savepoint.

--edge takes the name of an edge in the plan and what is set for it, in place of what the job says: window=<duration> or window=false,
prefetch=<records>, weight=<share>, priority=<number>.

Examples:
  $ npx sluice run orders.ts --param input=orders.csv --param limit=100
  $ npx sluice run orders.ts --param tag=a --param tag=b       a list
  $ npx sluice run orders.ts --params prod.json --env-file .env --quiet
  $ SLUICE_PARAM_INPUT=orders.csv npx sluice run orders.ts --overwrite
  $ npx sluice run orders.ts --checkpoint-interval 10s --checkpoint-dir state --restart fixed:3:1s
  $ npx sluice run orders.ts --restore latest
  $ npx sluice run orders.ts --edge "parse -> write:window=20ms" --edge "write -> out:prefetch=1,weight=2"
`,
  plan: `
Examples:
  $ npx sluice plan orders.ts --param input=orders.csv
  $ npx sluice plan orders.ts --format dot | dot -Tsvg > plan.svg
  $ npx sluice plan --live orders --watch                      the running job: rates, windows, who is held and by whom
  $ npx sluice plan orders.ts --against latest                 what a restore would keep; status 1 where it would fail
`,
  savepoint: `
Examples:
  $ npx sluice savepoint orders                                into the checkpoint directory; prints the path
  $ npx sluice savepoint orders.ts --dir backup/monday
`,
  stop: `
Sources stop, what is in flight flows out, nothing that is open fires. With checkpoints a last one is taken:
--restore latest goes on from there.

Examples:
  $ npx sluice stop orders
  $ npx sluice stop orders --savepoint                         prints the path
  $ npx sluice stop orders --drain                             open windows fire, as at the end of the input
`,
  checkpoints: `
<checkpoint> is latest, the id of one, or the path of a checkpoint or savepoint.

Examples:
  $ npx sluice checkpoints list --dir state
  $ npx sluice checkpoints verify latest
  $ npx sluice checkpoints read 12 --operator totals | head
  $ npx sluice checkpoints diff 11 12
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
    .option('--overwrite', 'replace output that exists, and remove checkpoints of earlier runs', false)
    .option('--restore <checkpoint>', 'go on from a checkpoint: latest, an id, or a path')
    .option('--check-records', 'encode and freeze every record on every edge: slow, finds impure functions', false)
    .addHelpText('after', examples.run)
    .action((file: string, options: Omit<RunArguments, 'file'>) => {
      chosen = {
        command: 'run',
        args: {
          ...common(file, options),
          ...pick(options, ['log', 'quiet', 'overwrite', 'checkRecords', 'restore']),
          report: options.report,
        },
      }
    })

  addJobArguments(program.command('plan').description('print the plan of a job without running it'))
    .addOption(new Option('--format <format>', 'how the plan is printed').choices(['text', 'mermaid', 'dot', 'json']).default('text'))
    .option('--against <checkpoint>', 'what a restore from it would keep, drop and refuse: latest, an id, or a path')
    .addOption(
      new Option('--live', 'of a running job (name, file or process id): rates, windows, who is held and by whom')
        .default(false)
        .conflicts('against'),
    )
    .option('--watch', 'with --live: again and again, until the job ends', false)
    .option('--report <duration>', 'with --live: how long the job is looked at (default: 1s)', numberOrText)
    .addHelpText('after', examples.plan)
    .action((file: string, options: Omit<PlanArguments, 'file'>) => {
      const { format, against, live, watch, report } = options
      chosen = { command: 'plan', args: { ...common(file, options), format, against, live, watch, report } }
    })

  addControlCommands(program, (line) => (chosen = line))
  addCheckpointCommands(program, (line) => (chosen = line))

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
    .option('--checkpoint-interval <duration>', 'how often a checkpoint begins (default: what the job says, or 10s)', numberOrText)
    .option('--checkpoint-dir <folder>', 'where checkpoints lie (default: what the job says, or checkpoints)')
    .addOption(new Option('--checkpoint-mode <mode>', 'how they are taken').choices(['aligned', 'unaligned', 'at-least-once']))
    .option('--checkpoint-aligned-timeout <duration>', 'an aligned one that takes longer goes on unaligned', numberOrText)
    .option('--checkpoint-timeout <duration>', 'one that takes longer is given up (default: 10min)', numberOrText)
    .option('--checkpoint-retain <n>', 'how many complete ones are kept (default: 3)', wholeNumber(1))
    .option('--no-checkpoint', 'take none, whatever the job says')
    .option('--restart <strategy>', 'what happens after a failure, with checkpoints (default: exponential)', restartStrategy)
    .option('--drop-state <operator>', 'give up the state of an operator when restoring; repeat it for more', collect, [])
    .option('--edge <edge:option=value>', 'how records flow over one edge, such as "a -> b:prefetch=1"; repeat it for more', collect, [])
    .option('--no-color', 'no colours; NO_COLOR does the same')
}

type Choose = (line: CommandLine) => void

function addControlCommands(program: Command, choose: Choose): void {
  const job = 'name, file or process id of a running job'
  const target = (command: Command): Command =>
    command
      .argument('<job>', job)
      .option('--name <name>', 'name of the savepoint (default: savepoint-<id>)')
      .option('--dir <folder>', 'an empty folder for the savepoint (default: one in the checkpoint directory)')
      .option('--no-color', 'no colours; NO_COLOR does the same')
  target(program.command('savepoint').description('take a savepoint of a running job: a checkpoint that is never removed'))
    .addHelpText('after', examples.savepoint)
    .action((name: string, options: Omit<SavepointArguments, 'job'>) => {
      choose({ command: 'savepoint', args: { job: name, ...pick(options, ['color']), name: options.name, dir: options.dir } })
    })
  target(program.command('stop').description('stop a running job as Ctrl-C does'))
    .option('--savepoint', 'keep its state in a savepoint', false)
    .option('--drain', 'let what is open fire, as at the end of the input', false)
    .addHelpText('after', examples.stop)
    .action((name: string, options: Omit<StopArguments, 'job'>) => {
      const args = { job: name, ...pick(options, ['color', 'savepoint', 'drain']), name: options.name, dir: options.dir }
      choose({ command: 'stop', args })
    })
  program
    .command('status')
    .description('show the jobs that run')
    .argument('[job]', job)
    .option('--json', 'one JSON object a line', false)
    .option('--no-color', 'no colours; NO_COLOR does the same')
    .action((name: string | undefined, options: Omit<StatusArguments, 'job'>) => {
      choose({ command: 'status', args: { job: name, ...pick(options, ['json', 'color']) } })
    })
}

function addCheckpointCommands(program: Command, choose: Choose): void {
  const group = program.command('checkpoints').description('look at checkpoints').addHelpText('after', examples.checkpoints)
  const add = (usage: string, description: string): Command =>
    group
      .command(usage)
      .description(description)
      .option('--dir <folder>', 'where checkpoints lie', 'checkpoints')
      .option('--job <name>', 'of this job (default: the only one there)')
      .option('--no-color', 'no colours; NO_COLOR does the same')
  const place = ({ dir, job, color }: CheckpointPlace): CheckpointPlace => ({ dir, job, color })
  add('list', 'list checkpoints and savepoints with sizes and durations')
    .option('--json', 'one JSON object a line', false)
    .action((options: CheckpointPlace & { readonly json: boolean }) => {
      choose({ command: 'checkpoints', args: { action: 'list', ...place(options), json: options.json } })
    })
  add('show <checkpoint>', 'print what a checkpoint says of itself')
    .option('--json', 'the manifest as JSON', false)
    .action((checkpoint: string, options: CheckpointPlace & { readonly json: boolean }) => {
      choose({ command: 'checkpoints', args: { action: 'show', checkpoint, ...place(options), json: options.json } })
    })
  add('verify [checkpoint]', 'check every checksum of every file; of all checkpoints where none is named').action(
    (checkpoint: string | undefined, options: CheckpointPlace) => {
      choose({ command: 'checkpoints', args: { action: 'verify', checkpoint, ...place(options) } })
    },
  )
  add('read <checkpoint>', 'print state as JSON lines')
    .option('--operator <name>', 'only of this operator; repeat it for more', collect, [])
    .option('--state <name>', 'only this state; repeat it for more', collect, [])
    .action(
      (checkpoint: string, options: CheckpointPlace & { readonly operator: readonly string[]; readonly state: readonly string[] }) => {
        const { operator, state } = options
        choose({ command: 'checkpoints', args: { action: 'read', checkpoint, ...place(options), operator, state } })
      },
    )
  add('diff <before> <after>', 'print what became different, as JSON lines').action(
    (before: string, after: string, options: CheckpointPlace) => {
      choose({ command: 'checkpoints', args: { action: 'diff', before, after, ...place(options) } })
    },
  )
}

function common(file: string, options: Omit<JobArguments, 'file'>): JobArguments {
  const { param, params, envFile, parallelism, workers, memory, color } = options
  const { checkpointInterval, checkpointDir, checkpointMode, checkpointAlignedTimeout, checkpointTimeout, checkpointRetain } = options
  const { checkpoint, restart, dropState, edge } = options
  const checkpoints = { checkpointInterval, checkpointDir, checkpointMode, checkpointAlignedTimeout, checkpointTimeout, checkpointRetain }
  return { file, param, params, envFile, parallelism, workers, memory, color, ...checkpoints, checkpoint, restart, dropState, edge }
}

function pick<T, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Pick<T, K>
}

function isCommand(word: string): boolean {
  return ['run', 'plan', 'savepoint', 'stop', 'status', 'checkpoints'].includes(word)
}

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }
  return manifest.version
}
