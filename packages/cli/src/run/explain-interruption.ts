/** Why a job did not come to its end within the time limit of a stop: what had not returned, settled or finished. Pure. */
import { type MetricsSnapshot, type PhysicalPlan, SluiceError, type StuckSubtask, SubtaskState } from '@sluice/engine'
import { formatAmount, formatDuration } from '../format/units.js'

export interface Interruption {
  readonly plan: PhysicalPlan
  /** When the job was given up. */
  readonly metrics: MetricsSnapshot | undefined
  /** The last one that was reported. */
  readonly stuck: StuckSubtask | undefined
  readonly stopTimeoutMs: number
  /** The job takes checkpoints: what was given up comes again. */
  readonly takesCheckpoints: boolean
}

type Calls = NonNullable<MetricsSnapshot['operators'][number][number]['calls']>

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
    hint: interruption.takesCheckpoints
      ? 'With --restore latest the job goes on from its last complete checkpoint, and what was in flight then comes again. Raise stopTimeoutMs in its settings where a stop shall wait longer.'
      : 'Raise stopTimeoutMs in the settings of the job, or make what is slow faster. The output may be incomplete.',
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
  const calls = metrics?.operators[culprit.id]?.map((counts) => counts.calls) ?? []
  const did =
    waiting === undefined
      ? 'had more to give'
      : (calls.map(waitOf).find((words) => words !== undefined) ?? 'waited for an asynchronous call')
  return { operator, subtask: culprit.index, did }
}

/** What records whose calls are guarded waited for, where none of them was being called. */
function waitOf(calls: Calls | undefined): string | undefined {
  if (calls === undefined || calls.underWay.now > 0) return undefined
  const { delayed, budget, retryAfter, held, breaker, lastError } = calls
  const why = lastError === undefined ? '' : ` (${lastError})`
  const again = delayed.now + budget.now + retryAfter.now
  if (held.now + again === 0) return undefined
  if (breaker !== 'closed')
    return `had ${formatAmount(held.now + again, 'record')} waiting for its circuit breaker, which was ${breaker}${why}`
  return `had ${formatAmount(again, 'record')} waiting for another attempt${why}`
}
