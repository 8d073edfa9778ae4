/** `--edge "parse -> write:window=20ms,weight=2"` to what `run` takes. Values are checked where those of the API are. Pure. */
import { nearest, SluiceError } from '@sluice/engine'
import type { EdgeOptions } from '@sluice/operators'
import { numberOrText } from '../arguments/option-values.js'

const OPTIONS = ['window', 'prefetch', 'weight', 'priority'] as const
type Option = (typeof OPTIONS)[number]

/** An edge that is named twice has both; fails with `SLUICE_USAGE`. */
export function edgeOptionsOf(given: readonly string[]): Readonly<Record<string, EdgeOptions>> {
  const edges: Record<string, Partial<Record<Option, unknown>>> = {}
  for (const text of given) {
    const at = text.lastIndexOf(':')
    const name = text
      .slice(0, Math.max(0, at))
      .trim()
      .replace(/\s*->\s*/, ' -> ')
    if (at < 0 || name === '' || !name.includes(' -> ')) refuse(text, 'an edge and what is set for it')
    const edge = (edges[name] ??= {})
    for (const part of text.slice(at + 1).split(',')) {
      const [option = '', value, ...rest] = part.split('=').map((piece) => piece.trim())
      if (!isOption(option)) {
        const near = nearest(option, OPTIONS)
        refuse(text, `one of ${OPTIONS.join(', ')}`, near === undefined ? '' : ` Did you mean ${near}?`)
      }
      if (value === undefined || value === '' || rest.length > 0) refuse(text, `a value of ${option}`)
      edge[option] = valueOf(option, value)
    }
  }
  return edges as Readonly<Record<string, EdgeOptions>>
}

function isOption(text: string): text is Option {
  return (OPTIONS as readonly string[]).includes(text)
}

function valueOf(option: Option, text: string): unknown {
  if (option === 'window') return text === 'false' ? false : numberOrText(text)
  // What is no number is refused with its name where the others are.
  const value = Number(text)
  return Number.isNaN(value) ? text : value
}

function refuse(text: string, wants: string, more = ''): never {
  throw new SluiceError('SLUICE_USAGE', `--edge ${JSON.stringify(text)} does not say ${wants}`, {
    hint: `It takes an edge of the plan and its options: --edge "parse -> write:window=20ms" or --edge "parse -> write:prefetch=1".${more}`,
  })
}
