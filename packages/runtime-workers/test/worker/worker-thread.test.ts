/** How a thread loads: a thread that is terminated while require(esm) links modules aborts the process in Node 20, once in hundreds of times. So nothing of it is loaded so. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const folder = resolve(import.meta.dirname, '../..')

test('what is required in a thread imports the worker, and requires no module', async () => {
  const { imports } = JSON.parse(await readFile(resolve(folder, 'package.json'), 'utf8')) as { imports: Readonly<Record<string, string>> }
  const file = resolve(folder, imports['#worker-thread']!)
  const load = `require(${JSON.stringify(file)}).then((run) => process.stdout.write(run.name))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--no-experimental-require-module', '--eval', load])
  expect(stdout).toBe('runWorker')
})
