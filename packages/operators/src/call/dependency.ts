/** Something outside that a job calls, with a name: what `job.dependency` gives. Runs while a job is declared, in every thread. */
import type { AdaptiveSettings } from '../flow/rate/adaptive/adaptive-controller.js'
import type { BreakerSettings, BudgetSettings } from './call-settings.js'

declare const dependencyType: unique symbol

/** A dependency declared with `job.dependency(name, options)`. Give it to the operators that call it: `mapAsync(name, fn, { dependency })`. */
export interface Dependency {
  /** Tells it from other objects; never there at run time. */
  readonly [dependencyType]?: true
  readonly name: string
}

/** The same with its options, checked. */
export class DeclaredDependency implements Dependency {
  readonly name: string
  readonly settings: DependencySettings

  constructor(name: string, settings: DependencySettings) {
    this.name = name
    this.settings = settings
  }
}

export interface DependencySettings {
  /** Of the whole job; undefined: what the operators allow. */
  readonly concurrency: number | undefined
  readonly breaker: BreakerSettings | undefined
  /** Of the operators that retry; undefined: without limit. */
  readonly budget: BudgetSettings | undefined
  readonly adaptive: AdaptiveSettings | undefined
}
