/**
 * `sluice run`: starts a job, turns its events into the job log, stops it on Ctrl-C, and ends with tables or an error block. Data goes to
 * stdout, everything else to stderr. Main thread; it does nothing per record.
 */
import { basename, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { defaultSettings, type MetricsSnapshot, SluiceError, type StuckSubtask } from '@sluice/engine'
import { parseByteSize, parseDuration } from '@sluice/operators'
import { type PlannedEvent, type RawParams, type RunHandle, type RunResult, run, type StartedEvent } from '@sluice/runtime-workers'
import type { RunArguments } from '../arguments/command-line.js'
import { type Colours, makeColours, wantsColour } from '../format/colours.js'
import { JobLog } from '../log/job-log.js'
import {
  checkpointLine,
  failedLine,
  plannedLine,
  restartingLine,
  restoredLine,
  startedLine,
  stoppingLine,
} from '../log/life-cycle-lines.js'
import { PrettyPrinter } from '../log/pretty-printer.js'
import {
  activeLine,
  finishedLine,
  idleLine,
  lostLines,
  noticeLine,
  reportLines,
  stalledLine,
  stuckLine,
  userLine,
} from '../log/report-lines.js'
import { readParamSources } from '../params/read-param-sources.js'
import { checkParams, resolveParams } from '../params/resolve-params.js'
import { formatErrorBlock } from '../report/error-block.js'
import { readErrorFacts } from '../report/error-facts.js'
import { formatResultTables } from '../report/result-tables.js'
import type { ControlServer } from '../control/control-server.js'
import { checkpointOptionsOf } from './checkpoint-options.js'
import { edgeOptionsOf } from './edge-options.js'
import { explainInterruption } from './explain-interruption.js'
import { listenForStop, type StopSignal } from './stop-signals.js'

/** As shells count: 128 and the number of the signal. SIGPIPE: whoever read stdout has left. */
const stopStatus = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const

export function runCommand(args: RunArguments): Promise<number> {
  return new RunCommand(args).execute()
}

class RunCommand {
  readonly #args: RunArguments
  readonly #colours: Colours
  readonly #log: JobLog
  readonly #isTerminal = isatty(2)
  readonly #cwd = process.cwd()
  #shownParams: RawParams = {}
  #stopTimeoutMs: number = defaultSettings.stopTimeoutMs
  #takesCheckpoints = false
  #planIsLogged = false
  #startedAtMs: number | undefined
  #lastStuck: StuckSubtask | undefined
  #stoppedBy: keyof typeof stopStatus | undefined
  #control: Promise<ControlServer | undefined> | undefined

  constructor(args: RunArguments) {
    this.#args = args
    this.#colours = makeColours(wantsColour({ asked: args.color, env: process.env, isTerminal: this.#isTerminal }))
    this.#log = new JobLog({
      job: basename(args.file),
      format: args.log,
      quiet: args.quiet,
      printer: new PrettyPrinter(this.#colours),
      write: (text) => void process.stderr.write(text),
      nowMs: Date.now,
    })
  }

  async execute(): Promise<number> {
    process.on('uncaughtException', (error) => void this.#exitOnUncaught(error))
    // Nobody reads the log any more: the job goes on.
    process.stderr.on('error', () => {})
    try {
      const handle = await this.#start()
      // Until the job is planned nothing runs that could flow out: a signal ends the process as it ends any other, also where the
      // job file loops for ever.
      let stopListening = (): void => {}
      handle.events.once('planned', () => {
        stopListening = listenForStop({
          onFirst: (signal) => this.#stop(handle, signal),
          onSecond: (signal) => process.exit(stopStatus[signal]),
          monotonicMs: () => performance.now(),
        })
      })
      this.#endWithReader(handle)
      const result = await handle.finished.finally(() => stopListening())
      return await this.#finish(result, handle.metrics())
    } catch (thrown) {
      return await this.#fail(thrown)
    } finally {
      await (await this.#control)?.close()
    }
  }

  /** What can be wrong before any code of the user runs is found here. */
  async #start(): Promise<RunHandle<unknown>> {
    const { parallelism, workers, memory, overwrite, checkRecords, report, file, restart, restore, dropState } = this.#args
    const memoryBytes = memory === undefined ? undefined : parseByteSize(memory, '--memory')
    const reportMs = report === undefined ? undefined : parseDuration(report, '--report')
    const sources = await readParamSources(this.#args)
    const handle: RunHandle<unknown> = run(file, {
      params: (job) => {
        const params = resolveParams(job, { ...sources, env: process.env })
        this.#shownParams = params.shown
        this.#log.identify(job.name, params.redactor)
        checkParams(job, params.raw)
        return params.raw
      },
      parallelism,
      workers,
      memory: memoryBytes,
      overwrite,
      checkRecords,
      checkpoint: checkpointOptionsOf(this.#args),
      restart,
      restore,
      dropState,
      edges: edgeOptionsOf(this.#args.edge),
      report: reportMs,
      collect: false,
      ownProcess: true,
    })
    handle.events
      .on('planned', (event) => this.#planned(event))
      .on('restored', (event) => this.#log.write(restoredLine(event)))
      .on('started', (event) => this.#started(handle, event))
      .on('restarting', (event) => this.#log.write(restartingLine(event, this.#cwd)))
      .on('checkpoint', (event) => {
        const line = checkpointLine(event)
        if (line !== undefined) this.#log.write(line)
      })
      .on('report', (reported) => reportLines(reported).forEach((line) => this.#log.write(line)))
      .on('lost', (lost) => lostLines(lost).forEach((line) => this.#log.write(line)))
      .on('stuck', (stuck) => this.#stuck(stuck))
      .on('idle', (input) => this.#log.write(idleLine(input)))
      .on('active', (input) => this.#log.write(activeLine(input)))
      .on('stalled', (stalled) => this.#log.write(stalledLine(stalled)))
      .on('notice', (notice) => this.#log.write(noticeLine(notice)))
      .on('log', (entry) => this.#log.write(userLine(entry)))
    return handle
  }

  #planned({ graph, plan, settings }: PlannedEvent): void {
    this.#planIsLogged = true
    this.#stopTimeoutMs = settings.stopTimeoutMs
    this.#takesCheckpoints = settings.checkpoint !== undefined
    this.#log.write(plannedLine(graph, plan, this.#shownParams, settings))
  }

  #started(handle: RunHandle<unknown>, event: StartedEvent): void {
    this.#startedAtMs ??= performance.now()
    this.#log.write(startedLine(this.#startedAtMs, event))
    this.#control ??= this.#listen(handle)
  }

  /** From now on `sluice savepoint`, `stop` and `status` reach the job. */
  async #listen(handle: RunHandle<unknown>): Promise<ControlServer | undefined> {
    const { listenForCommands } = await import('../control/answer-requests.js')
    const startedAt = new Date().toISOString()
    return listenForCommands(handle, { file: resolve(this.#args.file), startedAt }, () =>
      this.#log.write(stoppingLine('request', this.#stopTimeoutMs)),
    )
  }

  #stop(handle: RunHandle<unknown>, signal: StopSignal | 'SIGPIPE'): void {
    this.#stoppedBy ??= signal
    this.#log.write(stoppingLine(signal, this.#stopTimeoutMs))
    void handle.stop()
  }

  /** `sluice run job.ts | head`: nobody reads the output any more. */
  #endWithReader(handle: RunHandle<unknown>): void {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (this.#stoppedBy === undefined) this.#stop(handle, 'SIGPIPE')
    })
  }

  #stuck(stuck: StuckSubtask): void {
    this.#lastStuck = stuck
    this.#log.write(stuckLine(stuck))
  }

  async #finish(result: RunResult<unknown>, metrics: MetricsSnapshot | undefined): Promise<number> {
    if (result.aborted)
      throw explainInterruption({
        plan: result.plan,
        metrics,
        stuck: this.#lastStuck,
        stopTimeoutMs: this.#stopTimeoutMs,
        takesCheckpoints: this.#takesCheckpoints,
      })
    this.#log.write(finishedLine(result))
    await this.#log.flush()
    if (this.#args.log === 'pretty' && (this.#isTerminal || !this.#args.quiet)) {
      process.stderr.write(this.#log.redactor.text(formatResultTables(result.totals, this.#colours, result)))
    }
    return result.stopped && this.#stoppedBy !== undefined ? stopStatus[this.#stoppedBy] : 0
  }

  async #fail(thrown: unknown): Promise<number> {
    const facts = readErrorFacts(thrown)
    // A sink that can no longer write to stdout is the consequence of the stop, not a failure.
    if (this.#stoppedBy === 'SIGPIPE' && facts.causes.some(isBrokenPipe)) return stopStatus.SIGPIPE
    const durationMs = this.#startedAtMs === undefined ? 0 : Math.round(performance.now() - this.#startedAtMs)
    const isPretty = this.#args.log === 'pretty'
    // Before it was planned there is no log to speak of: the block says it all.
    if (!isPretty || this.#planIsLogged) this.#log.write(failedLine(facts, durationMs, this.#cwd))
    await this.#log.flush()
    const block = formatErrorBlock(facts, this.#colours, this.#cwd)
    if (isPretty) process.stderr.write(this.#log.redactor.text(this.#planIsLogged ? `\n${block}` : block))
    return facts.error.exitStatus
  }

  /** Code of the user that runs on the main thread threw outside of any operator: the process cannot be trusted any more. */
  async #exitOnUncaught(error: unknown): Promise<void> {
    const wrapped =
      error instanceof SluiceError
        ? error
        : new SluiceError('SLUICE_UNHANDLED_REJECTION', `an exception was thrown outside of any operator: ${String(error)}`, {
            cause: error,
          })
    process.exit(await this.#fail(wrapped))
  }
}

function isBrokenPipe(cause: unknown): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === 'EPIPE'
}
