/** Rows 6 to 9: a job at rest, a stalled sink, the start of a job, type checking. */
import type { StartStyle } from '../contenders/start-up.js'
import type { Contender, Figure } from '../harness/figure.js'

const startStyles: readonly { style: StartStyle; label: string; role: Contender['role'] }[] = [
  { style: 'run', label: '`sluice run tiny.job.ts`', role: 'sluice' },
  { style: 'inThread', label: 'a program that calls `run(job)` on its own thread', role: 'extra' },
  { style: 'thread', label: 'a process that starts one bare thread', role: 'limit' },
]

export const wholeJobFigures: readonly Figure[] = [
  {
    id: 'idle/cpu',
    title: 'Idle job on 2 workers',
    unit: '% of a core',
    better: 'lower',
    quick: true,
    processesMax: 3,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice, `generate` with rate 0.001',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/idle.js')).measureIdle('rate', options),
      },
      {
        id: 'iterable',
        label: 'Sluice, an async iterable that never yields',
        role: 'extra',
        measure: async (options) => (await import('../contenders/idle.js')).measureIdle('iterable', options),
      },
      {
        id: 'limit',
        label: 'two bare threads',
        role: 'limit',
        measure: async (options) => (await import('../contenders/idle.js')).measureIdleThreads(options),
      },
    ],
  },
  ...(['numbers64', 'page1k'] as const).map(
    (kind): Figure => ({
      id: `stalled/${kind}`,
      title: `Held above the bound behind a stalled sink: records of ${kind === 'numbers64' ? '64 bytes' : 'about 1 KB'}`,
      unit: 'bytes',
      better: 'lower',
      quick: kind === 'page1k',
      processesMax: 3,
      contenders: [
        {
          id: 'sluice',
          label: 'Sluice',
          role: 'sluice',
          measure: async (options) => (await import('../contenders/stalled.js')).measureStalled(kind, options),
        },
      ],
    }),
  ),
  {
    id: 'start/first-record',
    title: 'Start of a process to the first record',
    unit: 'ms',
    better: 'lower',
    quick: true,
    processesMax: 3,
    contenders: startStyles.map(({ style, label, role }) => ({
      id: style === 'run' ? 'sluice' : style === 'thread' ? 'limit' : style,
      label,
      role,
      measure: async (options) => (await import('../contenders/start-up.js')).measureStart(style, options),
    })),
  },
  {
    id: 'types/200-nodes',
    title: 'Type checking a job of 200 nodes, beyond one of 2',
    unit: 's',
    better: 'lower',
    quick: false,
    contenders: [
      {
        id: 'sluice',
        label: 'Sluice',
        role: 'sluice',
        measure: async (options) => (await import('../contenders/type-check.js')).measureTypeCheck(options),
      },
    ],
  },
]
