/**
 * Joins the modules of each package into few files, `dist/joined`: a thread that starts resolves, reads and compiles 10 files instead of
 * 250, which would be most of the start of a job. Reads `src`; types and checking are the compiler's. What is imported with `import()`
 * stays apart and is loaded when it is needed; packages stay apart from each other, so that a process holds one copy of each.
 */
import { createRequire } from 'node:module'
import { readdir, rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

const packages = resolve(import.meta.dirname, '../packages')
const { build } = createRequire(join(packages, 'runtime-workers/package.json'))('esbuild')

/** Entries by package: what its `exports` and `imports` lead to. */
const entries = {
  engine: ['src/index.ts'],
  operators: ['src/index.ts', 'src/connector.ts'],
  testing: ['src/index.ts'],
  'runtime-workers': ['src/index.ts', 'src/worker/worker-entry.ts'],
  cli: ['src/index.ts', 'src/bin.ts'],
  sluice: ['src/index.ts'],
  'connectors/otlp': ['src/index.ts'],
}

async function joinPackage([name, entryPoints]) {
  const folder = join(packages, name)
  const outdir = join(folder, 'dist/joined')
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints,
    outdir,
    // All in one folder: from each of them the package lies at the same distance.
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  })
  const written = new Set(Object.keys(metafile.outputs).map((file) => basename(file)))
  const stale = (await readdir(outdir)).filter((file) => !written.has(file))
  await Promise.all(stale.map((file) => rm(join(outdir, file))))
}

if (process.argv.includes('--clean')) {
  await Promise.all(Object.keys(entries).map((name) => rm(join(packages, name, 'dist/joined'), { recursive: true, force: true })))
} else await Promise.all(Object.entries(entries).map(joinPackage))
