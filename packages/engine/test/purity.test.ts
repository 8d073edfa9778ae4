/** What the linter cannot see of the rule that the engine touches nothing outside. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const sources = join(import.meta.dirname, '../src')
const files = readdirSync(sources, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

const forbidden = {
  'reads the clock': /\bnew Date\(\s*\)|\bDate\(\s*\)/,
  'loads a module at run time': /\bimport\(|\brequire\(|getBuiltinModule/,
}

test.each(files)('%s touches nothing outside', (file) => {
  const code = readFileSync(join(sources, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const found = Object.entries(forbidden).flatMap(([what, pattern]) => (pattern.test(code) ? [what] : []))
  expect(found).toEqual([])
})
