/**
 * The one catalogue of errors that a user can cause: code, what it means, what to do.
 * A code never changes its meaning; `docs/errors.md` is generated from this table and a test holds the two together.
 */
export interface ErrorEntry {
  /** One sentence: what happened. */
  readonly summary: string
  /** The default hint: what to do. A thrown error may carry a more precise one. */
  readonly hint: string
  /** Whether a restart may help. */
  readonly retriable: boolean
  /** Exit status of the command line: 2 wrong usage or wrong job, 1 failed while running. */
  readonly exitStatus: 1 | 2
}

export const errorCatalogue = {
  SLUICE_ASSERTION: {
    summary: 'An internal invariant of Sluice does not hold.',
    hint: 'This is a defect of Sluice: please report it with the message and the job.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_ASYNC_FUNCTION: {
    summary: 'An async function was given where records are handled synchronously.',
    hint: 'Use mapAsync(name, fn, { concurrency }), or make the function synchronous.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_BREAKER_OPEN: {
    summary: 'A call was not made: the circuit breaker of what it calls is open.',
    hint: "See why calls failed before; with whileOpen: 'wait' records wait instead.",
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_BUFFER_FULL: {
    summary: 'A producer that cannot be held back gave more than the buffer in front of it takes.',
    hint: 'Raise its bound, say with `overflow` which records may be lost, or read from something that can be held back.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CALLS_LEFT_BEHIND: {
    summary: 'Too many calls ran out of time and have not ended since.',
    hint: 'Give context.signal to what is called (fetch takes it), so that a call ends when its time is up.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_CHANNEL_CORRUPT: {
    summary: 'A frame read from a channel is not valid.',
    hint: 'This is a defect of Sluice or memory was overwritten: please report it.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_CORRUPT: {
    summary: 'A checkpoint is damaged: a file is missing, cut short or changed.',
    hint: 'Restore another one: `sluice checkpoints list` shows them, `sluice checkpoints verify` checks every checksum.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_EXISTS: {
    summary: 'A job is to begin anew, but there are checkpoints of it.',
    hint: 'Pass --restore latest to go on from the last one, or --overwrite to remove them and begin anew.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_FILE_MISSING: {
    summary: 'A file of a checkpoint does not exist.',
    hint: 'Restore another checkpoint; files of a checkpoint must not be moved one by one.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_FINAL_FAILED: {
    summary: 'The input has ended, but the last checkpoint cannot be taken, so the output cannot be committed.',
    hint: 'See the cause; then go on with --restore latest: nothing is lost.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_GRAPH_CHANGED: {
    summary: 'An unaligned checkpoint holds records between operators and cannot be restored into a changed graph.',
    hint: 'Restore it with the job as it was, take a savepoint (`sluice savepoint <job>`), then change the job.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_INCOMPATIBLE: {
    summary: 'The job has changed so that state of the checkpoint does not fit.',
    hint: '`sluice plan <job.ts> --against <checkpoint>` shows what fits; give up the state of an operator with --drop-state <operator>.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_LOCKED: {
    summary: 'Another process runs this job on the same checkpoint directory.',
    hint: 'Stop it first, or use another directory: --checkpoint-dir <directory>.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_MISSING: {
    summary: 'There is no such checkpoint.',
    hint: '`sluice checkpoints list` shows those that there are; leave out --restore to begin anew.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_OF_OTHER_JOB: {
    summary: 'A checkpoint belongs to another job.',
    hint: 'Restore one of this job, or give the job its old name.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_STORAGE: {
    summary: 'The checkpoint directory cannot be read or written.',
    hint: 'See the cause: free space, permissions, a read-only file system.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINT_VERSION: {
    summary: 'A checkpoint was written by a newer version of Sluice.',
    hint: 'Restore it with that version or a newer one.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_CHECKPOINTS_OFF: {
    summary: 'Something needs checkpoints, and the job takes none.',
    hint: "Give the job `checkpoint: { interval: '10s', directory: 'checkpoints' }`, or run it with --checkpoint-interval 10s.",
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_CODEC_CORRUPT: {
    summary: 'Encoded bytes do not describe a record.',
    hint: 'This is a defect of Sluice or memory was overwritten: please report it.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_DUPLICATE_NAME: {
    summary: 'Two operators of a job have the same name.',
    hint: 'Names are the identity of state: give each operator its own name.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_DURATION_INVALID: {
    summary: 'A duration cannot be read.',
    hint: "Write a number of milliseconds or text such as '250ms', '10s', '1h30m', '1d'.",
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_EDGE_UNKNOWN: {
    summary: 'Something is set for an edge that the job does not have.',
    hint: 'Edges are called `from -> to` by the names of their operators: see `sluice plan`.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_GRAPH_CYCLE: {
    summary: 'The job graph has a cycle.',
    hint: 'Records flow from sources to sinks only: remove the edge that leads back.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_GRAPH_EMPTY: {
    summary: 'The job has no source or no sink.',
    hint: "Declare at least one job.source(...) and end each stream in a sink such as .sink('out', print()).",
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_INPUT_CHANGED: {
    summary: 'An input is not what it was when it was read.',
    hint: 'Put the input back as it was, or leave out --restore to begin anew.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_INPUT_MALFORMED: {
    summary: 'Input data cannot be parsed.',
    hint: "Repair the input, or give the source onInvalid: 'drop' or 'deadLetter'.",
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_INPUT_MISSING: {
    summary: 'An input file does not exist or cannot be read.',
    hint: 'Check the path (relative to the working directory) and its permissions.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_INTEGER_UNSAFE: {
    summary: 'An integer is too large for a JavaScript number.',
    hint: 'Declare the column as z.bigint() in the schema of the source to keep it exact.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_INTERRUPTED: {
    summary: 'The job was stopped before its end.',
    hint: 'Run it again; without checkpoints it starts from the beginning.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_JOB_FILE_INVALID: {
    summary: 'The job file cannot be loaded.',
    hint: 'Repair what the message shows; `npx sluice plan <job.ts>` checks a job without running it.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_JOB_NOT_DETERMINISTIC: {
    summary: 'The job file declares a different graph each time it is loaded.',
    hint: 'Declare the same operators in the same order every time: no clock, random numbers or environment in the declaration; use params.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_JOB_NOT_RUNNING: {
    summary: 'No running job, or more than one, answers to this name.',
    hint: '`sluice status` shows the jobs of this user that run on this machine.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_JOB_THREW: {
    summary: 'The job file threw while it declared its graph.',
    hint: 'Repair the job file at the line shown.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_JSON_UNSUPPORTED: {
    summary: 'A value cannot be written as JSON.',
    hint: 'Map the record to plain JSON values before the sink.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_KEY_GROUPS_CHANGED: {
    summary: 'The number of key groups is another one than in the checkpoint.',
    hint: 'Set keyGroups back to what it was: it decides where keys live, and stays the same for the life of a job.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_KEY_INVALID: {
    summary: 'A key function returned a value that cannot be a key.',
    hint: 'Return a string, number, bigint, boolean, null, Date, or a plain object or tuple of these.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_KEY_MISPLACED: {
    summary: 'A record does not lie where its key belongs, although keyBy was told that it does.',
    hint: 'Leave out `partitioned: true`, or key by the very key by which the records came.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_LOSSY_STREAM: {
    summary: 'Records are dropped on purpose in front of a sink that writes each record exactly once.',
    hint: 'Say `lossy: true` with the policy where the loss is meant, or keep the sink apart from it.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_MEMORY_BUDGET: {
    summary: 'The memory budget is too small for the plan.',
    hint: 'Raise --memory, or lower the parallelism.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_NOT_A_JOB: {
    summary: 'What the job file exports by default is not a job.',
    hint: 'Export what defineJob(...) returns.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_NO_DEFAULT_EXPORT: {
    summary: 'The job file has no default export.',
    hint: 'End it with `export default defineJob({ name }, (job) => { ... })`.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_OPERATOR_FAILED: {
    summary: 'A function of an operator threw.',
    hint: 'Repair the function at the line shown.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_OPERATOR_UNKNOWN: {
    summary: 'An option names an operator that the job does not have, or one that does not stand behind it.',
    hint: 'Give the name of an operator that the records reach later on.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_OPTIONS_INVALID: {
    summary: 'Options have a wrong value.',
    hint: 'See the message for the option and what it takes.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_OUTPUT_CHANGED: {
    summary: 'Output is not what the checkpoint that is restored says it was.',
    hint: 'Put back what was taken away or changed since, or begin anew with --overwrite.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_OUTPUT_EXISTS: {
    summary: 'The output of a sink exists already.',
    hint: 'Pass --overwrite to replace it, or choose another path.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_OUTPUT_UNWRITABLE: {
    summary: 'The output of a sink cannot be made.',
    hint: 'Check that the path can be created and is writable.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_PARAMS_INVALID: {
    summary: 'A parameter of the job is missing or wrong.',
    hint: 'Pass it as --param name=value.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_PROTOCOL_BROKEN: {
    summary: 'A stream outside of the job does not keep to its own protocol.',
    hint: 'See the message for what it did; mend the iterator, stream or observable, or wrap it.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RATE_INVALID: {
    summary: 'A stream that says the rate of a limit gave something that is not a rate.',
    hint: 'Give a finite number of at least 0; 0 pauses until the next one.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_CLASS_INSTANCE: {
    summary: 'A record holds an instance of a class.',
    hint: 'Records are plain data: return a plain object, for example { ...instance }.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_CYCLE: {
    summary: 'A record refers to itself.',
    hint: 'Records are trees: replace the reference by an id.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_INVALID: {
    summary: 'A record does not fit the schema of its source.',
    hint: "Repair the input or the schema, or give the source onInvalid: 'drop' or 'deadLetter'.",
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_NOT_ENCODABLE: {
    summary: 'A record holds a value that cannot be sent.',
    hint: 'Records are plain data: remove functions, symbols and handles.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_PROMISE: {
    summary: 'A Promise stands where a record is expected.',
    hint: 'Use mapAsync(name, fn, { concurrency }) for asynchronous work.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RECORD_TOO_LARGE: {
    summary: 'A record is larger than the record limit.',
    hint: 'Raise maxRecordBytes in the settings of the job, or make the record smaller.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_RESOURCE_FAILED: {
    summary: 'A resource could not be opened or closed.',
    hint: 'Check the open and close functions of the resource.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_SAVEPOINT_FAILED: {
    summary: 'A savepoint could not be taken.',
    hint: 'See the cause; the job goes on, ask again.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_SINK_FAILED: {
    summary: 'A sink failed to write.',
    hint: 'See the cause.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_SOURCE_FAILED: {
    summary: 'A source failed to read.',
    hint: 'See the cause.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_SPILL_FAILED: {
    summary: 'Records that wait for a slow consumer cannot be written to disk, or read from there.',
    hint: 'Give the shed a `directory` that can be written, with room for its `diskBytes`.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_STATE_INCOMPATIBLE: {
    summary: 'State of a checkpoint does not fit what the operator declares now.',
    hint: 'Declare the state as it was, give the operator another name to begin anew, or drop its state with --drop-state <operator>.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_STATE_NO_KEY: {
    summary: 'Keyed state or a timer is used where there is no key.',
    hint: 'State and timers belong to the key of a record or timer: use them in its handler, not in onStart, in onEnd or after the handler has ended.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_STATE_READONLY: {
    summary: 'Broadcast state is written outside of onBroadcast.',
    hint: 'Write it in onBroadcast alone, for every record of the broadcast stream in the same way, so that it is the same in every subtask.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_STATE_VALUE: {
    summary: 'A value cannot be kept as state.',
    hint: 'State is plain data: keep plain objects, without functions, symbols, promises and instances of classes, that fit the schema of the state.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_STREAM_FOREIGN: {
    summary: 'A stream of one job is used in another.',
    hint: 'Streams belong to the job that declared them: declare the source in this job too.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_TIMEOUT: {
    summary: 'An asynchronous function did not finish in time.',
    hint: 'Raise its timeout option, or find out why it is slow.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_TIMERS_ENDLESS: {
    summary: 'Timers set timers without end: for their own time or before, or after the input has ended.',
    hint: 'Set the next timer behind timer.time. At the end of the input every timer fires at once: where context.watermark is Infinity, do not set the next one.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_TIMER_INVALID: {
    summary: 'A timer was given something that is not a point in time.',
    hint: 'Give ms since the epoch as a finite number: a timestamp, or now() plus a duration.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_TIMESTAMPS_MISSING: {
    summary: 'Event time is used on a stream whose records have no timestamps.',
    hint: 'Assign them before: stream.withTimestamps((record) => record.time, { outOfOrderness: ... }); or use processing time.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_TIMESTAMP_INVALID: {
    summary: 'A timestamp function returned something that is not a point in time.',
    hint: 'Return ms since the epoch as a number, or a valid Date; filter records without a time out before.',
    retriable: false,
    exitStatus: 1,
  },
  SLUICE_UNHANDLED_REJECTION: {
    summary: 'A promise of user code was rejected and nobody handled it.',
    hint: 'Await the promise or handle its rejection.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_USAGE: {
    summary: 'The command line is wrong.',
    hint: 'See `sluice --help`.',
    retriable: false,
    exitStatus: 2,
  },
  SLUICE_WORKER_EXITED: {
    summary: 'A worker ended unexpectedly.',
    hint: 'See the lines before; process.exit must not be called in a job.',
    retriable: true,
    exitStatus: 1,
  },
  SLUICE_WORKER_OUT_OF_MEMORY: {
    summary: 'A worker ran out of memory.',
    hint: 'Keep less state per key, use more workers, or give each a larger heap: NODE_OPTIONS=--max-old-space-size=4096, or `heap` of run.',
    retriable: true,
    exitStatus: 1,
  },
} as const

/** The code of every error that a user can cause. */
export type ErrorCode = keyof typeof errorCatalogue
