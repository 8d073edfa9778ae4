/**
 * Who reads what after a restore: a pure function of the states of all subtasks, so that all of them agree without a word. At the same parallelism
 * each goes on with its own; at another one what is left is dealt out in turn, what was begun first.
 */
import type { BegunSplit, RemainingSplit, SplitShare, SplitSourceState } from './source-contract.js'

/** What is left of a source for one subtask. */
export interface SplitAssignment {
  readonly splits: readonly (RemainingSplit | BegunSplit)[]
  readonly unlisted: readonly SplitShare[]
}

/** `ordered`: later splits hold nothing older, so that their order is kept also among those that were begun. */
export function assignSplits(states: readonly SplitSourceState[], subtask: number, parallelism: number, ordered: boolean): SplitAssignment {
  if (states.every((state) => state.parallelism === parallelism)) {
    const own = states.filter((state) => state.subtask === subtask)
    return { splits: inOrder(own, ordered), unlisted: own.flatMap(({ unlisted }) => unlisted) }
  }
  const splits = inOrder(states, ordered).filter((_, turn) => turn % parallelism === subtask)
  const shares = states.flatMap(({ unlisted }) => unlisted)
  return {
    splits,
    unlisted: isAll(states) ? [{ first: subtask, step: parallelism }] : shares.map((share) => part(share, subtask, parallelism)),
  }
}

function inOrder(states: readonly SplitSourceState[], ordered: boolean): (RemainingSplit | BegunSplit)[] {
  const begun = states.flatMap((state) => state.begun).sort(byIndex)
  const remaining = states.flatMap((state) => state.remaining).sort(byIndex)
  const splits = [...begun, ...remaining]
  return ordered ? splits.sort(byIndex) : splits
}

/** Whether no subtask has seen the list. */
function isAll(states: readonly SplitSourceState[]): boolean {
  return states.every(
    ({ subtask, parallelism, unlisted }) => unlisted.length === 1 && unlisted[0]?.first === subtask && unlisted[0].step === parallelism,
  )
}

/** The part of a share that is one subtask's. */
function part({ first, step }: SplitShare, subtask: number, parallelism: number): SplitShare {
  return { first: first + step * subtask, step: step * parallelism }
}

function byIndex(left: RemainingSplit, right: RemainingSplit): number {
  return left.index - right.index
}
