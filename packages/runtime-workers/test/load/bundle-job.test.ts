import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { bundleJob, type JobBundle } from '../../dist/load/bundle-job.js'
import { jobFolder } from '../support/job-folder.js'

async function exportsOf(folder: string, file = 'job.ts'): Promise<Record<string, unknown>> {
  const { url } = await bundleJob(join(folder, file))
  return (await import(url)) as Record<string, unknown>
}

describe('what a job file may import', () => {
  test('sluice and zod from outside of any package, each the copy that is running', async () => {
    const folder = jobFolder({ 'job.ts': "export * as sluice from 'sluice'\nexport { z } from 'zod'\n" })
    const exported = await exportsOf(folder)
    const { defineJob } = await import('@sluice/operators')
    const { run } = await import('@sluice/runtime-workers')
    expect(exported['sluice']).toHaveProperty('defineJob', defineJob)
    expect(exported['sluice']).toHaveProperty('run', run)
    expect(exported['z']).toBe((await import('zod')).z)
  })

  test("zod of the user's own project where there is one", async () => {
    const folder = jobFolder({
      'job.ts': "export { own } from 'zod'\n",
      'node_modules/zod/package.json':
        '{ "name": "zod", "type": "module", "exports": { "import": "./import.js", "module": "./wrong.js" } }',
      'node_modules/zod/import.js': 'export const own = true\n',
    })
    expect(await exportsOf(folder)).toMatchObject({ own: true })
  })

  test('its own files, TypeScript by the name of its output, JSON, and paths of a tsconfig', async () => {
    const folder = jobFolder({
      'tsconfig.json': '{ /* the author\'s */ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }',
      'job.ts': [
        "import settings from './settings.json' with { type: 'json' }",
        "import { label } from '@lib/label.js'",
        "import { twice } from './twice.js'",
        'export const all: string = twice(label(settings.name))',
      ].join('\n'),
      'settings.json': '{ "name": "x" }',
      'lib/label.ts': 'export const label = (name: string): string => `<${name}>`',
      'twice.mts': 'export {}',
      'twice.ts': 'export const twice = (text: string): string => text + text',
    })
    expect(await exportsOf(folder)).toMatchObject({ all: '<x><x>' })
  })

  test('packages next to it, as Node resolves them, loaded once from where they lie', async () => {
    const folder = jobFolder({
      'job.ts': "import dep from 'dep'\nexport { dep }\n",
      'node_modules/dep/package.json': '{ "name": "dep", "exports": { "module": "./bundlers.js", "default": "./index.cjs" } }',
      'node_modules/dep/index.cjs': 'module.exports = { file: __filename }',
    })
    const exported = await exportsOf(folder)
    expect(exported['dep']).toEqual({ file: join(folder, 'node_modules/dep/index.cjs') })
    const again = (await import(pathToFileURL(join(folder, 'node_modules/dep/index.cjs')).href)) as { default: unknown }
    expect(exported['dep']).toBe(again.default)
  })

  test('CommonJS of its own that requires what it needs', async () => {
    const folder = jobFolder({
      'job.ts': "import legacy from './legacy.cjs'\nexport { legacy }\n",
      'legacy.cjs': "module.exports = { sep: require('node:path').sep, dep: require('dep') }",
      'node_modules/dep/index.js': "module.exports = 'dep'",
    })
    expect(await exportsOf(folder)).toMatchObject({ legacy: { sep: '/', dep: 'dep' } })
  })

  test('a module for its effect, whatever its package says of side effects', async () => {
    const folder = jobFolder({
      'package.json': '{ "sideEffects": false }',
      'job.ts': "import './effect.js'\nexport const seen = (globalThis as { effect?: string }).effect\n",
      'effect.ts': "(globalThis as { effect?: string }).effect = 'done'",
    })
    expect(await exportsOf(folder)).toMatchObject({ seen: 'done' })
  })
})

