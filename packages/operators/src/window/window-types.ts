/** Windows and triggers as users see them. */
import type { Duration } from '../duration/duration.js'
import type { ProcessContext } from '../operator/contexts.js'
import type { Caveat, Sentence } from '../stream/rules.js'

declare const refused: unique symbol

/** A span of time, `start` inclusive, `end` exclusive, in ms since the epoch. Of count and global windows both are infinite. */
export interface TimeWindow {
  readonly start: number
  readonly end: number
}

/**
 * How records are put into windows; made by `tumbling`, `sliding`, `session`, `countWindow`, `globalWindow`. `C` are the caveats that a
 * stream may have: those of event time are `WindowAssigner<'lossy'>` and refuse streams without timestamps.
 */
export interface WindowAssigner<in C extends Caveat> {
  /** Carries the type; never there at run time. */
  readonly [refused]?: (caveat: C) => void
  /** What it is, for the run time and for the plan; JSON-able. */
  readonly window: WindowDefinition
}

/** What the compiler says where windows that take streams with the caveats `D` are put over one with the caveats `C`. */
export type WindowFits<C extends Caveat, D extends Caveat> = [C] extends [D]
  ? unknown
  : Sentence<"Windows of event time need timestamps: assign them with withTimestamps, or take windows of { time: 'processing' }">

export type WindowDefinition =
  | {
      readonly kind: 'tumbling'
      readonly sizeMs: number
      readonly offsetMs: number
      readonly timeZone: string | undefined
      readonly time: 'event' | 'processing'
    }
  | {
      readonly kind: 'sliding'
      readonly sizeMs: number
      readonly slideMs: number
      readonly offsetMs: number
      readonly time: 'event' | 'processing'
    }
  | { readonly kind: 'session'; readonly gapMs: number; readonly time: 'event' | 'processing' }
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'global' }

export interface WindowOptions {
  /** How long after its end a window still takes late records, each of which fires it again. Event time only. Default 0. */
  readonly allowedLateness?: Duration | undefined
  /** When a window fires. Default: when time has passed its end, or when it has its records. */
  readonly trigger?: Trigger | undefined
}

/** What a trigger answers: nothing happens, results go out, the window is emptied, or both. */
export type TriggerResult = 'continue' | 'fire' | 'purge' | 'fireAndPurge'

/** What a trigger of one's own sees of a window of one key. */
export interface TriggerContext {
  readonly key: unknown
  readonly window: TimeWindow
  /** Records in the window since it was made or purged. */
  readonly count: number
  /** Event time of the record, in `onRecord`. */
  readonly timestamp: number
  readonly watermark: number
  /** Processing time in ms since the epoch. */
  now(): number
  /** Calls `onEventTime` or `onProcessingTime` at that time, ms since the epoch. */
  readonly timers: {
    readonly eventTime: { set(time: number): void; cancel(time: number): void }
    readonly processingTime: { set(time: number): void; cancel(time: number): void }
  }
}

export interface TriggerHandlers {
  onRecord(record: unknown, context: TriggerContext): TriggerResult
  onEventTime?(time: number, context: TriggerContext): TriggerResult
  onProcessingTime?(time: number, context: TriggerContext): TriggerResult
}

/** When windows fire; made by `eventTimeTrigger`, `processingTimeTrigger`, `countTrigger`, `earlyTrigger`, `defineTrigger`. */
export type Trigger =
  | { readonly kind: 'eventTime' }
  | { readonly kind: 'processingTime' }
  | { readonly kind: 'count'; readonly count: number; readonly purges: boolean }
  | { readonly kind: 'early'; readonly every: Duration }
  | { readonly kind: 'custom'; readonly handlers: TriggerHandlers }

/** The context of `process` over a window. */
export interface WindowContext<out K> extends ProcessContext {
  readonly key: K
  readonly window: TimeWindow
  readonly watermark: number
}
