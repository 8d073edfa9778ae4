/**
 * The params of a run out of their sources: flags win over `--params`, that over the environment. Text (flags, environment) is coerced
 * by the job's JSON Schema; values of a JSON file are what they are. The job's own schema has the last word, and its defaults.
 */
import { coerceParams, type Job } from '@sluice/operators'
import { HIDDEN, Redactor } from '../log/redact.js'
import { checkParamNames } from './check-params.js'
import { describeParams } from './describe-params.js'
import { readEnvParams } from './env-params.js'
import type { RawParams } from '@sluice/runtime-workers'

/** Without a JSON Schema a job with params takes any name, one without params none. */
const anyParams = { additionalProperties: {} }
const noParams = { properties: {} }

export interface ParamSources {
  readonly flags: RawParams
  readonly file: RawParams
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface ResolvedParams {
  /** For the job: not yet parsed by its schema. */
  readonly raw: RawParams
  /** For people: secrets hidden. */
  readonly shown: RawParams
  /** Hides the secrets in whatever else is printed. */
  readonly redactor: Redactor
}

type AnyJob = Pick<Job<unknown, unknown>, 'name' | 'options' | 'paramsJsonSchema' | 'secretParams'>

/** Never fails: the redactor must be known before anything is said about wrong params; `checkParams` fails. */
export function resolveParams(job: AnyJob, { flags, file, env }: ParamSources): ResolvedParams {
  const schema = schemaOf(job)
  const known = describeParams(schema).params.map((param) => param.name)
  const text = { ...readEnvParams(env, known), ...flags }
  const coerced = job.paramsJsonSchema === undefined ? text : coerceParams(text, job.paramsJsonSchema)
  const fromEnv = Object.fromEntries(Object.entries(coerced).filter(([name]) => !Object.hasOwn(flags, name)))
  const fromFlags = Object.fromEntries(Object.entries(coerced).filter(([name]) => Object.hasOwn(flags, name)))
  const raw = { ...fromEnv, ...file, ...fromFlags }
  const secrets = job.secretParams.flatMap((name) => [raw[name], text[name]].flatMap(textsOf))
  const shown = Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, job.secretParams.includes(name) ? HIDDEN : value]))
  return { raw, shown, redactor: new Redactor(secrets) }
}

/** Fails with `SLUICE_PARAMS_INVALID` where a name is unknown or missing. */
export function checkParams(job: AnyJob, raw: RawParams): void {
  checkParamNames(job.name, raw, schemaOf(job))
}

function schemaOf(job: AnyJob): object {
  return job.paramsJsonSchema ?? (job.options.params === undefined ? noParams : anyParams)
}

/** The texts in which a secret may turn up. */
function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  switch (typeof value) {
    case 'string':
      return [value]
    case 'number':
    case 'bigint':
      return [String(value)]
    case 'object':
      return value === null ? [] : [JSON.stringify(value), ...Object.values(value).flatMap(textsOf)]
    default:
      return []
  }
}
