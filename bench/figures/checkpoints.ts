/** What checkpoints cost, how fast they are under pressure, and how fast a job comes back from one. */
import type { Contender, Figure } from '../harness/figure.js'

const KEYS = '1 M keys'

const withAndWithout = (measure: (withCheckpoints: boolean) => Contender['measure']): readonly Contender[] => [
  { id: 'sluice', label: 'Sluice, a checkpoint every second', role: 'sluice', measure: measure(true) },
  { id: 'none', label: 'Sluice, no checkpoints', role: 'limit', measure: measure(false) },
]

const pressure = [
  { mode: 'unaligned', title: 'unaligned' },
  { mode: 'aligned-timeout', title: 'aligned for 500 ms, then unaligned' },
] as const

export const checkpointFigures: readonly Figure[] = [
  {
    id: 'checkpoints/throughput',
    title: `Running count and sum per key, ${KEYS}, 2 workers, with checkpoints`,
    unit: 'M records/s',
    better: 'higher',
    quick: true,
    contenders: withAndWithout((on) => async (options) => (await import('../contenders/checkpoints.js')).measureThroughput(on, options)),
  },
  {
    id: 'checkpoints/pause',
    title: 'The same job: longest pause between records of a thread',
    unit: 'ms',
    better: 'lower',
    quick: true,
    contenders: withAndWithout((on) => async (options) => (await import('../contenders/checkpoints.js')).measurePause(on, options)),
  },
  {
    id: 'checkpoints/size',
    title: 'The same job: a checkpoint to its raw state, 32 bytes per key',
    unit: 'x',
    better: 'lower',
    quick: true,
    processesMax: 2,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/checkpoints.js')).measureSize(options),
      },
    ],
  },
  ...pressure.map(
    ({ mode, title }): Figure => ({
      id: `checkpoints/${mode}`,
      title: `Checkpoint behind a sink that does not return, three hops, windows full: ${title}`,
      unit: 'ms',
      better: 'lower',
      quick: true,
      processesMax: 3,
      contenders: [
        {
          id: 'sluice',
          label: 'Sluice, a restore from it is exact',
          role: 'sluice',
          measure: async (options) => (await import('../contenders/checkpoint-under-pressure.js')).measureUnderPressure(mode, options),
        },
      ],
    }),
  ),
  {
    id: 'checkpoints/restore',
    title: `Restore of ${KEYS}, from the call of run to the first result`,
    unit: 'ms',
    better: 'lower',
    quick: true,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/restore.js')).measureRestore(options),
      },
    ],
  },
]
