/** Whether records given to a simulation are what their source would give. */
import { type LogicalGraph, SluiceError } from '@sluice/engine'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { Arrival, type Input } from './input.js'

/** @throws SluiceError `SLUICE_OPTIONS_INVALID` where there is no such source, or a record does not fit its schema */
export async function checkInput(name: string, records: Input, graph: LogicalGraph): Promise<void> {
  const sources = graph.nodes.filter(({ spec }) => spec.kind === 'source')
  const source = sources.find((node) => node.name === name)
  if (source === undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `there is no source "${name}" to give records to`, {
      hint: `The sources of the job are ${sources.map((node) => `"${node.name}"`).join(', ')}.`,
    })
  }
  const schema = source.schema as StandardSchemaV1 | undefined
  if (schema === undefined || !('~standard' in schema)) return
  for (const [index, given] of records.entries()) {
    const { issues } = await schema['~standard'].validate(given instanceof Arrival ? given.record : given)
    if (issues === undefined) continue
    const what = issues.map(({ message, path = [] }) =>
      [path.map((part) => (typeof part === 'object' ? part.key : part)).join('.'), message].filter((text) => text !== '').join(': '),
    )
    throw new SluiceError(
      'SLUICE_OPTIONS_INVALID',
      `record ${index} of the input "${name}" does not fit the schema of its source: ${what.join('; ')}`,
      {
        operator: name,
        declaredAt: source.declaredAt,
        hint: 'A source gives records as its schema has parsed them: defaults filled in, text converted.',
      },
    )
  }
}
