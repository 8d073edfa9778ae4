/** Where the process forbids code from strings: the interpreting codec takes over, with the same bytes. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { roundTrip } from './round-trip.js'

const source = new URL('../../src/', import.meta.url)

const program = `
import { createRecordDecoder, createRecordEncoder } from './codec/index.js'
let allowed = true
try { new Function('return 1') } catch { allowed = false }
const decoder = createRecordDecoder()
const definitions = []
const encoder = createRecordEncoder({ onDefine: (bytes) => { definitions.push(Buffer.from(bytes).toString('hex')); decoder.define(bytes) } })
const bytes = Buffer.from(encoder.encodeLarge({ id: 7, name: 'x', tags: ['a', 'b'], at: { lat: 0.5, lon: null } }))
const value = decoder.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes, { at: 0 })
console.log(JSON.stringify({ allowed, definitions, bytes: bytes.toString('hex'), value }))
`

/** The child has no TypeScript: it gets the two folders as JavaScript. */
function transpile(folder: string): void {
  for (const part of ['codec', 'errors']) {
    mkdirSync(join(folder, part))
    for (const name of readdirSync(new URL(`${part}/`, source))) {
      const text = readFileSync(new URL(`${part}/${name}`, source), 'utf8')
      const { outputText } = ts.transpileModule(text, { compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 } })
      writeFileSync(join(folder, part, name.replace(/\.ts$/, '.js')), outputText)
    }
  }
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  writeFileSync(join(folder, 'main.js'), program)
}

test('records pass, with the bytes of the generated codec', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-codec-'))
  try {
    transpile(folder)
    const child = spawnSync(process.execPath, ['--disallow-code-generation-from-strings', join(folder, 'main.js')], { encoding: 'utf8' })
    expect(child.stderr).toBe('')
    const value = { id: 7, name: 'x', tags: ['a', 'b'], at: { lat: 0.5, lon: null } }
    const codec = roundTrip({ generate: true })
    const bytes = Buffer.from(codec.encoder.encodeLarge(value)).toString('hex')
    const definitions = codec.definitions.map((definition) => Buffer.from(definition).toString('hex'))
    expect(JSON.parse(child.stdout)).toEqual({ allowed: false, definitions, bytes, value })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
