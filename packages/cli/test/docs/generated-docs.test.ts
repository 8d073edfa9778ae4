import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('the generated pages of docs/ say what the code says', async () => {
  const script = resolve(import.meta.dirname, '../../scripts/generate-docs.mjs')
  await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toMatchObject({ stderr: '' })
})
