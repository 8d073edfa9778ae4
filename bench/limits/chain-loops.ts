/**
 * The limits of a chain on one thread. `generated`: one generated function over arrays of records, a call site per user function. `inlined`: what a
 * compiler makes of it where it sees all functions at once and needs no arrays. `calls`: an array of functions, called in turn.
 */
import type { Meter } from '../harness/meter.js'
import { makePriced, type Priced, priceOf, type Step } from '../records/chain-steps.js'
import { summingSink } from '../records/summing-sink.js'

const BATCH = 512

/** The statements that take `r0` through all steps; `skip` leaves the loop's body. The result is in the last name. */
function statements(steps: readonly Step[]): { readonly code: string; readonly result: string } {
  let name = 0
  const code = steps.map(({ kind }, index) =>
    kind === 'map' ? `const r${++name} = f${index}(r${name - 1})` : `if (!f${index}(r${name})) continue`,
  )
  return { code: code.join('\n'), result: `r${name}` }
}

function names(steps: readonly Step[]): string[] {
  return steps.map((_, index) => `f${index}`)
}

type BatchFunction = (batch: readonly Priced[], count: number, out: Priced[]) => number

export function generatedLoop(steps: readonly Step[], meter: Meter): void {
  const { code, result } = statements(steps)
  const factory = new Function(
    ...names(steps),
    `return (batch, count, out) => {
      let kept = 0
      for (let i = 0; i < count; i++) {
        const r0 = batch[i]
        ${code}
        out[kept++] = ${result}
      }
      return kept
    }`,
  )
  const run = factory(...steps.map(({ fn }) => fn)) as BatchFunction
  const take = summingSink(priceOf, meter)
  const batch = new Array<Priced>(BATCH)
  const out = new Array<Priced>(BATCH)
  for (let index = 0; !meter.ended; index += BATCH) {
    for (let k = 0; k < BATCH; k++) batch[k] = makePriced(index + k)
    const kept = run(batch, BATCH, out)
    for (let k = 0; k < kept; k++) take(out[k] as Priced)
  }
}

export function inlinedLoop(steps: readonly Step[], meter: Meter): void {
  const { code, result } = statements(steps)
  const factory = new Function(
    'make',
    'take',
    'meter',
    ...names(steps),
    `return (index, end) => {
      for (let i = index; i < end; i++) {
        const r0 = make(i)
        ${code}
        take(${result})
      }
    }`,
  )
  const run = factory(makePriced, summingSink(priceOf, meter), meter, ...steps.map(({ fn }) => fn)) as (index: number, end: number) => void
  for (let index = 0; !meter.ended; index += BATCH) run(index, index + BATCH)
}
