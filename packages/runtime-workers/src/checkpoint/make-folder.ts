/** Makes folders and tells what is wrong with the path. Coordinator and workers. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isCode } from './explain-storage.js'

/**
 * Makes a folder and those above it that are missing; answers what it made, outermost first. `mkdir` with `recursive` says ENOENT of a file system that is
 * read-only.
 */
export async function makeFolder(folder: string): Promise<readonly string[]> {
  try {
    return await makeOne(folder)
  } catch (error) {
    const parent = dirname(folder)
    if (!isCode(error, 'ENOENT') || parent === folder) throw error
    const above = await makeFolder(parent)
    return [...above, ...(await makeOne(folder))]
  }
}

async function makeOne(folder: string): Promise<readonly string[]> {
  try {
    await mkdir(folder)
    return [folder]
  } catch (error) {
    if (isCode(error, 'EEXIST')) return []
    throw error
  }
}
