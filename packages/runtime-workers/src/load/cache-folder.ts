/**
 * Where bundles are kept: a folder that only this user can write, because what lies there is executed. Files are written under
 * another name and renamed, so that a reader sees a whole file or none.
 */
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

const PRIVATE_FOLDER = 0o700
const PRIVATE_FILE = 0o600
const OTHERS = 0o077
const KEPT_MS = 14 * 24 * 3_600_000

let folder: string | undefined

/** The folder, made on first use; a fresh one for this process alone where the usual one cannot be trusted. */
export function cacheFolder(): string {
  folder ??= privateFolder(join(tmpdir(), `sluice-${userInfo().uid}`)) ?? mkdtempSync(join(tmpdir(), 'sluice-'))
  return folder
}

export function writeWhole(file: string, content: string): void {
  const partial = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`
  writeFileSync(partial, content, { mode: PRIVATE_FILE })
  renameSync(partial, file)
}

/** Removes what nobody wrote again for two weeks; failures do not matter. */
export function removeStale(nowMs: number): void {
  const home = cacheFolder()
  for (const name of readdirSync(home, { encoding: 'utf8', recursive: true })) {
    try {
      const file = join(home, name)
      if (nowMs - statSync(file).mtimeMs > KEPT_MS) rmSync(file)
    } catch {
      // Another process was faster.
    }
  }
}

function privateFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER })
    const found = lstatSync(path)
    const uid = process.getuid?.()
    const trusted = found.isDirectory() && (uid === undefined || (found.uid === uid && (found.mode & OTHERS) === 0))
    return trusted ? path : undefined
  } catch {
    return undefined
  }
}
