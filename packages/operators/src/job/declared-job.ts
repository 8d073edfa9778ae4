/** The builder that a declaration gets, over the draft of the graph. Runs while a job is declared, in every thread. */
import { SluiceError } from '@sluice/engine'
import type { DeadLetter } from '@sluice/engine'
import type { DependencyOptions } from '../call/call-options.js'
import { dependencySettings } from '../call/call-settings.js'
import { type Dependency, DeclaredDependency } from '../call/dependency.js'
import type { Resource } from '../operator/contexts.js'
import { shapeOfSchema } from '../schema/record-shape.js'
import { checkFunction, checkOptions } from '../options/check-options.js'
import type { Source } from '../source/source.js'
import { asStream, DeclaredStream } from '../stream/declared-stream.js'
import type { SourceOptions } from '../stream/options.js'
import type { Stream } from '../stream/stream.js'
import { callSite } from './call-site.js'
import type { GraphDraft } from './graph-draft.js'
import type { JobBuilder, ResourceDefinition } from './job-builder.js'

export class DeclaredJob implements JobBuilder {
  readonly deadLetters: Stream<DeadLetter, 'no timestamps'>
  readonly #draft: GraphDraft

  constructor(draft: GraphDraft) {
    this.#draft = draft
    const upstream = { from: 'deadLetters', partitioning: undefined, keyOf: undefined, shape: undefined, timed: false } as const
    this.deadLetters = asStream(new DeclaredStream(draft, [upstream]))
  }

  source<T>(name: string, source: Source<T>, options: SourceOptions = {}): Stream<T, 'no timestamps'> {
    const declaredAt = callSite()
    this.#draft.assertCurrent(`the builder`, declaredAt)
    const given: unknown = source
    if (typeof given !== 'object' || given === null || !('spec' in given)) {
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `source ${name} needs a source such as fromArray(...) or generate(...)`, {
        declaredAt,
      })
    }
    checkOptions(`source ${name}`, options, ['parallelism'])
    const { spec, parallelismMax, pinnedToHost, delivery, functions, lossy, colocation, needsCheckpoints } = source
    if (source.listens !== undefined) this.#draft.claimListener(source.listens, name, declaredAt)
    const node = this.#draft.addNode({
      name: { given: name },
      spec,
      ports: ['out', 'deadLetters'],
      upstreams: [],
      parallelism: options.parallelism,
      parallelismMax,
      pinnedToHost,
      declaredAt,
      options: source.orderedSplits === true ? { ...source.options, orderedSplits: true } : source.options,
      functions,
      schema: source.schema,
      delivery,
      lossy,
      colocation,
      needsCheckpoints,
    })
    const shape = source.shape ?? shapeOfSchema(source.schema)
    return asStream(
      new DeclaredStream(this.#draft, [{ from: { node, port: 0 }, partitioning: undefined, keyOf: undefined, shape, timed: false }]),
    )
  }

  resource<R>(name: string, definition: ResourceDefinition<R>): Resource<Awaited<R>> {
    const declaredAt = callSite()
    this.#draft.assertCurrent('the builder', declaredAt)
    const { open, close } = definition
    checkFunction(`resource ${name}: open`, open)
    if (close !== undefined) checkFunction(`resource ${name}: close`, close)
    this.#draft.addResource({ name, open, close, declaredAt })
    return name as Resource<Awaited<R>>
  }

  dependency(name: string, options: DependencyOptions = {}): Dependency {
    const declaredAt = callSite()
    this.#draft.assertCurrent('the builder', declaredAt)
    const dependency = new DeclaredDependency(name, dependencySettings(name, options))
    this.#draft.addDependency(name, declaredAt)
    return dependency
  }
}
