/** Parameters of a job against its schema: every wrong one is named. */
import { SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonSchema } from './json-schema.js'

/**
 * What the schema gives back. A name that the schema does not know is refused rather than ignored, where it can be known.
 *
 * @throws SluiceError `SLUICE_PARAMS_INVALID`
 */
export async function parseParams(
  job: string,
  schema: StandardSchemaV1 | undefined,
  jsonSchema: JsonSchema | undefined,
  raw: unknown,
): Promise<unknown> {
  const given: unknown = raw ?? {}
  if (typeof given !== 'object' || given === null) throw invalid(job, ['parameters are an object of values by name'], undefined)
  const problems = unknownNames(Object.keys(given), schema, jsonSchema)
  if (schema === undefined) {
    if (problems.length > 0) throw invalid(job, problems, `Job ${job} takes no parameters.`)
    return {}
  }
  const result = await schema['~standard'].validate(given)
  if (result.issues === undefined && problems.length === 0) return result.value
  const wrong = (result.issues ?? []).map(({ path = [], message }) => {
    const keys = path.map((segment) => (typeof segment === 'object' ? segment.key : segment))
    const [name] = keys
    if (name === undefined) return message
    const missing = keys.length === 1 && !Object.hasOwn(given, name)
    return missing ? `${String(name)} is missing` : `${keys.map(String).join('.')}: ${message}`
  })
  const name = (result.issues?.[0]?.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment))[0]
  const hint = name === undefined ? undefined : `Pass it as --param ${String(name)}=value, or in the params of run.`
  throw invalid(job, [...wrong, ...problems], hint)
}

function unknownNames(
  names: readonly string[],
  schema: StandardSchemaV1 | undefined,
  jsonSchema: JsonSchema | undefined,
): readonly string[] {
  const known = schema === undefined ? {} : jsonSchema?.properties
  const open = jsonSchema?.additionalProperties !== undefined && jsonSchema.additionalProperties !== false
  if (known === undefined || open) return []
  const unknown = names.filter((name) => !Object.hasOwn(known, name))
  const list = Object.keys(known)
  return unknown.map((name) => `${name} is not a parameter${list.length === 0 ? '' : ` (there is ${list.join(', ')})`}`)
}

function invalid(job: string, problems: readonly string[], hint: string | undefined): SluiceError {
  return new SluiceError('SLUICE_PARAMS_INVALID', `parameters of job ${job}: ${problems.join('; ')}`, { job, hint })
}
