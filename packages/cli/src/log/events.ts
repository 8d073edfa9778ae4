/**
 * The events of the job log and their fields: the one place where they are written down. `docs/job-log.md` is generated from this
 * table and the lines that a job writes are held against it by a test. A name never changes its meaning.
 */

export interface FieldEntry {
  readonly type: string
  readonly meaning: string
  /** Present only where it applies. */
  readonly optional?: true
}

export interface EventEntry {
  readonly when: string
  readonly fields: Readonly<Record<string, FieldEntry>>
}

const field = (type: string, meaning: string): FieldEntry => ({ type, meaning })
const optional = (type: string, meaning: string): FieldEntry => ({ type, meaning, optional: true })

/** On every line. */
export const commonFields: Readonly<Record<string, FieldEntry>> = {
  level: field('text', 'Severity of the line: `debug`, `info`, `warn`, `error`.'),
  time: field('text', 'When, ISO 8601 in UTC.'),
  job: field('text', 'Name of the job; the file name while the job file has not been loaded.'),
  event: field('text', 'One of the events below.'),
  msg: field('text', 'The same in words.'),
}

const duration = field('ms', 'Since `job.started`; 0 where it did not come so far.')
const recordsIn = field('count', 'Records that the sources gave.')
const recordsOut = field('count', 'Records that reached the sinks.')
const idleOperator = field('text', 'The source, or what assigns timestamps where no source is in its chain.')
const edge = field('text', 'The edge as `from -> to`, by operator names.')

export type JobLogEvent =
  | 'job.planned'
  | 'job.started'
  | 'job.stopping'
  | 'job.finished'
  | 'job.failed'
  | 'job.restarting'
  | 'job.restored'
  | 'checkpoint.progress'
  | 'checkpoint.completed'
  | 'checkpoint.failed'
  | 'checkpoint.leftover'
  | 'edge.pressure'
  | 'job.bottleneck'
  | 'job.headroom'
  | 'operator.calls'
  | 'operator.stuck'
  | 'source.listening'
  | 'breaker.changed'
  | 'source.idle'
  | 'source.active'
  | 'watermark.stalled'
  | 'records.late'
  | 'records.dropped'
  | 'records.deadLettered'
  | 'user.log'

