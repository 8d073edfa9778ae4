/**
 * Who gets what at a restore. Pure. At the same parallelism everybody gets back what he wrote; at another one keyed state goes by key group,
 * all else by the index of its writer modulo the new parallelism.
 */
import type { Section } from './snapshot.js'

/** Key groups `from` to `to - 1`. */
export interface GroupRange {
  readonly from: number
  readonly to: number
}

/** The key groups of a subtask: those for which `subtaskOf` answers its index. Empty where there are more subtasks than groups. */
export function groupsOf(index: number, parallelism: number, keyGroups: number): GroupRange {
  return { from: Math.ceil((index * keyGroups) / parallelism), to: Math.ceil(((index + 1) * keyGroups) / parallelism) }
}

/** The subtask that goes on with what the subtask `index` of an earlier attempt had. */
export function heirOf(index: number, parallelism: number): number {
  return index % parallelism
}

/** Sections of the earlier subtasks whose heir this one is, by the index of their writers: each section is given to exactly one subtask. */
export function shareOf<T>(sections: readonly Section<T>[], index: number, parallelism: number): readonly Section<T>[] {
  return sections.filter((section) => heirOf(section.index, parallelism) === index).sort(byIndex)
}

/** All sections by the index of their writers: for state that every subtask gets whole. */
export function unionOf<T>(sections: readonly Section<T>[]): readonly Section<T>[] {
  return [...sections].sort(byIndex)
}

/** Where event time goes on: where it stood at the same parallelism, else at the least of all earlier subtasks. -Infinity where nothing is known. */
export function watermarkOf(watermarks: readonly Section<number>[], index: number, parallelism: number): number {
  const own = watermarks.find((section) => section.index === index && section.parallelism === parallelism)
  if (own !== undefined) return own.value
  return watermarks.reduce(
    (least, section) => Math.min(least, section.value),
    watermarks.length === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY,
  )
}

function byIndex(a: Section, b: Section): number {
  return a.index - b.index
}
