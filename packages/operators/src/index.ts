export type { CheckpointStorage, DeadLetter, ErrorPolicy, OperatorLog, OperatorMetrics, StorageFile } from '@sluice/engine'
export { type AggregatorDefinition, aggregator } from './aggregate/user-aggregator.js'
export type { Aggregator, Aggregators, ResultOf } from './aggregate/aggregator.js'
export { type ApproximateOptions, approxDistinct, quantiles } from './aggregate/approximate.js'
export { distinct, first, last, values } from './aggregate/collecting.js'
export { where } from './aggregate/where.js'
export type { Comparable } from './aggregate/comparable.js'
export { count, max, mean, min, sum } from './aggregate/numeric.js'
export { CallError, type CallErrorOptions } from './call/call-error.js'
export type {
  AdaptiveCalls,
  CallOptions,
  CircuitBreakerOptions,
  DependencyOptions,
  RetryBudget,
  RetryOptions,
} from './call/call-options.js'
export type { Dependency } from './call/dependency.js'
export { type ByteSize, parseByteSize } from './duration/byte-size.js'
export { type Duration, parseDuration } from './duration/duration.js'
export { type Declared, defineJob, type NoParams, type OutputsOf } from './job/define-job.js'
export type { AdaptiveLimit, DropLimited, HoldLimited, LimitTarget, StaticLimit } from './flow/rate/rate-options.js'
export {
  type CheckpointOptions,
  type EdgeOptions,
  isJob,
  type Job,
  type JobOptions,
  type JobOutputs,
  type RestartOptions,
} from './job/job.js'
export { checkpointSettingsOf, edgeSettingsOf, restartStrategyOf } from './job/job-options.js'
export type { JobBuilder, ResourceDefinition } from './job/job-builder.js'
export { fromHttp, type FromHttpOptions } from './ingress/from-http.js'
export { fromTcp } from './ingress/from-tcp.js'
export type {
  HttpError,
  HttpFormat,
  HttpInvalidPolicy,
  HttpListenOptions,
  HttpOutcome,
  HttpOverload,
  HttpQueueOptions,
  HttpReply,
  HttpRequest,
  ListenTls,
} from './ingress/http/http-types.js'
export type { Acknowledgement } from './ingress/ingress-queue.js'
export type { FromTcpOptions, TcpFormat, TcpInvalidPolicy, TcpQueueOptions } from './ingress/tcp/tcp-types.js'
export { compact, type TableRow } from './join/compact.js'
export type {
  AsyncLookupOptions,
  DedupeOptions,
  IntervalJoinOptions,
  JoinedKey,
  JoinOptions,
  JoinTtl,
  KeyedAsyncLookupOptions,
  KeyedLookupOptions,
  LookupOptions,
  OuterJoin,
  OuterJoinOptions,
  TemporalJoinOptions,
  TopNOptions,
  Update,
  WindowJoinOptions,
} from './join/join-types.js'
export type { AsyncRecordContext, BatchContext, Context, KeyedProcessContext, ProcessContext, Resource } from './operator/contexts.js'
export type {
  BroadcastHandlers,
  BroadcastStates,
  CoProcessHandlers,
  KeyedBroadcastHandlers,
  StatefulContext,
  StatefulHandlers,
} from './operator/keyed-contexts.js'
export type { ProcessHandlers } from './operator/process-spec.js'
export { coerceParams } from './schema/coerce-params.js'
export type {
  ByPriority,
  DropNewest,
  DropOldest,
  Latest,
  Sample,
  ShedPolicy,
  ShedTriggers,
  Spill,
} from './flow/shed/shed-types.js'
export type { DecideEarly, DecisionCause, DropNewestTrace, TailSampleOptions, TraceInfo, TracePolicy } from './sample/sample-types.js'
export { dropWhen, keepIfAny, keepIfLonger, keepRate, keepShare, keepWhen } from './sample/trace-policies.js'
export { defineSink, type RecordWriter, type SinkDefinition, type SinkWriteContext } from './sink/define-sink.js'
export { discard } from './sink/discard.js'
export { type ForEachOptions, forEach } from './sink/for-each.js'
export { type ForEachBatchOptions, forEachBatch } from './sink/for-each-batch.js'
export { type PrintOptions, print } from './sink/print.js'
export type { LetteredSink, PlainSink, Sink, SinkFor, SinkWithLetters } from './sink/sink.js'
export type { ConsumerContext } from './sink/consumer-writer.js'
export type { OutputFormat, ToStreamOptions } from './sink/stream-chunks.js'
export { toAsyncIterable } from './sink/to-async-iterable.js'
export { type ToCsvOptions, toCsv } from './sink/to-csv.js'
export { type ToJsonLinesOptions, toJsonLines } from './sink/to-json-lines.js'
export type { ParquetColumnType } from './sink/parquet-columns.js'
export { type ToParquetOptions, toParquet } from './sink/to-parquet.js'
export { type ObserverOutput, toObserver } from './sink/to-observer.js'
export { toReadable } from './sink/to-readable.js'
export { toWebReadable } from './sink/to-web-readable.js'
export { toWebStream, type WebStreamOutput, type WritableStreamLike } from './sink/to-web-stream.js'
export { type ToWebhookOptions, toWebhook } from './sink/to-webhook.js'
export { toWritable, type WritableOutput } from './sink/to-writable.js'
export { defineSource, type SourceDefinition, type SourceReadContext, type SourceReader, type TypedBatch } from './source/define-source.js'
export { fromArray } from './source/from-array.js'
export { type FromAsyncIterableOptions, fromAsyncIterable } from './source/from-async-iterable.js'
export { type FromCsvOptions, fromCsv } from './source/from-csv.js'
export { type FromJsonLinesOptions, fromJsonLines } from './source/from-json-lines.js'
export {
  fromObservable,
  type FromObservableOptions,
  type LossyObservableOptions,
  type ObservableBuffer,
} from './source/from-observable.js'
export type { ObservableLike, ObservableOverflow, ObserverLike } from './source/observable.js'
export { type FromParquetOptions, fromParquet } from './source/from-parquet.js'
export { type FromReadableOptions, fromReadable, type ReadableInput } from './source/from-readable.js'
export { type FromTextOptions, fromText } from './source/from-text.js'
export { type FromWebStreamOptions, fromWebStream, type WebStreamInput } from './source/from-web-stream.js'
export type { WebStreamLike } from './source/web-stream-iterator.js'
export { type GenerateOptions, generate } from './source/generate.js'
export { interval } from './source/interval.js'
export type { InvalidPolicy } from './source/record-gate.js'
export type { LossySource, Source } from './source/source.js'
export type { StreamFormat } from './source/stream-format.js'
export { aggregatingState, listState, mapState, reducingState, valueState } from './state/declare-state.js'
export type {
  AggregatingState,
  ListState,
  MapDeclaration,
  MapState,
  ReadonlyMapState,
  ReducingState,
  StateDeclaration,
  StateOptions,
  States,
  Timer,
  Timers,
  Ttl,
  ValueState,
  ValueStateOptions,
} from './state/state-types.js'
export type {
  BatchOptions,
  Emission,
  ErrorOptions,
  FunctionOptions,
  KeyByOptions,
  MapAsyncOptions,
  NamedOperatorOptions,
  OperatorOptions,
  ProcessOptions,
  RunningAggregateOptions,
  RunningReduceOptions,
  SinkOptions,
  SourceOptions,
  TimestampOptions,
} from './stream/options.js'
export type { Caveat, Element, Emitted, Key, Sentence, Sync } from './stream/rules.js'
export { type SideOutput, type SideOutputTag, sideOutput } from './stream/side-output.js'
export type {
  CaveatOf,
  KeyedProcessHandlers,
  KeyedStream,
  Lettered,
  LimitedStream,
  ShedStream,
  ProcessedStream,
  RecordOf,
  SplitStreams,
  Stream,
  TailSampledStream,
  WindowedStream,
  WindowResult,
  WithLetters,
} from './stream/stream.js'
export {
  countWindow,
  type EventTimeOptions,
  globalWindow,
  type ProcessingTimeOptions,
  session,
  sliding,
  type SlidingOptions,
  tumbling,
  type TumblingOptions,
} from './window/assigners.js'
export { countTrigger, defineTrigger, earlyTrigger, eventTimeTrigger, processingTimeTrigger } from './window/triggers.js'
export type {
  TimeWindow,
  Trigger,
  TriggerContext,
  TriggerHandlers,
  TriggerResult,
  WindowAssigner,
  WindowContext,
  WindowDefinition,
  WindowOptions,
} from './window/window-types.js'
