/** The params of a job as its JSON Schema tells them: names, types in words, which are required. Pure. */

export interface ParamDescription {
  readonly name: string
  /** `string`, `integer`, `"a" or "b"`, `list of string`. */
  readonly type: string
  readonly description: string | undefined
  readonly required: boolean
}

export interface ParamsDescription {
  readonly params: readonly ParamDescription[]
  /** Whether names beyond these are taken. */
  readonly open: boolean
}

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

export function describeParams(schema: object): ParamsDescription {
  const { properties = {}, required = [], additionalProperties } = schema as JsonSchema
  const params = Object.entries(properties).map(([name, property]) => ({
    name,
    type: typeInWords(property),
    description: property.description,
    required: required.includes(name),
  }))
  return { params, open: additionalProperties !== undefined && additionalProperties !== false }
}

/** `input (string, required): the file to read`. */
export function paramInWords({ name, type, required, description }: ParamDescription): string {
  return `${name} (${type}${required ? ', required' : ''})${description === undefined ? '' : `: ${description}`}`
}

function typeInWords(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return [...new Set(choices.map(typeInWords))].join(' or ')
  if (schema.type === 'array') return schema.items === undefined ? 'list' : `list of ${typeInWords(schema.items)}`
  if (schema.type === undefined) return 'any value'
  return typeof schema.type === 'string' ? schema.type : schema.type.join(' or ')
}
