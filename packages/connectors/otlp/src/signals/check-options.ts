/** Options that a source or a sink does not have are refused: where types are not looked at, a misspelt one would be none. Pure. */
import { nearest, SluiceError } from '@sluice/engine'

/** @throws SLUICE_OPTIONS_INVALID */
export function checkOptions(caller: string, options: unknown, known: readonly string[]): void {
  const takes = `It takes ${known.join(', ')}.`
  if (typeof options !== 'object' || options === null)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller} takes an object of options, with { signal } at least.`, { hint: takes })
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || known.includes(option)) continue
    const meant = nearest(option, known)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${caller} has no option ${option}.`, {
      hint: meant === undefined ? takes : `Did you mean ${meant}? ${takes}`,
    })
  }
}
