/** From the options of `withTimestamps` to the watermarks of what follows. Runs while a job is declared. */
import { type OperatorSpec, SluiceError, type WatermarkGenerator, type WatermarkSpec } from '@sluice/engine'
import { parseDuration } from '../duration/duration.js'
import type { AnyFunction } from '../job/graph-draft.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { TimestampOptions } from '../stream/options.js'

const IDLE_AFTER_MS_DEFAULT = 30_000

export function planTimestamps(fn: AnyFunction, options: TimestampOptions): OperatorPlan {
  const { outOfOrderness, monotonous, watermark, idleAfter = IDLE_AFTER_MS_DEFAULT, alignment, perRecord = false } = options
  const given = [outOfOrderness, monotonous, watermark].filter((option) => option !== undefined).length
  if (given > 1) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'withTimestamps takes one of outOfOrderness, monotonous and watermark')
  }
  const strategy: WatermarkSpec['strategy'] =
    watermark === undefined
      ? { outOfOrdernessMs: parseDuration(outOfOrderness ?? 0, 'outOfOrderness of withTimestamps') }
      : { create: watermark as () => WatermarkGenerator }
  const watermarks: WatermarkSpec = {
    strategy,
    idleAfterMs: idleAfter === false ? undefined : parseDuration(idleAfter, 'idleAfter of withTimestamps'),
    alignment:
      alignment === undefined
        ? undefined
        : { group: alignment.group, maxDriftMs: parseDuration(alignment.maxDrift, 'maxDrift of withTimestamps') },
    perRecord,
  }
  const spec: OperatorSpec = { kind: 'timestamps', fn: fn as (record: never) => number | Date, watermarks }
  const shown = watermark === undefined ? (monotonous === true ? { monotonous } : strategy) : { watermark: 'own' }
  return {
    spec,
    options: {
      ...shown,
      ...(watermarks.idleAfterMs === IDLE_AFTER_MS_DEFAULT ? {} : { idleAfterMs: watermarks.idleAfterMs ?? null }),
      ...(watermarks.alignment === undefined ? {} : { alignment: watermarks.alignment }),
      ...(perRecord ? { perRecord } : {}),
    },
    functions: watermark === undefined ? [] : [watermark],
  }
}
