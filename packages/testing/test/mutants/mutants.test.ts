/** The simulator must be able to fail: every broken variant of the engine is caught within some seeds, and the engine as it is passes the same ones. */
import { build, type Plugin } from 'esbuild'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import type { Change } from '../chaos/run-seed.js'
import { type Mutant, mutants } from './mutants.js'

const SEEDS_MAX = 300
const testing = resolve(import.meta.dirname, '../..')
const engine = resolve(testing, '../engine/src')
const folder = mkdtempSync(join(tmpdir(), 'sluice-mutants-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Runner {
  readonly runSeed: (seed: number, change: Change) => Promise<{ readonly seed: number }>
}

/** A chaos test over an engine with these replacements. */
async function mutated(name: string, runner: string, mutant: Mutant | undefined): Promise<Runner> {
  const plugin: Plugin = {
    name: 'mutant',
    setup(bundle) {
      bundle.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const replacements = mutant?.replacements.filter(({ file = mutant.file }) => path === join(engine, file)) ?? []
        if (replacements.length === 0) return undefined
        let contents = readFileSync(path, 'utf8')
        for (const { find, by } of replacements) {
          const found = contents.split(find).length - 1
          if (found !== 1) throw new Error(`"${mutant?.name}": a text is in ${path} ${found} times instead of once:\n${find}`)
          contents = contents.replace(find, () => by)
        }
        return { contents, loader: 'ts' }
      })
    },
  }
  const outfile = join(folder, `${name}.mjs`)
  await build({
    absWorkingDir: testing,
    entryPoints: [`test/chaos/${runner}.ts`],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['sluice-source'],
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    plugins: [plugin],
    logLevel: 'silent',
  })
  return (await import(pathToFileURL(outfile).href)) as Runner
}

const unchanged = new Map<string, Promise<Runner>>()

function unchangedOf(runner: string): Promise<Runner> {
  let sound = unchanged.get(runner)
  if (sound === undefined) unchanged.set(runner, (sound = mutated(`sound-${runner}`, runner, undefined)))
  return sound
}

test.each(mutants.map((mutant, index) => ({ ...mutant, index })))('$name', { timeout: 240_000 }, async ({ index, ...mutant }) => {
  const runner = mutant.caughtBy ?? 'run-seed'
  const broken = await mutated(`mutant-${index}`, runner, mutant)
  const sound = await unchangedOf(runner)
  let caught: string | undefined
  for (let seed = 1; seed <= SEEDS_MAX && caught === undefined; seed++) {
    try {
      await broken.runSeed(seed, mutant.change)
    } catch (error) {
      await expect(sound.runSeed(seed, mutant.change), 'the engine as it is must pass').resolves.toMatchObject({ seed })
      caught = `seed ${seed}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
    }
  }
  expect(caught, `not caught by ${SEEDS_MAX} seeds`).toBeDefined()
  process.stdout.write(`\n${mutant.name}: ${caught}\n`)
})
