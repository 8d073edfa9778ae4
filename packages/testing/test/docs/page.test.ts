/** The examples of docs/testing.md are the files beside this one, which run; users import from `sluice` what stands in `@sluice/operators` here. */
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

test('docs/testing.md shows what runs here, and nothing else', async () => {
  const page = await readFile(resolve(import.meta.dirname, '../../../../docs/testing.md'), 'utf8')
  const shown = [...page.matchAll(/```ts\n(\/\/ [^]*?)```/g)].map(([, code]) => code as string)
  const names = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts') && name !== 'page.test.ts')
  const files = await Promise.all(names.map((name) => readFile(join(import.meta.dirname, name), 'utf8')))
  const asUsersDo = files.map((text) => text.replaceAll("'@sluice/operators'", "'sluice'"))
  expect(shown.toSorted()).toEqual(asUsersDo.toSorted())
})
