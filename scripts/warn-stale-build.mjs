/** Before tests that run from dist: say which packages have sources that are newer than their build. */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const packages = resolve(import.meta.dirname, '../packages')

export default function warnStaleBuild() {
  const connectors = readdirSync(join(packages, 'connectors')).map((name) => join('connectors', name))
  const names = [...readdirSync(packages).filter((name) => name !== 'connectors'), ...connectors]
  const stale = names.filter((name) => {
    const outputs = ['dist/.tsbuildinfo', 'dist/joined/index.js'].map((file) => join(packages, name, file))
    const built = Math.min(...outputs.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0))
    const sources = readdirSync(join(packages, name, 'src'), { recursive: true })
    return sources.some((file) => file.endsWith('.ts') && statSync(join(packages, name, 'src', file)).mtimeMs > built)
  })
  if (stale.length > 0)
    console.warn(
      `\nThe build is older than the sources of ${stale.join(', ')}: these tests run from dist, so run \`npm run build\` first.\n`,
    )
}