export const jobLogEvents: Readonly<Record<JobLogEvent, EventEntry>> = {
  'job.planned': {
    when: 'Once, when the plan is made.',
    fields: {
      workers: field('count', 'Worker threads; 0: everything runs on the calling thread.'),
      params: field('object', 'The params given, by name; secret ones as `***`.'),
      tasks: field(
        'list of { task, operators, parallelism, workers }',
        'A task is a chain of operators; `workers` by subtask, -1: the main thread.',
      ),
      subtasks: field('count', 'Subtasks in all.'),
      edges: field(
        'list of { edge, partitioning, from, to, channels, rings, boundBytes }',
        'Edges between tasks; `from`, `to`: subtasks on either side; `boundBytes`: what the edge can hold at most.',
      ),
      chains: field(
        'list of { edge, chained, because }',
        'Every edge of the graph: whether it became part of a chain and, where not, why.',
      ),
      memory: field(
        '{ budgetBytes, plannedBytes, ringBytes, rings, ringsBytes, localBytes, stagingBytes, overdraftBytes, asyncBytes, heldBytes, largeRecordBytes, maxRecordBytes }',
        'The memory plan; `ringBytes` is the size of one ring.',
      ),
      delivery: field(
        'list of { operator, role, guarantee, because }',
        'What each source and sink guarantees with these settings; `none`: without checkpoints a failure ends the job.',
      ),
      checkpoint: optional(
        '{ intervalMs, directory, mode, alignedTimeoutMs, timeoutMs, retain }',
        'How checkpoints are taken; not there where none are.',
      ),
      notes: field('list of text', 'What a user should know: a parallelism that was capped, a source that cannot be replayed.'),
    },
  },
  'job.restored': {
    when: 'Once, with `--restore`, when a checkpoint was found that fits the job.',
    fields: {
      run: field('text', 'What tells the run from others: it goes on.'),
      checkpoint: field('id', 'Its id.'),
      kind: field('text', '`checkpoint` or `savepoint`.'),
      path: field('text', 'Where it lies.'),
      completed: field('text', 'When it was complete, ISO 8601.'),
      skipped: field('list of { path, problem }', 'Newer ones that are damaged.'),
      warnings: field('list of text', 'Params that differ, operators that are new, state that is dropped.'),
    },
  },
  'job.restarting': {
    when: 'When an attempt failed and another one follows.',
    fields: {
      attempt: field('count', 'Of the attempt that follows.'),
      delayMs: field('ms', 'How long after the failure.'),
      checkpoint: optional('id', 'The checkpoint that it goes on from; not there: from the beginning.'),
      code: field('text', 'The code of the error, see `errors.md`.'),
      operator: optional('text', 'The operator that failed.'),
      subtask: optional('count', 'Index of its subtask.'),
      edge: optional('text', 'The edge as `from -> to`.'),
      position: optional('text', 'Where in the input the record stood.'),
      source: optional('text', '`file:line:column` of the line of the job at which it failed.'),
      declaredAt: optional('text', '`file:line:column` where the operator was declared.'),
      hint: field('text', 'What to do.'),
      error: field('{ name, message, stack, cause }', 'The error with its chain of causes.'),
    },
  },
  'checkpoint.progress': {
    when: 'With every report while a checkpoint takes longer than a report interval.',
    fields: {
      id: field('id', 'Ascending over all attempts of a run.'),
      purpose: field('text', '`periodic`, `savepoint` or `final`.'),
      mode: field('text', '`aligned`, `unaligned` (also where it began aligned) or `at-least-once`.'),
      sinceMs: field('ms', 'Since the trigger.'),
      missing: field('list of text', 'Subtasks that have not acknowledged yet; empty: the manifest is being written.'),
      ahead: field(
        'list of { edge, bytes }',
        'What stands in front of the barriers: edges into subtasks that have not acknowledged, the fullest first. Estimates where references are handed over within a worker.',
      ),
    },
  },
  'checkpoint.completed': {
    when: 'With each checkpoint, when it is complete and durable.',
    fields: {
      id: field('id', 'Ascending over all attempts of a run.'),
      purpose: field('text', '`periodic`, `savepoint` or `final`.'),
      mode: field('text', '`aligned`, `unaligned` (also where it began aligned) or `at-least-once`.'),
      final: optional('text', 'Where nothing comes after it: `finished`, `stopped` or `drained`.'),
      durationMs: field('ms', 'From the trigger until it was complete.'),
      startDelayMs: field(
        'ms',
        'From the trigger to the first barrier, or until the subtask saw the trigger, whichever was first; the largest of all subtasks.',
      ),
      alignmentMs: field('ms', 'From the first barrier to the last, the largest of all subtasks.'),
      syncMs: field('ms', 'How long records stood still, the longest of all subtasks.'),
      asyncMs: field('ms', 'From the snapshot until it was durable, the longest of all subtasks.'),
      bytes: field('bytes', 'All files.'),
      channelBytes: field('bytes', 'Of them, records that barriers overtook.'),
      throttledMs: field(
        'ms',
        'How long a subtask took no records because too much of its snapshot waited for storage, the longest of all subtasks.',
      ),
      slowestSubtask: field('text', 'The one that acknowledged last.'),
      path: field('text', 'Where it lies.'),
    },
  },
  'checkpoint.failed': {
    when: 'When a checkpoint was given up; the job goes on, and tries again.',
    fields: {
      id: field('id', 'Ascending over all attempts of a run.'),
      purpose: field('text', '`periodic`, `savepoint` or `final`.'),
      reason: field('text', '`timeout`, `declined` by a subtask, `manifest`: it could not be written, `closed`: the attempt ended.'),
      consecutive: field('count', 'How many failed one behind the other, this one included.'),
      durationMs: field('ms', 'Since the trigger.'),
      missing: field('list of text', 'Subtasks that had not acknowledged.'),
      error: field('{ name, message, stack, cause }', 'The error with its chain of causes.'),
    },
  },
  'checkpoint.leftover': {
    when: 'When files that are not needed any more could not be removed; it is tried again behind the next checkpoint.',
    fields: {
      path: field('text', 'Where they lie.'),
      error: field('{ name, message, stack, cause }', 'The error with its chain of causes.'),
    },
  },
  'job.started': {
    when: 'When every worker runs its part; with restarts, in each attempt.',
    fields: {
      attempt: field('count', '1, and one more with each restart in this process.'),
      restored: optional('id', 'The checkpoint that it goes on from; not there where it begins at the beginning.'),
      startupMs: field('ms', 'From the start of the process.'),
    },
  },
  'job.stopping': {
    when: 'After Ctrl-C, SIGTERM or `sluice stop`, or when whoever read stdout has left.',
    fields: {
      signal: field('text', '`SIGINT`, `SIGTERM`, `SIGPIPE`, or `request` of `sluice stop`.'),
      stopTimeoutMs: field(
        'ms',
        'How long what is in flight may take to flow out; what has not then is in the last checkpoint, or given up where none are taken.',
      ),
    },
  },
  'job.finished': {
    when: 'Once, when all sinks have finished, also after a clean stop.',
    fields: {
      durationMs: duration,
      recordsIn,
      recordsOut,
      recordsPerSecond: field('1/s', '`recordsIn` over the duration.'),
      stopped: field('boolean', 'Whether it ended because it was stopped.'),
      unfinished: optional(
        '{ calls, heldRecords, channelBytes }',
        'What did not flow out when it was stopped, and is in its last checkpoint: calls (where records are gathered, of a batch), records that operators hold back, bytes of records between operators.',
      ),
      edges: field('list', 'Per edge, over the whole run: the fields of `edge.pressure`.'),
      subtasks: field(
        'list of { task, subtask, worker, busyMsPerSecond, queuedMsPerSecond, backpressuredMsPerSecond, idleMsPerSecond, alignedMsPerSecond, refusingMsPerSecond, checkpointMsPerSecond, recordsIn, recordsOut, dropped, deadLetters, lateRecords, heldRecords, heldBytes, watermark }',
        'Per subtask, over the whole run; the first four times add up to about 1,000; `alignedMsPerSecond`: how much of the idle time a source waited for others of its alignment group, `refusingMsPerSecond`: an operator for the barrier of a checkpoint on its other inputs; `checkpointMsPerSecond`: how much of the busy time went into snapshots. `heldRecords`, `heldBytes`: what an operator that holds records back still held. `watermark`: where event time stood last, ISO 8601; null where there was none.',
      ),
      dropped: field('list of { operator, reason, edge, total }', 'What operators lost on purpose over the whole run, by reason.'),
      deadLetters: field(
        'list of { operator, code, total }',
        'Dead letters that operators gave over the whole run, by the code of the error.',
      ),
      late: field('list of { operator, lateRecords }', 'Operators for which records came too late, with how many over the whole run.'),
      calls: field('list', 'Per operator whose calls are protected, over the whole run: the fields of `operator.calls`.'),
      held: field(
        'list of { edge, share, ms, longestStallMs, causes }',
        'Edges that held their producers for more than 1 % of the run, the longest first: share of the time and ms of the channel that did so longest, and whose doing it was: `causes`, a list of { kind, operator, dependency, workers, share } with `kind` as in `job.bottleneck`; `dependency`: what it calls, where it waits for that and it has a name.',
      ),
      sources: field(
        'list of { source, heldBack, on }',
        'Sources that waited: share of the time, mean over the subtasks, and for whom: `on`, as `causes` with shares of the whole time.',
      ),
      bottleneck: optional('text', 'What held the sources back over the whole run, as `job.bottleneck` says it.'),
      headroom: optional(
        '{ headroom, how, limitedBy, recordsPerSecond, recordsPerSecondPeak, recordsPerSecondMax }',
        'As `job.headroom` says it, of the whole run: `headroom` is that of the peak.',
      ),
      restarts: field('count', 'How often the job was started again in this process.'),
      checkpoints: optional(
        '{ run, completed, failed, durationMaxMs, syncMaxMs, last }',
        'Its checkpoints; `last`: the path of the newest. Not there where none are taken.',
      ),
      userMetrics: field(
        'list of { operator, subtask, name, kind, value }',
        'The metrics of user code (`context.metrics`), by operator and subtask.',
      ),
    },
  },
  'job.failed': {
    when: 'Once, when the job failed or could not be loaded.',
    fields: {
      durationMs: duration,
      code: field('text', 'The code of the error, see `errors.md`.'),
      hint: field('text', 'What to do.'),
      operator: optional('text', 'The operator that failed.'),
      subtask: optional('count', 'Index of its subtask.'),
      edge: optional('text', 'The edge as `from -> to`.'),
      position: optional('text', 'Where in the input the record stood.'),
      source: optional('text', '`file:line:column` of the line of the job at which it failed.'),
      declaredAt: optional('text', '`file:line:column` where the operator was declared.'),
      error: field('{ name, message, stack, cause }', 'The error with its chain of causes.'),
    },
  },
  'edge.pressure': {
    when: 'With every report (`--report`, default 5 s), one per edge.',
    fields: {
      edge,
      from: field('text', 'The operator that sends.'),
      to: field('text', 'The operator that receives.'),
      partitioning: field('text', '`forward`, `hash`, `rebalance` or `broadcast`.'),
      channels: field('count', 'Channels of the edge: pairs of subtasks.'),
      recordsPerSecond: field('1/s', 'Records sent.'),
      bytesPerSecond: field('B/s', 'Bytes sent.'),
      bytesEstimated: field('boolean', 'Whether some of the bytes are estimates: within a worker references are handed over.'),
      fill: field('0..1', 'Window in use, the largest of its channels.'),
      window: field('bytes', 'Credit window of the fullest channel.'),
      prefetch: optional('count', 'On a pull edge: records that each consumer asks for; `fill` is the share of them in flight.'),
      blockedMsPerSecond: field('{ max, mean }', 'How long producers waited for credit, over the channels.'),
      longestStallMs: field('ms', 'Longest single wait for credit in the interval, the open one included.'),
      starvedMsPerSecond: field('ms', 'How long consumers waited for input, mean over the channels.'),
      queueMs: field('ms', 'Estimate of how long a record waits in the edge, the largest of its channels.'),
      pressure: field(
        'text',
        '`OK`: blocked at most 10 % of the time, `LOW`: at most 50 %, `HIGH`: more. The largest of its channels counts.',
      ),
    },
  },
  'job.bottleneck': {
    when: 'With every report while some edge is above `OK`.',
    fields: {
      kind: field(
        'text',
        '`operator`: it works all the time; `limit`: a limit that the user set, such as a rate, is reached; `worker`: the subtask is ready more than it runs, because its worker runs others. The others wait for what they call. `calls`: as many calls are under way as may be; `breaker`: the circuit breaker is open, half-open, or lets calls through bit by bit; `retry`: records are tried again, and where results are ordered finished ones wait behind them; `budget`: the retry budget is used up; `retryAfter`: what is called asked for a pause; `bulkhead`: there is no place among the calls of the dependency.',
      ),
      operator: field('text', 'The operator that sets the pace; in a chain the slowest function.'),
      subtask: field('count', 'Index of its subtask.'),
      worker: field('index', 'The worker it runs on; -1: the main thread.'),
      busy: field('0..1', 'Share of the time in which the subtask worked, or waited for what it calls.'),
      calls: optional(
        '{ dependency, underWay, limit, meanMs, waiting, breaker, record, others, error }',
        'Where it waits for what it calls; means over the interval, of the subtask. `dependency`: what it calls, where that has a name; `underWay`, `limit`: calls under way, and how many there may be; `meanMs`: how long one took; `waiting`: records that wait for what `kind` says; `breaker` { state, forMs }; `record` { id, attempt, behind, forMs }: the one behind which ordered results wait, and how many do; `others` { operator, underWay }: who else calls the dependency; `error`: what a call failed with last. Only what applies is there.',
      ),
      because: field(
        'list of text',
        'The edges through which it holds the sources back, from the source on; where operators align, those by which their barriers come late too.',
      ),
      aligning: field(
        'list of text',
        'Operators on the way that refuse an input, because the barrier of a checkpoint has not arrived on their other inputs.',
      ),
      heldBackMsPerSecond: field('object', 'By source: how long it waited for credit, mean over its subtasks.'),
    },
  },
  'job.headroom': {
    when: 'With every report in which sources gave records.',
    fields: {
      headroom: field('0..1', '1 - `recordsPerSecond` over `recordsPerSecondMax`; 0 while flow control holds a source back.'),
      how: field(
        'text',
        '`measured`: flow control held this run back, and `recordsPerSecondMax` is what it carried then. `estimated`: it has not, or more was carried since; the rate at which what is used most would be full, if the work per record stays the same.',
      ),
      limitedBy: field('text', 'What is used most, or was when flow control started: an operator with its subtask, or a worker.'),
      recordsPerSecond: field('1/s', 'What the sources gave in the interval, all together.'),
      recordsPerSecondPeak: field('1/s', 'The most that they gave so far in an interval in which every edge was `OK`; 0: there was none.'),
      recordsPerSecondMax: field('1/s', 'The rate at which the first edge leaves `OK`.'),
    },
  },
  'operator.calls': {
    when: 'With every report, one per operator with a retry, circuit breaker, dependency, adaptive limit or policy for errors, unless it calls nothing.',
    fields: {
      operator: field('text', 'The operator.'),
      dependency: optional('text', 'What it calls, where that has a name.'),
      calls: field('count', 'Records whose first attempt began in the interval.'),
      attempts: field('count', 'Attempts that began.'),
      failures: field('count', 'Attempts that failed.'),
      retries: field('count', 'Attempts behind the first of their record.'),
      refused: field('count', 'Attempts that an open circuit breaker refused.'),
      deadLetters: field('count', 'Records that were given up and became dead letters.'),
      meanMs: optional('ms', 'How long an attempt took; not there where none ended.'),
      underWay: field('count', 'Calls under way now.'),
      breaker: optional(
        'text',
        '`open`, `half-open` or `closed`: the circuit breaker now, of the subtask where it is worst; not there where it never opened.',
      ),
      breakerOpenMs: field('ms', 'How long it was not closed in the interval, of the subtask where that was longest.'),
    },
  },
  'operator.stuck': {
    when: 'When a subtask has been inside one call of user code longer than `stuckAfterMs`; once per call.',
    fields: {
      operator: field('text', 'The operator, or its chain where it is not known which.'),
      subtask: field('count', 'Index of its subtask.'),
      worker: field('index', 'The worker it runs on; -1: the main thread.'),
      forMs: field('ms', 'For how long.'),
    },
  },
  'source.listening': {
    when: 'When a source has begun to listen, and again after a restart.',
    fields: {
      operator: field('text', 'The source.'),
      subtask: field('count', 'Index of its subtask.'),
      worker: field('index', 'The worker whose thread listens; -1: the main thread.'),
      url: field('text', 'What a client connects to.'),
      host: field('text', 'The address that is bound.'),
      port: field('count', 'The port that is bound: where 0 was asked for, the one the system chose.'),
    },
  },
  'breaker.changed': {
    when: 'When a circuit breaker opens, lets single calls through again (`half-open`), or closes.',
    fields: {
      operator: field('text', 'The operator whose calls made it change.'),
      subtask: field('count', 'Index of its subtask.'),
      worker: field('index', 'The worker it runs on; -1: the main thread.'),
      dependency: field('text', 'What it protects: a dependency, or where none is named the operator.'),
      from: field('text', '`closed`, `open` or `half-open`.'),
      to: field('text', 'The same, from now on.'),
      because: field('text', 'Why.'),
      afterMs: field('ms', 'How long it was `from`.'),
      unsaid: field('count', 'Changes since the last line that have none: there is a limit to lines.'),
    },
  },
  'source.idle': {
    when: 'When an input that makes watermarks was silent for longer than its `idleAfter`: event time no longer waits for it. Looked for with every report.',
    fields: {
      operator: idleOperator,
      subtask: field('count', 'Index of its subtask.'),
      split: optional('index', 'The split it reads, where its source has splits.'),
      idleMs: field('ms', 'For how long it is idle already.'),
    },
  },
  'source.active': {
    when: 'When an input that was idle gave a record: event time waits for it again. Looked for with every report.',
    fields: {
      operator: idleOperator,
      subtask: field('count', 'Index of its subtask.'),
      split: optional('index', 'The split it reads, where its source has splits.'),
      idleMs: field('ms', 'For how long it was idle.'),
    },
  },
  'watermark.stalled': {
    when: 'When the watermark of an operator with state stands still for eight reports although records arrive; once, and again where another input is to blame.',
    fields: {
      operator: field('text', 'The operator that waits: its windows and timers in event time do not fire.'),
      subtask: field('count', 'Index of its subtask.'),
      watermark: field('text', 'Where it stands, ISO 8601; null where there has been none.'),
      forMs: field('ms', 'For how long.'),
      heldBy: optional(
        '{ operator, subtask, split, unopenedSplits }',
        'The input with the lowest watermark; `split`: the one it reads, `unopenedSplits`: how many it has not begun and of which nothing is known.',
      ),
      through: field('list of text', 'The edges between the two, from the input on.'),
    },
  },
  'records.dropped': {
    when: 'With every report in which an operator lost records on purpose, and at the end: one per operator and reason. All of them add up to what was lost.',
    fields: {
      operator: field('text', 'The operator.'),
      reason: field('text', 'Why, in a word: `duplicate`, `invalid`, or what the policy of the operator says.'),
      edge: optional('text', 'The edge in front of the operator as `from -> to`, of several all; not there for a source.'),
      count: field('count', 'Since the last report.'),
      total: field('count', 'Since the start; after a restart, since the start of the attempt.'),
      perSecond: field('1/s', '`count` over the time since the last report.'),
    },
  },
  'records.deadLettered': {
    when: 'With every report in which records of an operator became dead letters, and at the end: one per operator and code. Whether somebody reads them or not.',
    fields: {
      operator: field('text', 'The operator.'),
      code: field(
        'text',
        'The code of the error, or its name: `SLUICE_TIMEOUT`, `ECONNREFUSED`, `TypeError`; `invalid` for records that do not fit the schema of a source.',
      ),
      count: field('count', 'Since the last report.'),
      total: field('count', 'Since the start; after a restart, since the start of the attempt.'),
      perSecond: field('1/s', '`count` over the time since the last report.'),
    },
  },
  'records.late': {
    when: 'With every report in which records came too late for an operator, and at the end: all their windows were gone. One per operator.',
    fields: {
      operator: field('text', 'The operator.'),
      lateRecords: field('count', 'Since the start.'),
      added: field('count', 'Since the last report.'),
    },
  },
  'user.log': {
    when: 'A line that the code of the job wrote: `context.log` or `console`.',
    fields: {
      operator: optional('text', 'The operator that wrote it, as far as it is known.'),
      subtask: optional('count', 'Index of its subtask.'),
      fields: optional('object', 'The fields that were given with it.'),
    },
  },
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One line of the job log before it has a time. */
export interface JobLogLine {
  readonly level: LogLevel
  readonly event: JobLogEvent
  readonly msg: string
  readonly fields: Readonly<Record<string, unknown>>
}
