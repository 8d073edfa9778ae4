/** Row 3: a chain of maps and filters on one thread. */
import type { ChainStyle } from '../contenders/chain.js'
import type { Contender, Figure } from '../harness/figure.js'
import type { ChainName } from '../records/chain-steps.js'

const titles: Readonly<Record<ChainName, string>> = {
  '1-map': '1 map',
  '4-maps': '4 maps',
  '16-maps': '16 maps',
  '16-mixed': '8 maps and 8 filters',
}

const styles: readonly { style: ChainStyle; label: string; role: Contender['role'] }[] = [
  { style: 'generatedLoop', label: 'generated loop over arrays', role: 'limit' },
  { style: 'inlinedLoop', label: 'loop with everything inlined', role: 'peer' },
  { style: 'rxjs', label: 'RxJS', role: 'peer' },
  { style: 'nodeStreams', label: 'node:stream, object mode', role: 'peer' },
  { style: 'asyncGenerators', label: 'async generators', role: 'peer' },
]

export const chainFigures: readonly Figure[] = (Object.keys(titles) as ChainName[]).map((chain) => ({
  id: `chain/${chain}`,
  title: `Chain: ${titles[chain]}`,
  unit: 'ns per record',
  better: 'lower',
  quick: chain === '16-maps',
  contenders: [
    {
      id: 'sluice',
      label: 'Sluice',
      role: 'sluice',
      measure: async (options) => (await import('../contenders/chain.js')).measureChain(chain, options),
    },
    ...styles.map(
      ({ style, label, role }): Contender => ({
        id: style === 'generatedLoop' ? 'limit' : style,
        label,
        role,
        measure: async (options) => (await import('../contenders/chain.js')).measureChainLoop(style, chain, options),
      }),
    ),
  ],
}))
