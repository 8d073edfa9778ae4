import { expect, test } from 'vitest'
import { z } from 'zod'
import { nearest } from '@sluice/engine'
import { checkParamNames } from '../../src/params/check-params.js'
import { describeParams, paramInWords } from '../../src/params/describe-params.js'

const Params = z.object({
  input: z.string().describe('the file to read'),
  records: z.int().default(10),
  mode: z.enum(['fast', 'safe']).optional(),
  tags: z.array(z.string()).default([]),
  until: z.union([z.number(), z.string()]).optional(),
})

const schemaOf = (schema: z.ZodType) => z.toJSONSchema(schema, { io: 'input' })

function complaint(given: Record<string, unknown>, schema: z.ZodType = Params): unknown {
  try {
    checkParamNames('orders', given, schemaOf(schema))
  } catch (error) {
    return error
  }
  return undefined
}

test('params in words: name, type, whether it is required, what it is', () => {
  expect(describeParams(schemaOf(Params)).params.map(paramInWords)).toEqual([
    'input (string, required): the file to read',
    'records (integer)',
    'mode ("fast" or "safe")',
    'tags (list of string)',
    'until (number or string)',
  ])
})

test('what is known and complete passes', () => {
  expect(complaint({ input: 'a.csv', mode: 'fast' })).toBeUndefined()
})

test('a missing param is named with its type and what it is, and how to pass it', () => {
  expect(complaint({})).toMatchObject({
    code: 'SLUICE_PARAMS_INVALID',
    message: 'param input: missing, string: the file to read',
    hint: expect.stringMatching(/--param input=<string>, or set SLUICE_PARAM_INPUT/) as string,
  })
})

test('an unknown param is named with the nearest and the list of known ones', () => {
  expect(complaint({ input: 'a.csv', recrods: '1' })).toMatchObject({
    code: 'SLUICE_PARAMS_INVALID',
    message: 'param recrods: unknown (did you mean records?)',
    hint: expect.stringMatching(/^orders takes input \(string, required\): the file to read; records \(integer\); mode/) as string,
  })
})

test('several problems come in one message', () => {
  expect(complaint({ zzz: 1 })).toMatchObject({ message: 'params are wrong\n- zzz: unknown\n- input: missing, string: the file to read' })
})

test('a job without params refuses any', () => {
  expect(complaint({ input: 'x' }, z.object({}))).toMatchObject({ hint: 'orders takes no params.' })
})

test('a schema that takes any name is left alone', () => {
  expect(complaint({ anything: 1 }, z.looseObject({}))).toBeUndefined()
})

test.each([
  ['imput', 'input'],
  ['INPUT', 'input'],
  ['ouptut', 'output'],
  ['xyz', undefined],
])('nearest to %s is %s', (word, found) => {
  expect(nearest(word, ['input', 'output', 'records'])).toBe(found)
})
