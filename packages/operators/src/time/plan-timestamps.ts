/** From the options of `withTimestamps` to the watermarks of what follows. Runs while a job is declared. */
import { type OperatorSpec, SluiceError, type WatermarkSpec } from '@sluice/engine'
import { type Duration, parseDuration } from '../duration/duration.js'
import { checkErrorPolicy, checkOptions } from '../options/check-options.js'
import type { AnyFunction } from '../job/graph-draft.js'
import type { OperatorPlan } from '../stream/operator-plan.js'
import type { TimestampOptions } from '../stream/options.js'

const IDLE_AFTER_MS_DEFAULT = 30_000
const OPTIONS = ['outOfOrderness', 'monotonous', 'watermark', 'idleAfter', 'alignment', 'perRecord', 'name', 'parallelism', 'onError']

export function planTimestamps(fn: AnyFunction, options: TimestampOptions): OperatorPlan {
  checkOptions('withTimestamps', options, OPTIONS)
  const { outOfOrderness, monotonous, watermark, idleAfter = IDLE_AFTER_MS_DEFAULT, alignment, perRecord = false, onError } = options
  checkErrorPolicy('withTimestamps', onError)
  const given = [outOfOrderness, monotonous, watermark].filter((option) => option !== undefined).length
  if (given > 1) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'withTimestamps takes one of outOfOrderness, monotonous and watermark')
  }
  const strategy: WatermarkSpec['strategy'] =
    watermark === undefined
      ? { outOfOrdernessMs: parseDuration(outOfOrderness ?? 0, 'outOfOrderness of withTimestamps') }
      : { create: watermark }
  const watermarks: WatermarkSpec = { strategy, idleAfterMs: idleAfterMsOf(idleAfter), alignment: alignmentOf(alignment), perRecord }
  const spec: OperatorSpec = { kind: 'timestamps', fn: fn as (record: never) => number | Date, watermarks, onError }
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

function idleAfterMsOf(idleAfter: Duration | false): number | undefined {
  if (idleAfter === false) return undefined
  const idleAfterMs = parseDuration(idleAfter, 'idleAfter of withTimestamps')
  if (idleAfterMs > 0) return idleAfterMs
  throw new SluiceError('SLUICE_OPTIONS_INVALID', 'idleAfter of withTimestamps is 0: every input would be idle between any two records', {
    hint: 'Give a time in which records usually come, or false where silent inputs shall hold event time back.',
  })
}

function alignmentOf(alignment: TimestampOptions['alignment']): WatermarkSpec['alignment'] {
  if (alignment === undefined) return undefined
  checkOptions('alignment of withTimestamps', alignment, ['group', 'maxDrift'])
  const { group, maxDrift } = alignment
  if (typeof group !== 'string' || group === '') {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', 'alignment of withTimestamps needs a group: the name that the sources share')
  }
  return { group, maxDriftMs: parseDuration(maxDrift, 'maxDrift of withTimestamps') }
}
