/**
 * Packs every package as it would be published and asks publint and attw (esm-only profile) about the tarballs:
 * exports that lead to no file, types that do not match, files that are missing. Needs a build.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '..')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js')
const folder = mkdtempSync(join(tmpdir(), 'sluice-pack-'))
const complaints = []

try {
  await run(
    'npx',
    [
      '--yes',
      packageManager,
      '--filter',
      './packages/*',
      '--filter',
      './packages/connectors/*',
      '-r',
      'pack',
      '--pack-destination',
      folder,
    ],
    { cwd: root },
  )
  const packages = ['packages', 'packages/connectors'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .map((name) => join(root, folder, name))
      .filter((path) => existsSync(join(path, 'package.json'))),
  )
  const tarballs = new Map(readdirSync(folder).map((file) => [file, join(folder, file)]))
  for (const pkgDir of packages) {
    const manifest = JSON.parse(readFileSync(join(pkgDir, 'package.json'), 'utf8'))
    const file = `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`
    const tarball = tarballs.get(file)
    if (tarball === undefined) {
      complaints.push(`${manifest.name}: no tarball ${file} among ${[...tarballs.keys()].join(', ')}`)
      continue
    }
    const bytes = readFileSync(tarball)
    const { messages, pkg } = await publint({
      strict: true,
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    })
    for (const message of messages) complaints.push(`publint ${manifest.name}: ${formatMessage(message, pkg)}`)
  }
  const reports = [...tarballs.values()].map(async (tarball) => {
    const options = ['--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii']
    await run(process.execPath, [attw, tarball, ...options]).catch((error) => complaints.push(`attw: ${error.stdout}${error.stderr}`))
  })
  await Promise.all(reports)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

for (const complaint of complaints) console.error(complaint)
process.exitCode = complaints.length === 0 ? 0 : 1
