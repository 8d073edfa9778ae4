/** What may name a job, an operator or a resource. */
export const NAME_CHARACTERS_MAX = 200
/** Spelled out: the first use of a Unicode class loads tables for 10 ms, in every job. */
const CONTROL_CHARACTER = /[\x00-\x1f\x7f-\x9f]/

/** Text on one line, not too long, that shows something. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && name.trim() !== '' && name.length <= NAME_CHARACTERS_MAX && !CONTROL_CHARACTER.test(name)
}