test('import.meta means the file that the author wrote, in each file', async () => {
  const folder = jobFolder({
    'job.ts': [
      '#!/usr/bin/env -S npx sluice run',
      "import { readFileSync } from 'node:fs'",
      "import { there } from './deep/there.js'",
      'export const here = [import.meta.url, import.meta.dirname, import.meta.filename]',
      "export const data = readFileSync(new URL('./data.txt', import.meta.url), 'utf8')",
      'export { there }',
    ].join('\n'),
    'deep/there.ts': 'export const there = import.meta.url',
    'data.txt': 'text',
  })
  const file = join(folder, 'job.ts')
  expect(await exportsOf(folder)).toMatchObject({
    here: [pathToFileURL(file).href, folder, file],
    there: pathToFileURL(join(folder, 'deep/there.ts')).href,
    data: 'text',
  })
})

describe('positions', () => {
  test("lead from a stack to the user's lines, in every file", async () => {
    const folder = jobFolder({
      'job.ts': "import { fail } from './fail.js'\ninterface Unused {\n  a: number\n}\n\nexport const run = (): void => fail()\n",
      'fail.ts': "type T = string\n\nexport function fail(): never {\n  throw new Error('ä is no ASCII, and this fails')\n}\n",
    })
    const bundle = await bundleJob(join(folder, 'job.ts'))
    const translated = bundle.positions.translate(
      `Error: x\n    at fail (${bundle.url}:${placeOf(bundle.file, 'new Error("ä')})\n    at async ${bundle.file}:${placeOf(bundle.file, 'fail();')}`,
    )
    expect(translated).toBe(`Error: x\n    at fail (${join(folder, 'fail.ts')}:4:9)\n    at async ${join(folder, 'job.ts')}:6:32`)
  })

  test('leave other text alone', async () => {
    const bundle = await bundleJob(join(jobFolder({ 'job.ts': 'export default 1' }), 'job.ts'))
    const text = `at /home/me/other.mjs:1:2 and ${bundle.file} without a line`
    expect(bundle.positions.translate(text)).toBe(text)
  })
})

describe('zod of a process that belongs to the job', () => {
  const files = {
    'job.ts': "import { z } from 'zod'\nexport const schema = z.object({ limit: z.int().default(3) }).meta({ title: 'x' })\n",
  }
  const COPY = /file:\/\/[^"]*\/node_modules\/zod-[0-9a-f]+\.mjs/

  test('comes in one file, which acts as one with the copy of another package', async () => {
    const { file, url } = await bundleJob(join(jobFolder(files), 'job.ts'), true)
    expect(readFileSync(file, 'utf8')).toMatch(COPY)
    const { schema } = (await import(url)) as { schema: unknown }
    const { z } = await import('zod')
    expect(schema).toBeInstanceOf(z.ZodObject)
    expect(z.globalRegistry.get(schema as never)).toEqual({ title: 'x' })
    expect(z.object({ inner: schema as never }).parse({ inner: {} })).toEqual({ inner: { limit: 3 } })
    expect(z.toJSONSchema(schema as never)).toMatchObject({ title: 'x', properties: { limit: { default: 3, type: 'integer' } } })
  })

  test('is the installed package where it is not known to bear a copy', async () => {
    const folder = jobFolder({
      'job.ts': "export { own } from 'zod'\n",
      'node_modules/zod/package.json': '{ "name": "zod", "type": "module", "exports": "./index.js" }',
      'node_modules/zod/index.js': 'export const own = true\n',
    })
    const { file, url } = await bundleJob(join(folder, 'job.ts'), true)
    expect(readFileSync(file, 'utf8')).not.toMatch(COPY)
    expect(await import(url)).toMatchObject({ own: true })
  })

  test('is made again where the cache has lost it', async () => {
    // A package of its own: other tests load the copy of the real one meanwhile.
    const folder = jobFolder({
      'job.ts': "export { shared } from 'zod'\n",
      'node_modules/zod/package.json': '{ "name": "zod", "type": "module", "exports": "./index.js" }',
      'node_modules/zod/index.js': 'export const shared = [globalThis.__zod_globalConfig, globalThis.__zod_globalRegistry]\n',
    })
    const { file } = await bundleJob(join(folder, 'job.ts'), true)
    const copy = new URL(COPY.exec(readFileSync(file, 'utf8'))?.[0] ?? '')
    rmSync(copy)
    await bundleJob(join(folder, 'job.ts'), true)
    expect(existsSync(copy)).toBe(true)
  })
})

describe('the cache', () => {
  const files = {
    'job.ts': "import { part } from './part.js'\nexport { z } from 'zod'\nexport class Value {\n  value = part\n}\n",
    'part.ts': 'export const part = 1\n',
  }
  const SETTERS = '{ "compilerOptions": { "useDefineForClassFields": false } }'

  /** Bundles until the result is remembered: a file that is younger than the build is never trusted. */
  async function warm(folder: string): Promise<JobBundle> {
    const job = join(folder, 'job.ts')
    let bundle = await bundleJob(job)
    for (let attempt = 0; attempt < 10 && !bundle.reused; attempt++) bundle = await bundleJob(job)
    expect(bundle.reused).toBe(true)
    return bundle
  }

  test('gives the same bundle without esbuild where nothing changed', async () => {
    const folder = jobFolder(files)
    const first = await bundleJob(join(folder, 'job.ts'))
    expect(first.reused).toBe(false)
    expect((await warm(folder)).file).toBe(first.file)
  })

  test.each<[string, (folder: string) => void]>([
    ['a change in the job file', (folder) => appendFileSync(join(folder, 'job.ts'), 'export const more = 1\n')],
    ['a change of the same length with the old time stamp', (folder) => rewriteQuietly(join(folder, 'part.ts'))],
    ['a file that comes before another one', (folder) => writeFileSync(join(folder, 'part.js'), 'export const part = 3\n')],
    ['a tsconfig that appears', (folder) => writeFileSync(join(folder, 'tsconfig.json'), SETTERS)],
    ['a package that appears', (folder) => writePackage(join(folder, 'node_modules/zod'))],
  ])('notices %s', async (_what, change) => {
    const folder = jobFolder(files)
    const before = await warm(folder)
    change(folder)
    const after = await bundleJob(join(folder, 'job.ts'))
    expect(after.reused).toBe(false)
    expect(after.file).not.toBe(before.file)
  })

  test('builds again where the bundle is gone', async () => {
    const folder = jobFolder(files)
    const { file } = await warm(folder)
    rmSync(file)
    expect(existsSync((await bundleJob(join(folder, 'job.ts'))).file)).toBe(true)
  })

  test('is open to nobody else', async () => {
    const { file } = await bundleJob(join(jobFolder(files), 'job.ts'))
    expect(statSync(join(file, '..')).mode & 0o077).toBe(0)
  })

  function writePackage(folder: string): void {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(folder, 'index.js'), 'export const z = 1')
  }

  function rewriteQuietly(file: string): void {
    const { atime, mtime } = statSync(file)
    writeFileSync(file, 'export const part = 2\n')
    utimesSync(file, atime, mtime)
  }
})

