/** `--param name=value` as typed: names to texts, a list where a name is repeated. Pure. */
import { SluiceError } from '@sluice/engine'
import type { RawParams } from '@sluice/runtime-workers'

export function parseParamFlags(flags: readonly string[]): RawParams {
  const params = new Map<string, string | string[]>()
  for (const flag of flags) {
    const at = flag.indexOf('=')
    if (at <= 0) {
      throw new SluiceError('SLUICE_USAGE', `--param takes name=value, not ${JSON.stringify(flag)}`, {
        hint: 'For example: --param input=orders.csv. Repeat it for another param; repeat the same name for a list.',
      })
    }
    const name = flag.slice(0, at)
    const value = flag.slice(at + 1)
    const before = params.get(name)
    params.set(name, before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value])
  }
  return Object.fromEntries(params)
}
