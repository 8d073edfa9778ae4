/**
 * Where things lie below the root of a checkpoint storage. Pure names:
 *
 *   <job>/<run>/chk-<id>/manifest.json     a complete checkpoint; without it there is none
 *   <job>/<run>/chk-<id>/state-...bin      what its subtasks wrote
 *   <job>/savepoints/<name>/...            the same, kept until the user removes it
 *
 * Paths in a manifest are relative to its own folder (`../chk-3/...` for a file that an older checkpoint shares), so a folder can be moved.
 */
export const MANIFEST_NAME = 'manifest.json'
export const SAVEPOINTS_FOLDER = 'savepoints'

const FOLDER_PREFIX = 'chk-'
const FOLDER_PATTERN = /^chk-([1-9][0-9]*)$/

/** A name as that of one file: letters, digits, `_`, `-` and inner dots stay, all else is escaped, so that different names stay different. */
export function fileSafe(name: string): string {
  return encodeURIComponent(name)
    .replace(/[!'()*~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\./, '%2E')
}

export function jobFolder(job: string): string {
  return fileSafe(job)
}

export function runFolder(job: string, run: string): string {
  return `${jobFolder(job)}/${fileSafe(run)}`
}

/** Where subtasks write their files of a checkpoint. */
export function checkpointFolder(job: string, run: string, id: number): string {
  return `${runFolder(job, run)}/${FOLDER_PREFIX}${id}`
}

export function savepointFolder(job: string, name: string): string {
  return `${jobFolder(job)}/${SAVEPOINTS_FOLDER}/${fileSafe(name)}`
}

/** The id of a checkpoint by the name of its folder; undefined for any other name. */
export function idOfFolder(name: string): number | undefined {
  const id = FOLDER_PATTERN.exec(name)?.[1]
  return id === undefined ? undefined : Number(id)
}

/** A path of a manifest in terms of the storage; undefined where it leads out of it. */
export function resolvePath(folder: string, path: string): string | undefined {
  const parts = folder === '' ? [] : folder.split('/')
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  return parts.join('/')
}

/** The opposite: how a manifest in `folder` names a file of the storage. */
export function relativePath(folder: string, path: string): string {
  const from = folder === '' ? [] : folder.split('/')
  const to = path.split('/')
  let shared = 0
  while (shared < from.length && shared < to.length - 1 && from[shared] === to[shared]) shared++
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/')
}
