/** Resources of a job (a database pool): opened in each thread that hosts a user of them, closed in reverse, also on failure. */
import { type LogicalGraph, type LogicalNode, type PhysicalPlan, type ResourceSpec, SluiceError } from '@sluice/engine'
import { describeThrown } from './protocol/describe-thrown.js'

interface OpenResource {
  readonly spec: ResourceSpec
  readonly value: unknown
}

export class Resources {
  readonly #job: string
  readonly #open: OpenResource[] = []

  constructor(job: string) {
    this.#job = job
  }

  /** Opens one after the other; what was opened before a failure is still to be closed. */
  async open(specs: readonly ResourceSpec[], worker: number): Promise<ReadonlyMap<string, unknown>> {
    const byName = new Map<string, unknown>()
    for (const spec of specs) {
      try {
        const value = await spec.open({ worker })
        this.#open.push({ spec, value })
        byName.set(spec.name, value)
      } catch (error) {
        throw this.#failed(spec, 'opened', error)
      }
    }
    return byName
  }

  /** Closes all that is open, whatever fails; the first failure is thrown at the end. */
  async close(): Promise<void> {
    let failure: SluiceError | undefined
    for (let last = this.#open.pop(); last !== undefined; last = this.#open.pop()) {
      try {
        await last.spec.close?.(last.value as never)
      } catch (error) {
        failure ??= this.#failed(last.spec, 'closed', error)
      }
    }
    if (failure !== undefined) throw failure
  }

  #failed(spec: ResourceSpec, what: string, cause: unknown): SluiceError {
    return new SluiceError('SLUICE_RESOURCE_FAILED', `resource "${spec.name}" could not be ${what}: ${describeThrown(cause)}`, {
      job: this.#job,
      declaredAt: spec.declaredAt,
      cause,
    })
  }
}

/** The resources that operators on this worker may use, in the order of their declaration. */
export function resourcesOf(graph: LogicalGraph, plan: PhysicalPlan, worker: number): readonly ResourceSpec[] {
  const hosted = plan.subtasks.filter((subtask) => subtask.worker === worker).flatMap((subtask) => plan.tasks[subtask.task]?.nodes ?? [])
  const users = hosted.map((id) => graph.nodes[id]).filter((node) => node !== undefined)
  return graph.resources.filter(({ name }) => users.some((node) => mayUse(node, name)))
}

function mayUse({ spec, resources }: LogicalNode, name: string): boolean {
  if (resources !== undefined) return resources.includes(name)
  switch (spec.kind) {
    case 'general':
    case 'async':
    case 'sink':
      return true
    case 'source':
      return spec.reads === 'splits'
    case 'map':
    case 'filter':
    case 'flatMap':
    case 'select':
    case 'timestamps':
    case 'split':
      return false
  }
}