describe('a wrong job file', () => {
  test('names file, line and column of a syntax error, with the line', async () => {
    const folder = jobFolder({ 'job.ts': "export const a = 1\nconst b = ['ä' 2]\n" })
    await expect(bundleJob(join(folder, 'job.ts'))).rejects.toMatchObject({
      code: 'SLUICE_JOB_FILE_INVALID',
      message: `${join(folder, 'job.ts')}:2:16: Expected "]" but found "2"\n  const b = ['ä' 2]\n                 ^`,
    })
  })

  test('names an import that leads nowhere', async () => {
    const folder = jobFolder({ 'job.ts': "import x from 'no-such-package'\nexport default x\n" })
    await expect(bundleJob(join(folder, 'job.ts'))).rejects.toMatchObject({
      code: 'SLUICE_JOB_FILE_INVALID',
      message: expect.stringContaining(`${join(folder, 'job.ts')}:1:15: Could not resolve "no-such-package"`) as string,
      hint: expect.stringContaining('Install') as string,
    })
  })

  test('says that there is no such file', async () => {
    await expect(bundleJob('/no/such/job.ts')).rejects.toMatchObject({
      code: 'SLUICE_JOB_FILE_INVALID',
      message: 'the job file /no/such/job.ts does not exist',
    })
  })

  test('says that a folder is no file', async () => {
    const folder = jobFolder({})
    await expect(bundleJob(folder)).rejects.toMatchObject({
      code: 'SLUICE_JOB_FILE_INVALID',
      message: `the job file ${folder} is not a file`,
    })
  })
})

/** `line:column` of the first occurrence of a text in a file. */
function placeOf(file: string, text: string): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  const line = lines.findIndex((candidate) => candidate.includes(text))
  return `${line + 1}:${(lines[line] ?? '').indexOf(text) + 1}`
}
