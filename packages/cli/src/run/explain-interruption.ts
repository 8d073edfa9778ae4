/** Why a job did not come to its end within the time limit of a stop: what had not returned, settled or finished. Pure. */
import { type MetricsSnapshot, type PhysicalPlan, SluiceError, type StuckSubtask, SubtaskState } from '@sluice/engine'
import { formatDuration } from '../format/units.js'

export interface Interruption {
  readonly plan: PhysicalPlan
  /** When the job was given up. */
  readonly metrics: MetricsSnapshot | undefined
  /** The last one that was reported. */
  readonly stuck: StuckSubtask | undefined
  readonly stopTimeoutMs: number
}

interface Culprit {
  readonly operator: string
  readonly subtask: number
  readonly did: string
}

export function explainInterruption(interruption: Interruption): SluiceError {
  const { operator, subtask, did } = findCulprit(interruption) ?? {}
  const why = did === undefined ? '' : `: ${operator} (subtask ${subtask}) ${did}`
  const limit = formatDuration(interruption.stopTimeoutMs)
  return new SluiceError('SLUICE_INTERRUPTED', `what was in flight did not flow out within ${limit} and was given up${why}`, {
    operator,
    subtask,
    hint: 'Raise stopTimeoutMs in the settings of the job, or make what is slow faster. The output may be incomplete.',
  })
}

function findCulprit({ plan, metrics, stuck }: Interruption): Culprit | undefined {
  if (stuck !== undefined) return { operator: stuck.operator, subtask: stuck.subtask, did: 'had not returned from a call' }
  const open = plan.subtasks.filter(({ id }) => metrics?.subtasks[id]?.finished === false)
  const waiting = open.find(({ id }) => metrics?.subtasks[id]?.state === SubtaskState.waiting)
  // Tasks are in the order in which records flow: those behind the first one wait for its end.
  const culprit = waiting ?? open[0]
  const operator = plan.tasks[culprit?.task ?? -1]?.name
  if (culprit === undefined || operator === undefined) return undefined
  return { operator, subtask: culprit.index, did: waiting === undefined ? 'had more to give' : 'waited for an asynchronous call' }
}
