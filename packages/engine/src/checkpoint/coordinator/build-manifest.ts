/** From what all subtasks acknowledged to the manifest. Pure. */
import type { LogicalGraph } from '../../graph/logical-graph.js'
import type { RunIdentity } from '../../graph/operator-context.js'
import type { PhysicalPlan } from '../../plan/physical-plan.js'
import { checkpointFolder, relativePath } from '../checkpoint-layout.js'
import { describeEdges, describeOperators } from '../manifest/describe-job.js'
import { type CheckpointManifest, MANIFEST_VERSION, type ManifestTask } from '../manifest/manifest.js'
import type { InFlight } from './in-flight.js'

/** What is the same in every manifest of an attempt. */
export interface JobDescription {
  readonly job: string
  readonly run: RunIdentity
  readonly graph: LogicalGraph
  readonly plan: PhysicalPlan
  /** As `describeParams` gives them. */
  readonly params: Readonly<Record<string, unknown>>
  /** Version of Sluice. */
  readonly version: string
}

export function buildManifest(description: JobDescription, inFlight: InFlight, completedMs: number): CheckpointManifest {
  const { job, run, graph, plan, params, version } = description
  const folder = checkpointFolder(job, run.id, inFlight.id)
  return {
    formatVersion: MANIFEST_VERSION,
    sluice: version,
    job,
    run: run.id,
    attempt: run.attempt,
    id: inFlight.id,
    kind: 'checkpoint',
    mode: inFlight.mode,
    ...(inFlight.final === undefined ? {} : { final: inFlight.final }),
    startedMs: inFlight.startedMs,
    completedMs,
    keyGroups: plan.keyGroups,
    workers: plan.workers,
    params,
    operators: describeOperators(graph, plan),
    edges: describeEdges(graph, plan),
    tasks: plan.tasks.map(
      (task): ManifestTask => ({
        name: task.name,
        operators: task.nodes.map((node) => graph.nodes[node]?.name ?? ''),
        subtasks: task.subtasks.flatMap((id, index) => {
          const acknowledged = inFlight.acknowledged[id]
          if (acknowledged === undefined) return []
          const { file, figures } = acknowledged
          return [{ id, index, files: file === undefined ? [] : [{ ...file, path: relativePath(folder, file.path) }], figures }]
        }),
      }),
    ),
  }
}
