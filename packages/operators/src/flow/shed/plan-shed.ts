/** From a policy to the operator that does it. Runs while a job is declared. */
import { groupsOf, hashKey, keyGroupOf, type OperatorContext, shareOf } from '@sluice/engine'
import type { AnyFunction } from '../../job/graph-draft.js'
import type { OperatorPlan } from '../../stream/operator-plan.js'
import { DROPPED_PORT, ShedOperator } from './shed-operator.js'
import { createRule } from './shed-rules.js'
import { checkPolicy, type ShedChoice, type ShedSettings, shedSettings, spillSettings } from './shed-settings.js'
import type { ShedPolicy, Spill } from './shed-types.js'
import { SpillFiles } from './spill-files.js'
import { BLOCKS_PER_QUEUE, SpillOperator } from './spill-operator.js'

export interface ShedPlan extends OperatorPlan {
  /** Records of one key meet in one subtask: its input is dealt out by this. */
  readonly keyOf: ((record: never) => unknown) | undefined
  /** Of this operator alone. */
  readonly directory: string | undefined
}

/** What the log and the plan say that a policy does. */
const LOSSES: Readonly<Record<ShedChoice['policy'], string>> = {
  'drop-newest': 'drops the newest records',
  'drop-oldest': 'drops the oldest records',
  sample: 'keeps a sample of the records',
  priority: 'drops the records of the lowest priority',
  latest: 'keeps the latest record of each key',
}

export function planShed(name: string, policy: ShedPolicy<never> | Spill): ShedPlan {
  checkPolicy(name, policy)
  return policy.policy === 'spill' ? planSpill(name, policy) : planLossy(name, policy)
}

function planSpill(name: string, policy: Spill): ShedPlan {
  const { directory, records, bytes, diskBytes } = spillSettings(name, policy)
  const recordsMin = BLOCKS_PER_QUEUE
  return {
    spec: {
      kind: 'general',
      holds: true,
      holdsBytes: bytes,
      create: (context) => {
        const { index, parallelism } = context.subtask
        return new SpillOperator(context, {
          files: new SpillFiles(context, directory),
          recordsMax: shareOf(records, parallelism, index),
          bytesMax: shareOf(bytes, parallelism, index),
          diskBytesMax: shareOf(diskBytes, parallelism, index),
        })
      },
    },
    options: { type: 'shed', policy: 'spill', records, bytes, directory, diskBytes },
    functions: [],
    parallelismMax: { value: Math.floor(records / recordsMin), because: `a queue of ${records} records has no more parts` },
    keyOf: undefined,
    directory,
  }
}

function planLossy(name: string, policy: ShedPolicy<never>): ShedPlan {
  const settings = shedSettings(name, policy)
  const { choice, records, bytes } = settings
  const keyOf = choice.policy === 'latest' ? (choice.key as (record: never) => unknown) : undefined
  return {
    spec: {
      kind: 'general',
      holds: true,
      holdsBytes: bytes,
      optionalPorts: [1],
      create: (context) => createShed(context, settings),
      // Each takes its own keys out of what all of them held.
      redistribution: keyOf === undefined ? 'split' : 'union',
    },
    ports: ['out', DROPPED_PORT],
    options: shown(settings),
    functions: functionsOf(choice),
    parallelismMax: { value: records, because: `a queue of ${records} records has no more parts` },
    lossy: { because: LOSSES[choice.policy], accepted: settings.accepted },
    keyOf,
    directory: undefined,
  }
}

function createShed(context: OperatorContext, { choice, records, bytes, timeMs, when }: ShedSettings): ShedOperator {
  const { index, parallelism } = context.subtask
  return new ShedOperator(context, {
    rule: createRule(context.operator, choice, index),
    recordsMax: shareOf(records, parallelism, index),
    bytesMax: shareOf(bytes, parallelism, index),
    timeMs,
    when,
    owns: choice.policy === 'latest' ? ownership(context, choice.key as (record: unknown) => unknown) : undefined,
  })
}

function ownership({ subtask, keyGroups }: OperatorContext, keyOf: (record: unknown) => unknown): (record: unknown) => boolean {
  const { from, to } = groupsOf(subtask.index, subtask.parallelism, keyGroups)
  return (record) => {
    const group = keyGroupOf(hashKey(keyOf(record)), keyGroups)
    return group >= from && group < to
  }
}

function functionsOf(choice: ShedChoice): readonly AnyFunction[] {
  switch (choice.policy) {
    case 'sample':
      return choice.by === undefined ? [] : [choice.by]
    case 'priority':
      return [choice.priority]
    case 'latest':
      return [choice.key]
    default:
      return []
  }
}

function shown({ choice, records, bytes, timeMs, when }: ShedSettings): Readonly<Record<string, unknown>> {
  const sample = choice.policy === 'sample' ? { keep: choice.keep, seed: choice.seed } : {}
  // What was not asked for is not shown: JSON has no Infinity.
  const asked = (options: object): object => Object.fromEntries(Object.entries(options).filter(([, value]) => Number.isFinite(value)))
  return {
    type: 'shed',
    policy: choice.policy,
    ...sample,
    records,
    bytes,
    ...asked({ timeMs }),
    ...(when === undefined ? {} : { when: asked(when) }),
  }
}
