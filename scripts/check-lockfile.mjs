/** The lockfile names versions and hashes only: a registry host in it would bind every clone to that registry. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

const lines = readFileSync(resolve(import.meta.dirname, '../pnpm-lock.yaml'), 'utf8').split('\n')
const wrong = lines.flatMap((line, index) =>
  /tarball:|https?:\/\//.test(line) && !/^\s*deprecated:/.test(line) ? [`pnpm-lock.yaml:${index + 1}: ${line.trim()}`] : [],
)

for (const line of wrong) console.error(line)
process.exitCode = wrong.length === 0 ? 0 : 1
