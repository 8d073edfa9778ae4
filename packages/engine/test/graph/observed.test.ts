/** Operators that look at others: who may be looked at. */
import { describe, expect, it } from 'vitest'
import type { OperatorSpec } from '../../src/graph/operator-spec.js'
import { validateGraph } from '../../src/graph/validate-graph.js'
import { graphOf } from '../support/run-graph.js'
import { collectInto, indexSource } from '../support/specs.js'

const looksAt = (observes: string): OperatorSpec => ({ kind: 'general', observes, create: () => ({ process: () => {} }) })

describe('an operator that observes another one', () => {
  const graph = (observes: string) =>
    graphOf(
      [
        { name: 'numbers', spec: indexSource(1, (index) => index) },
        { name: 'limit', spec: looksAt(observes) },
        { name: 'enrich', spec: { kind: 'map', fn: (n: unknown) => n } },
        { name: 'out', spec: collectInto([]), ports: [] },
      ],
      [
        { from: 'numbers', to: 'limit' },
        { from: 'limit', to: 'enrich' },
        { from: 'enrich', to: 'out' },
      ],
    )

  it('has it behind itself', () => {
    expect(() => validateGraph(graph('enrich'))).not.toThrow()
    expect(() => validateGraph(graph('out'))).not.toThrow()
  })

  it.each([
    ['enrch', 'which the job does not have', 'Did you mean "enrich"?'],
    ['numbers', 'which does not stand behind it', 'Behind limit stand "enrich", "out".'],
    ['limit', 'which does not stand behind it', '"enrich"'],
  ])('fails for %s', (observes, why, hint) => {
    expect(() => validateGraph(graph(observes))).toThrow(
      expect.objectContaining({
        code: 'SLUICE_OPERATOR_UNKNOWN',
        message: expect.stringContaining(why),
        hint: expect.stringContaining(hint),
      }),
    )
  })
})
