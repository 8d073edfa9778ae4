/**
 * `npm run soak -- --minutes 10`: seeds of the chaos test one behind the other, from the sources, in this process. `--seed 7` replays one, `--change '{"crashes":1}'`
 * sets parts of its scenario.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = resolve(import.meta.dirname, '../packages/testing')
const { build } = createRequire(join(folder, 'package.json'))('esbuild')
const made = mkdtempSync(join(tmpdir(), 'sluice-soak-'))
process.on('exit', () => rmSync(made, { recursive: true, force: true }))

await build({
  absWorkingDir: folder,
  entryPoints: ['test/chaos/main.ts'],
  outfile: join(made, 'soak.mjs'),
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  conditions: ['sluice-source'],
  banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
  sourcemap: 'inline',
  logLevel: 'warning',
})
process.setSourceMapsEnabled(true)
await import(pathToFileURL(join(made, 'soak.mjs')).href)
