/** Row 1: one edge that crosses threads, by size of record. */
import type { Figure } from '../harness/figure.js'
import type { KindName } from '../records/kinds.js'

const titles: Readonly<Record<KindName, string>> = {
  numbers24: '4 numbers, 24 bytes',
  numbers64: '8 numbers, 64 bytes',
  text49: '5 fields, one a string of 49 characters',
  page1k: '9 fields, about 1 KB of text',
}

export const edgeFigures: readonly Figure[] = (Object.keys(titles) as KindName[]).map((kind) => ({
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
