/** The proof that an operator restores exactly: interrupted between any two steps it gives what it gives undisturbed. */
import { inspect } from 'node:util'
import type { GeneralSpec } from '@sluice/engine'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { JobBuilder } from '../../src/index.js'
import { declare, nodeOf } from '../support/graphs.js'
import { type Action, Fleet, type Output } from './fleet.js'

export interface Item {
  readonly key: unknown
  readonly n: number
  readonly id: number
}

/** What a run depends on beside its keys, so that another number of subtasks may give other results. */
export interface Limits {
  /** Not restored at another parallelism: what goes out together, or when, depends on the subtask. */
  readonly sameParallelism?: boolean
  /** The whole state lies in one subtask. */
  readonly single?: boolean
  /** Input 1 goes to all subtasks. */
  readonly broadcast?: boolean
  /** Records of input 1 come too. */
  readonly twoInputs?: boolean
  /** Results of one key may leave in another order. */
  readonly unordered?: boolean
  /** What is compared of a value, where not all of it is promised. */
  readonly promised?: (value: unknown) => unknown
  /** Results of different keys, and the time of results, may depend on what else the subtask had. */
  readonly timesDiffer?: boolean
}

const RUNS = 15

const keys = [1, 2, 3, -0, 0.5, 'one', 'two', '\ud800', null, true, ['a', 1], ['a', 2]]

const moves = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        key: fc.constantFrom(...keys),
        n: fc.integer({ min: 0, max: 9 }),
        at: fc.integer({ min: -60, max: 25 }),
        input: fc.nat(1),
      }),
    },
    { weight: 2, arbitrary: fc.record({ by: fc.integer({ min: 0, max: 40 }), behind: fc.integer({ min: 0, max: 25 }) }) },
    { weight: 1, arbitrary: fc.record({ advanceMs: fc.integer({ min: 0, max: 40 }) }) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
)

function actionsOf(list: typeof moves extends fc.Arbitrary<infer M> ? M : never, { twoInputs, broadcast }: Limits): readonly Action[] {
  let time = -40
  const actions = list.map((move, id): Action => {
    if ('advanceMs' in move) return move
    if ('by' in move) {
      time += move.by
      return { watermark: time - move.behind }
    }
    const { key, n, at } = move
    const input = twoInputs === true ? move.input : 0
    return { record: { key, n, id } satisfies Item, key, timestamp: time + at, input, broadcast: broadcast === true && input === 1 }
  })
  return [...actions, 'end']
}

/** As text that tells everything apart; per key in order, keys sorted. */
function shown(
  outputs: readonly Output[],
  timesDiffer: boolean,
  { unordered = false, promised = (value) => value }: Limits,
): readonly string[] {
  const byKey = new Map<string, string[]>()
  for (const { value: given, timestamp, port } of outputs) {
    const value = promised(given)
    const key = typeof value === 'object' && value !== null && 'key' in value ? text(value.key) : ''
    const lines = byKey.get(key) ?? []
    byKey.set(key, lines)
    lines.push(`${port} ${timesDiffer ? '' : timestamp} ${text(value)}`)
  }
  const all = [...byKey].map(([key, lines]) => (key === '' || unordered ? lines.toSorted() : lines).map((line) => `${key} ${line}`))
  return all.toSorted(([left = ''], [right = '']) => (left < right ? -1 : left > right ? 1 : 0)).flat()
}

const text = (value: unknown): string => inspect(value, { depth: 9, sorted: true, breakLength: Number.POSITIVE_INFINITY })

/** @param name that of the operator in the declaration */
export async function expectRestores(declaration: (job: JobBuilder) => void, limits: Limits = {}, name = 'op'): Promise<void> {
  const specOf = (): GeneralSpec => {
    const { spec } = nodeOf(declare(declaration), name)
    if (spec.kind !== 'general') throw new Error(`${name} is a ${spec.kind}`)
    return spec
  }
  const parallelisms = limits.single === true ? [1] : [1, 2, 3]
  await fc.assert(
    fc.asyncProperty(
      moves,
      fc.constantFrom(...parallelisms),
      fc.array(fc.record({ cut: fc.nat(10_000), to: fc.constantFrom(...parallelisms), rest: fc.nat(6) }), { minLength: 3, maxLength: 3 }),
      async (list, parallelism, cuts) => {
        const actions = actionsOf(list, limits)
        const undisturbed = runAll(specOf(), actions, parallelism)
        for (const { cut, to, rest } of cuts) {
          const parallelismAfter = limits.sameParallelism === true ? parallelism : to
          const at = cut % undisturbed.steps
          const outputs = await runCut(specOf, actions, parallelism, at, parallelismAfter, rest)
          const timesDiffer = limits.timesDiffer === true && parallelismAfter !== parallelism
          for (const [index, action] of actions.entries()) {
            const expected = shown(undisturbed.outputs[index] ?? [], timesDiffer, limits)
            const given = shown(outputs[index] ?? [], timesDiffer, limits)
            expect(given, `action ${index} ${text(action)}, cut at ${at}, ${parallelism} to ${parallelismAfter}`).toEqual(expected)
          }
        }
      },
    ),
    { numRuns: RUNS },
  )
}

function runAll(spec: GeneralSpec, actions: readonly Action[], parallelism: number): { outputs: Output[][]; steps: number } {
  const fleet = new Fleet(spec, parallelism)
  fleet.open()
  let steps = 0
  const outputs = actions.map((action) => {
    for (const _ of fleet.run(action)) steps++
    return [...fleet.take()]
  })
  return { outputs, steps }
}

async function runCut(
  specOf: () => GeneralSpec,
  actions: readonly Action[],
  parallelism: number,
  cut: number,
  parallelismAfter: number,
  rest: number,
): Promise<readonly Output[][]> {
  const fleet = new Fleet(specOf(), parallelism)
  fleet.open()
  const outputs: Output[][] = actions.map(() => [])
  let left = cut
  for (const [index, action] of actions.entries()) {
    const steps = fleet.run(action)
    for (let step = steps.next(); step.done !== true; step = steps.next()) {
      if (left-- > 0) continue
      outputs[index]?.push(...fleet.take())
      // The subtasks go on: nothing of that is part of the checkpoint.
      const beyond = stepsFrom(fleet, actions, index, steps)
      const meanwhile = (): void => {
        for (let count = 0; count < rest; count++) beyond.next()
      }
      const restored = await fleet.restored(specOf(), parallelismAfter, meanwhile)
      restored.settle()
      for (const [later, next] of actions.entries()) {
        if (later < index) continue
        for (const _ of restored.run(next, later === index && step.value));
        outputs[later]?.push(...restored.take())
      }
      return outputs
    }
    outputs[index]?.push(...fleet.take())
  }
  return outputs
}

function* stepsFrom(fleet: Fleet, actions: readonly Action[], index: number, steps: Generator<boolean>): Generator<boolean> {
  yield* steps
  for (const action of actions.slice(index + 1)) yield* fleet.run(action)
}
