/** Something outside that a job calls, with a name: what `job.dependency` gives. Runs while a job is declared, in every thread. */
import type { DependencySettings } from './protection.js'

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
