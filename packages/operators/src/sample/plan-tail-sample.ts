/** From the options of `tailSample` to the operator that does it. Runs while a job is declared. */
import { shareOf } from '@sluice/engine'
import type { AnyFunction } from '../job/graph-draft.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { TailSampleOptions, TracePolicy } from './sample-types.js'
import { tailSettings } from './tail-settings.js'
import { DROPPED_PORT, TailSampler } from './tail-sampler.js'

/** The port of dropped records. */
const DROPPED = 'dropped'

export function planTailSample(name: string, keyOf: AnyFunction, options: TailSampleOptions<never>): OperatorPlan {
  const settings = tailSettings(name, options)
  const { policies, decideAfterMs, traces, records, bytes, recordsPerTrace, rememberedTraces, rememberedForMs, sizes, whenFull } = settings
  return {
    spec: {
      kind: 'general',
      holdsBytes: bytes,
      optionalPorts: [DROPPED_PORT],
      create: (context) => {
        const { index, parallelism } = context.subtask
        return new TailSampler(context, {
          keyOf: keyOf as (record: unknown) => unknown,
          policies: policies as readonly TracePolicy<unknown>[],
          decideAfterMs,
          tracesMax: shareOf(traces, parallelism, index),
          recordsMax: shareOf(records, parallelism, index),
          bytesMax: shareOf(bytes, parallelism, index),
          recordsPerTraceMax: recordsPerTrace,
          rememberedMax: shareOf(rememberedTraces, parallelism, index),
          rememberedForMs,
          exactSizes: sizes === 'exact',
          dropsNewest: whenFull === 'dropNewest',
        })
      },
    },
    ports: ['out', DROPPED],
    options: {
      type: 'tailSample',
      decideAfterMs,
      policies: policies.map(({ name: policy, rule }) => ({ policy, ...numbersOf(rule) })),
      traces,
      records,
      bytes,
      sizes,
      recordsPerTrace,
      remember: { traces: rememberedTraces, forMs: rememberedForMs },
      whenFull,
    },
    functions: policies.flatMap(({ rule }) => Object.values(rule).filter((value): value is AnyFunction => typeof value === 'function')),
    parallelismMax: { value: Math.min(traces, records, rememberedTraces), because: 'its bounds have no more parts' },
    // What the policies drop is chosen by what is in the records, as a filter does; what a full memory drops is not.
    lossy:
      whenFull === 'dropNewest' ? { because: 'drops the newest traces where its memory is full', accepted: settings.accepted } : undefined,
  }
}

/** A rule without its functions. */
function numbersOf(rule: object): object {
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => typeof value !== 'function'))
}
