import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { envVariableOf, readEnvParams } from '../../src/params/env-params.js'
import { parseParamFlags } from '../../src/params/param-flags.js'
import { loadEnvFile, readParamsFile } from '../../src/params/read-files.js'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-params-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

test('flags: the value is everything after the first =, a repeated name is a list', () => {
  expect(parseParamFlags(['a=1', 'url=x?y=z', 'empty=', 'tag=a', 'tag=b', 'tag=c'])).toEqual({
    a: '1',
    url: 'x?y=z',
    empty: '',
    tag: ['a', 'b', 'c'],
  })
})

test('flags: a name like __proto__ is only a name', () => {
  const params = parseParamFlags(['__proto__=1'])
  expect(Object.hasOwn(params, '__proto__')).toBe(true)
  expect(Object.getPrototypeOf(params)).toBe(Object.prototype)
})

test.each(['novalue', '=x', ''])('flags: %j is wrong usage', (flag) => {
  expect(() => parseParamFlags([flag])).toThrow(
    expect.objectContaining({ code: 'SLUICE_USAGE', message: expect.stringContaining('name=value') as string }),
  )
})

test('environment: names are found in either spelling, what names no param is left alone', () => {
  const env = { SLUICE_PARAM_DELAY_MS: '5', SLUICE_PARAM_input: 'a.csv', SLUICE_PARAM_OTHER: 'x', PATH: '/bin' }
  expect(readEnvParams(env, ['delayMs', 'input', 'limit'])).toEqual({ delayMs: '5', input: 'a.csv' })
})

test('environment: the suggested variable leads back to its param', () => {
  expect(envVariableOf('delayMs')).toBe('SLUICE_PARAM_DELAY_MS')
  expect(readEnvParams({ [envVariableOf('some-name2Go')]: '1' }, ['some-name2Go'])).toEqual({ 'some-name2Go': '1' })
})

test('params file: one JSON object', async () => {
  expect(await readParamsFile(await file('good.json', '{"limit": 3, "tags": ["a"]}'))).toEqual({ limit: 3, tags: ['a'] })
})

test.each([
  ['broken.json', '{"limit": ', /is not JSON/],
  ['list.json', '[1]', /holds an array/],
  ['null.json', 'null', /holds null/],
])('params file: %s is wrong usage', async (name, text, message) => {
  await expect(readParamsFile(await file(name, text))).rejects.toMatchObject({
    code: 'SLUICE_USAGE',
    message: expect.stringMatching(message) as string,
  })
})

test('a file that is not there is wrong usage, with its option', async () => {
  await expect(readParamsFile(join(folder, 'none.json'))).rejects.toMatchObject({
    code: 'SLUICE_USAGE',
    message: expect.stringMatching(/--params .*ENOENT/) as string,
  })
  await expect(loadEnvFile(join(folder, 'none'), {})).rejects.toMatchObject({
    code: 'SLUICE_USAGE',
    message: expect.stringMatching(/--env-file .*ENOENT/) as string,
  })
})

test('env file: a variable that is set already stays', async () => {
  const env: Record<string, string | undefined> = { TAKEN: 'mine' }
  await loadEnvFile(await file('.env', '# comment\nTAKEN=theirs\nSLUICE_PARAM_INPUT="a b.csv"\nexport MORE=1\n'), env)
  expect(env).toEqual({ TAKEN: 'mine', SLUICE_PARAM_INPUT: 'a b.csv', MORE: '1' })
})
