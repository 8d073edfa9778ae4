import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadJob } from '@sluice/runtime-workers'
import { expect, test } from 'vitest'
import { jobFile, jobFolder } from '../support/job-folder.js'

test('a job file anywhere on the disk gives its job, by path or by URL', async () => {
  const declaration = `job.source('numbers', generate((index) => index, { count: records })).sink('out', discard())`
  const file = jobFile(`
    import { defineJob, discard, generate } from 'sluice'
    import { z } from 'zod'
    export default defineJob({ name: 'small', params: z.object({ records: z.number().default(3) }) }, (job, { records }) => {
      ${declaration}
    })
  `)
  const loaded = await loadJob(file)
  expect(loaded.job.name).toBe('small')
  expect(loaded.source).toBe(file)
  expect((await loadJob(pathToFileURL(file))).job).toBe(loaded.job)
  const graph = loaded.declare(await loaded.job.parseParams({}))
  expect(graph.nodes.map((node) => node.name)).toEqual(['numbers', 'out'])
  expect(graph.nodes.map((node) => node.declaredAt)).toEqual([
    `${file}:5:${7 + declaration.indexOf('source')}`,
    `${file}:5:${7 + declaration.indexOf('sink')}`,
  ])
})

test.each([
  ['export const job = 1', 'SLUICE_NO_DEFAULT_EXPORT', 'has no default export'],
  ['export default { name: 1 }', 'SLUICE_NOT_A_JOB', 'exports a value of type object by default'],
  ['export default function main() {}', 'SLUICE_NOT_A_JOB', 'exports a function (main) by default'],
  ['export default null', 'SLUICE_NOT_A_JOB', 'exports null by default'],
])('%s is %s', async (content, code, message) => {
  await expect(loadJob(jobFile(content))).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string })
})

test('what throws while the file is imported is told with its line', async () => {
  const file = jobFile('const settings: { a?: { b: number } } = {}\n\nexport default (settings.a as { b: number }).b\n')
  await expect(loadJob(file)).rejects.toMatchObject({
    code: 'SLUICE_JOB_THREW',
    message: expect.stringMatching(new RegExp(`threw while it was imported: TypeError: .* \\(at ${file}:3:\\d+\\)$`)) as string,
    coordinates: { declaredAt: expect.stringContaining(`${file}:3:`) as string },
    cause: expect.objectContaining({ name: 'TypeError' }) as Error,
  })
})

test('an export that a module does not have is named with the line that imports it', async () => {
  const file = jobFile("import { defineJob, noSuchThing } from 'sluice'\nexport default defineJob({ name: noSuchThing }, () => {})\n")
  await expect(loadJob(file)).rejects.toMatchObject({
    code: 'SLUICE_JOB_FILE_INVALID',
    message: expect.stringMatching(new RegExp(`noSuchThing.*\\(at ${file}:\\d+\\)$`)) as string,
  })
})

test('what throws while it is declared is told with its line', async () => {
  const file = jobFile(`import { defineJob } from 'sluice'
export default defineJob({ name: 'broken' }, () => {
  throw new RangeError('no such thing')
})
`)
  const { declare } = await loadJob(file)
  expect(() => declare({})).toThrow(
    expect.objectContaining({
      code: 'SLUICE_JOB_THREW',
      message: expect.stringContaining(`RangeError: no such thing (at ${file}:3:9)`) as string,
    }),
  )
})

test('a coded error of a declaration keeps its code and leads to the line', async () => {
  const file = jobFile(`import { defineJob, discard, generate } from 'sluice'
export default defineJob({ name: 'broken' }, (job) => {
  const numbers = job.source('numbers', generate((index) => index, { count: 1 }))
  numbers.sink('out', discard())
  numbers.filter('yes' as never)
})
`)
  const { declare } = await loadJob(file)
  expect(() => declare({})).toThrow(
    expect.objectContaining({
      code: expect.stringMatching(/^SLUICE_OPTIONS_INVALID$/) as string,
      coordinates: expect.objectContaining({ declaredAt: expect.stringContaining(`${file}:5:`) as string }) as object,
    }),
  )
})

test('a job in a folder with spaces and signs that URLs escape', async () => {
  const folder = jobFolder({
    'a b#c%20d/jöb.ts': "import { defineJob } from 'sluice'\nexport default defineJob({ name: 'odd' }, () => {})\n",
  })
  const file = join(folder, 'a b#c%20d/jöb.ts')
  expect((await loadJob(file)).job.name).toBe('odd')
  expect((await loadJob(pathToFileURL(file).href)).source).toBe(file)
})

test('a file with signs that URLs escape is named as it is called', async () => {
  const name = 'my (jöb) 1%20 #2?.ts'
  const folder = jobFolder({ [name]: "\nthrow new Error('no luck')\n" })
  await expect(loadJob(join(folder, name))).rejects.toMatchObject({
    message: expect.stringMatching(/no luck \(at .*\/my \(jöb\) 1%20 #2\?\.ts:2:7\)$/) as string,
    coordinates: { declaredAt: `${join(folder, name)}:2:7` },
  })
})

test('operators of such a file know where they were declared', async () => {
  const name = 'my (jöb) 1%20 #2?.ts'
  const text = `import { defineJob, discard, fromArray } from 'sluice'
export default defineJob({ name: 'odd' }, (job) => {
  job.source('numbers', fromArray([1])).sink('out', discard())
})
`
  const folder = jobFolder({ [name]: text })
  const graph = (await loadJob(join(folder, name))).declare({})
  expect(graph.nodes.map(({ declaredAt }) => declaredAt)).toEqual([`${join(folder, name)}:3:7`, `${join(folder, name)}:3:41`])
})
