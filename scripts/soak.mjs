/**
 * `npm run soak -- --minutes 10`: seeds of the simulator, and beside them seeds of real processes that are killed; either prints what it went through. Without
 * `--minutes` the simulator alone: `--seed 7` replays a seed, `--change '{"crashes":1}'` sets parts of its scenario. `--chaos` takes the real
 * processes instead (`--chaos --seed 7 --verbose`): a seed fixes what they do, but not when exactly they die.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const packages = resolve(import.meta.dirname, '../packages')
const only = ['--simulator', '--chaos'].find((flag) => process.argv.includes(flag))

if (only === undefined && process.argv.includes('--minutes')) await runBoth()
else {
  process.argv = process.argv.filter((argument) => argument !== only)
  await (only === '--chaos' ? chaos() : simulate())
}

/** In this process, from the sources. */
async function simulate() {
  const folder = join(packages, 'testing')
  const made = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
  process.on('exit', () => rmSync(made, { recursive: true, force: true }))
  await build(folder, {
    outfile: join(made, 'soak.mjs'),
    conditions: ['sluice-source'],
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
  })
  process.setSourceMapsEnabled(true)
  await import(pathToFileURL(join(made, 'soak.mjs')).href)
}

/** The real binary, as it is built; the harness lies where the package finds itself. */
async function chaos() {
  const folder = join(packages, 'runtime-workers')
  const made = join(folder, 'dist/chaos')
  mkdirSync(made, { recursive: true })
  const outfile = join(made, `soak-${process.pid}.mjs`)
  process.on('exit', () => rmSync(outfile, { force: true }))
  await build(folder, {
    outfile,
    packages: 'external',
    define: { 'import.meta.dirname': JSON.stringify(join(folder, 'test/chaos')) },
  })
  await import(pathToFileURL(outfile).href)
}

function build(folder, options) {
  return createRequire(join(folder, 'package.json'))('esbuild').build({
    absWorkingDir: folder,
    entryPoints: ['test/chaos/main.ts'],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'warning',
    ...options,
  })
}

async function runBoth() {
  const statuses = await Promise.all(
    ['--simulator', '--chaos'].map(
      (flag) =>
        new Promise((done) => {
          const child = spawn(process.execPath, [import.meta.filename, flag, ...process.argv.slice(2)], { stdio: 'inherit' })
          child.on('close', (status) => done(status ?? 1))
        }),
    ),
  )
  process.exitCode = Math.max(...statuses)
}
