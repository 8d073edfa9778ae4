/** What a source or sink guarantees under the settings of a run, in plain words. Pure. */
import type { DeliveryGuarantee, LogicalGraph, LogicalNode } from '../../graph/logical-graph.js'
import type { ResolvedCheckpointSettings, ResolvedSettings } from '../settings.js'
import { roleOf } from './operator-facts.js'

export interface Delivery {
  readonly operator: string
  readonly role: string
  /** What holds over failures; `none`: without checkpoints a failure ends the job. */
  readonly guarantee: DeliveryGuarantee | 'none'
  /** Why, as a sentence without its full stop. */
  readonly because: string
}

/** One entry for each source and sink that says what it can do. */
export function describeDelivery(graph: LogicalGraph, { checkpoint }: Pick<ResolvedSettings, 'checkpoint'>): readonly Delivery[] {
  return graph.nodes.flatMap((node) => {
    const { name, delivery } = node
    if (delivery === undefined) return []
    const role = roleOf(node)
    return [{ operator: name, role, ...(role === 'source' ? ofSource(node, delivery, checkpoint) : ofSink(node, delivery, checkpoint)) }]
  })
}

type Guarantee = Pick<Delivery, 'guarantee' | 'because'>

function ofSource(node: LogicalNode, delivery: DeliveryGuarantee, checkpoint: ResolvedCheckpointSettings | undefined): Guarantee {
  if (delivery === 'at-most-once')
    return {
      guarantee: delivery,
      because:
        checkpoint === undefined
          ? 'it cannot be read again'
          : 'it cannot be read again, and what it gave since the last checkpoint is lost at a failure',
    }
  if (acknowledges(node))
    return checkpoint === undefined
      ? { guarantee: 'none', because: 'without checkpoints nothing is acknowledged; run again, it is given all of it' }
      : { guarantee: 'at-least-once', because: 'what no checkpoint covers is not acknowledged and is given again; records may count twice' }
  if (checkpoint === undefined)
    return { guarantee: 'none', because: 'without checkpoints a failure ends the job; run again, it is read from its beginning' }
  if (delivery === 'at-least-once' || checkpoint.mode === 'at-least-once')
    return {
      guarantee: 'at-least-once',
      because: 'after a failure it is read again from its position in the last checkpoint; records may count twice',
    }
  return { guarantee: delivery, because: 'after a failure it is read again from its position in the last checkpoint' }
}

/** It cannot go back by itself: what it did not acknowledge is given again by whoever it reads from. */
export function acknowledges({ spec, delivery }: LogicalNode): boolean {
  return delivery === 'at-least-once' && spec.kind === 'source' && spec.reads === 'splits' && !spec.replayable
}

function ofSink(node: LogicalNode, delivery: DeliveryGuarantee, checkpoint: ResolvedCheckpointSettings | undefined): Guarantee {
  if (checkpoint === undefined) {
    const once = delivery === 'exactly-once' ? '; with checkpoints it is exactly-once' : ''
    return { guarantee: 'none', because: `without checkpoints a failure ends the job and leaves what was written${once}` }
  }
  if (delivery !== 'exactly-once')
    return { guarantee: delivery, because: `after a failure what ${node.name} was given since the last checkpoint comes again` }
  if (checkpoint.mode === 'at-least-once') return { guarantee: 'at-least-once', because: 'the checkpoint mode is at-least-once' }
  return { guarantee: delivery, because: 'what was written since the last checkpoint is taken back after a failure' }
}
