/** How much longer `tsc --noEmit` takes for a job of 200 nodes than for a job of 2, in seconds. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { MeasureOptions, Measurement } from '../harness/figure.js'

const NODES = 200
const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc')
/** Inside the package, so that `sluice` and `zod` are found as in a user's project. */
const FOLDER = new URL('../type-check/', import.meta.url)

const CONFIG = {
  compilerOptions: {
    target: 'ES2022',
    lib: ['ES2023'],
    module: 'NodeNext',
    moduleResolution: 'NodeNext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  },
}

export async function measureTypeCheck(_options: MeasureOptions): Promise<Measurement> {
  const small = typeCheck('small', 2)
  const large = typeCheck('large', NODES)
  return {
    value: large.seconds - small.seconds,
    details: {
      [`${NODES} nodes`]: large.seconds,
      '2 nodes': small.seconds,
      'of the difference, in the checker': large.checkSeconds - small.checkSeconds,
    },
  }
}

interface TypeCheck {
  readonly seconds: number
  /** What the compiler counts as checking. */
  readonly checkSeconds: number
}

function typeCheck(name: string, nodes: number): TypeCheck {
  const folder = new URL(`${name}/`, FOLDER)
  mkdirSync(folder, { recursive: true })
  writeFileSync(new URL('tsconfig.json', folder), JSON.stringify({ ...CONFIG, files: ['job.ts'] }))
  writeFileSync(new URL('package.json', folder), JSON.stringify({ type: 'module' }))
  writeFileSync(new URL('job.ts', folder), jobText(nodes))
  const startMs = performance.now()
  const { status, stdout } = spawnSync(process.execPath, [TSC, '--extendedDiagnostics', '-p', fileURLToPath(folder)], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the generated job does not compile:\n${stdout}`)
  return { seconds: (performance.now() - startMs) / 1000, checkSeconds: Number(/Check time:\s+([\d.]+)s/.exec(stdout)?.[1]) }
}

/** Pipelines of eight operators of every common kind, each with types that follow from the ones before, over one source. */
function jobText(nodes: number): string {
  const lines: string[] = []
  let made = 1
  for (let line = 0; made < nodes; line++) {
    const steps = [
      `.map((record) => ({ ...record, m${line}: record.id * ${line + 1} }))`,
      `.filter((record) => record.m${line} > ${line})`,
      `.flatMap((record) => [record, { ...record, id: record.id + 1 }])`,
      `.select('id', 'name', 'm${line}')`,
      `.mapAsync('async-${line}', async (record) => ({ ...record, at${line}: record.name.length }), { concurrency: 4 })`,
      `.keyBy((record) => record.name)\n    .aggregate('totals-${line}', { n: count(), most: max((record) => record.m${line}) }, { emit: 'end' })`,
      `.process('process-${line}', (record) => [{ name: record.key, n: record.n, most: record.most }])`,
    ].slice(0, Math.max(0, nodes - made - 1))
    lines.push(`  source\n    ${steps.join('\n    ')}\n    .sink('sink-${line}', forEach((record) => void record))`)
    made += steps.length + 1
  }
  return `import { count, defineJob, forEach, generate, max } from 'sluice'
import { z } from 'zod'

export default defineJob({ name: 'checked', params: z.object({ records: z.number().default(10) }) }, (job, params) => {
  const source = job.source('records', generate((id) => ({ id, name: \`name \${id}\`, tags: ['a'] }), { count: params.records }))
${lines.join('\n')}
})
`
}
