/** What went wrong with the file system, in words of what a user can do. Pure. */
import { SluiceError } from '@sluice/engine'

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'The disk is full: free space, or keep fewer checkpoints with --checkpoint-retain.',
  EDQUOT: 'The quota of the disk is used up: free space, or keep fewer checkpoints with --checkpoint-retain.',
  EROFS: 'The file system is read-only: make it writable, or use another directory with --checkpoint-dir.',
  EACCES: 'This user may not access it: change its permissions, or use another directory with --checkpoint-dir.',
  EPERM: 'This user may not access it: change its permissions, or use another directory with --checkpoint-dir.',
  ENOTDIR: 'A part of the path is a file, not a directory: use another directory with --checkpoint-dir.',
  EEXIST: 'A file of this name is there already: nothing else may write into the checkpoint directory.',
  EMFILE: 'The process has too many open files: raise the limit with `ulimit -n`.',
  ENAMETOOLONG: 'Give the job a shorter name, or use a shorter path.',
}

/** @param what was tried: `read`, `write`. */
export function explainStorage(what: string, path: string, cause: unknown): SluiceError {
  const code = codeOf(cause)
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SluiceError('SLUICE_CHECKPOINT_STORAGE', `cannot ${what} ${path}: ${why}`, { hint: HINTS[code], cause })
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}
