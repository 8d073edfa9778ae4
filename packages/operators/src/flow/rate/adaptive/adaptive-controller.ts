/** Says the rate of an adaptive limit: looks at the observed operator once per period, and decides. */
import type { OperatorContext } from '@sluice/engine'
import type { RateController } from '../stream-limiter.js'
import { type AimdSettings, decideAimd } from './aimd.js'
import { decideGradient, type GradientSettings, startGradient } from './gradient.js'
import { type Observation, Observer } from './observation.js'

export type AdaptiveSettings = {
  readonly observe: string
  readonly periodMs: number
  readonly initial: number
} & ((AimdSettings & { readonly algorithm: 'aimd' }) | (GradientSettings & { readonly algorithm: 'gradient' }))

export function createController(context: OperatorContext, settings: AdaptiveSettings): RateController {
  const observer = new Observer(context.observe(settings.observe), context.now())
  const decide = decider(settings)
  return {
    periodMs: settings.periodMs,
    decide: (nowMs, limited, rate) => decide(observer.observe(nowMs, limited), rate),
  }
}

/** The next rate, from what was seen and the present one. */
export function decider(settings: AdaptiveSettings): (seen: Observation, rate: number) => number {
  if (settings.algorithm === 'aimd') {
    let restMs = 0
    return (seen, rate) => {
      const next = decideAimd({ rate, restMs }, seen, settings)
      restMs = next.restMs
      return next.rate
    }
  }
  let state = startGradient(settings.initial)
  return (seen, rate) => {
    state = decideGradient({ ...state, rate }, seen, settings)
    return state.rate
  }
}
