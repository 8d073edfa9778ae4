/** The two ways to the command line: the package of its own and the one that users install. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../../..')

test.each(['packages/cli/bin/sluice.js', 'packages/sluice/bin/sluice.js'])('%s answers', async (file) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [resolve(root, file), '--version'])
  expect([stdout, stderr]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+\n$/), ''])
})

test('in the repository npx sluice is this one', async () => {
  const { stdout } = await promisify(execFile)(resolve(root, 'node_modules/.bin/sluice'), ['run', '--help'])
  expect(stdout).toMatch(/^Usage: sluice run /)
})
