/** Row 1: one edge that crosses threads, by size of record. */
import type { Figure } from '../harness/figure.js'
import type { KindName } from '../records/kinds.js'

const titles: Readonly<Record<KindName, string>> = {
  numbers24: '4 numbers, 24 bytes',
  numbers64: '8 numbers, 64 bytes',
  text49: '5 fields, one a string of 49 characters',
  page1k: '9 fields, about 1 KB of text',
}

const kinds = Object.keys(titles) as KindName[]

export const edgeFigures: readonly Figure[] = kinds.map((kind) => ({
  id: `edge/${kind}`,
  title: `One edge: ${titles[kind]}`,
  unit: 'M records/s',
  better: 'higher',
  quick: kind === 'numbers64',
  contenders: [
    {
      id: 'sluice',
      label: 'Sluice',
      role: 'sluice',
      measure: async (options) => (await import('../contenders/edge-sluice.js')).measureEdge(kind, options),
    },
    {
      id: 'limit',
      label: 'ring written by hand',
      role: 'limit',
      measure: async (options) => (await import('../contenders/edge-ring.js')).measureRing(kind, options),
    },
    {
      id: 'objects',
      label: '`postMessage` of arrays of 256',
      role: 'peer',
      measure: async (options) => (await import('../contenders/edge-post.js')).measurePost(kind, 'objects', options),
    },
    {
      id: 'buffers',
      label: 'encoded by hand, transferred ArrayBuffers',
      role: 'peer',
      measure: async (options) => (await import('../contenders/edge-post.js')).measurePost(kind, 'buffers', options),
    },
  ],
}))

/** What an edge costs in code alone: the engine without its runtime, so an extra row. */
export const oneThreadFigures: readonly Figure[] = kinds.map((kind) => ({
  id: `one-thread/${kind}`,
  title: `Both ends of an edge on one thread (engine only): ${titles[kind]}`,
  unit: 'ns per record',
  better: 'lower',
  quick: kind === 'text49',
  contenders: [
    {
      id: 'sluice',
      label: 'Sluice',
      role: 'sluice',
      measure: async (options) => (await import('../contenders/edge-one-thread.js')).measureEngineOnOneThread(kind, options),
    },
    {
      id: 'limit',
      label: 'loops written by hand',
      role: 'limit',
      measure: async (options) => (await import('../contenders/edge-one-thread.js')).measureLoopOnOneThread(kind, options),
    },
  ],
}))
