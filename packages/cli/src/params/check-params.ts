/** Names of params before their values are looked at: what is unknown and what is missing, all in one error. Pure. */
import { nearest, SluiceError } from '@sluice/engine'
import { describeParams, type ParamDescription, paramInWords } from './describe-params.js'
import { envVariableOf } from './env-params.js'
import type { RawParams } from '@sluice/runtime-workers'

/** `schema`: the JSON Schema of what the job takes. Fails with `SLUICE_PARAMS_INVALID`. */
export function checkParamNames(job: string, given: RawParams, schema: object): void {
  const { params, open } = describeParams(schema)
  const names = params.map((param) => param.name)
  const unknown = open ? [] : Object.keys(given).filter((name) => !names.includes(name))
  const missing = params.filter((param) => param.required && given[param.name] === undefined)
  if (unknown.length === 0 && missing.length === 0) return
  const problems = [
    ...unknown.map((name) => {
      const near = nearest(name, names)
      return `${name}: unknown${near === undefined ? '' : ` (did you mean ${near}?)`}`
    }),
    ...missing.map((param) => `${param.name}: missing, ${param.type}${param.description === undefined ? '' : `: ${param.description}`}`),
  ]
  const takes = params.length === 0 ? `${job} takes no params` : `${job} takes ${params.map(paramInWords).join('; ')}`
  const message =
    problems.length === 1 ? `param ${problems[0]}` : `params are wrong\n${problems.map((problem) => `- ${problem}`).join('\n')}`
  throw new SluiceError('SLUICE_PARAMS_INVALID', message, { job, hint: `${takes}.${howToPass(missing)}` })
}

function howToPass(missing: readonly ParamDescription[]): string {
  const [first] = missing
  if (first === undefined) return ''
  return `\nPass ${missing.map(({ name, type }) => `--param ${name}=<${type}>`).join(' ')}, or set ${envVariableOf(first.name)} and the like.`
}
