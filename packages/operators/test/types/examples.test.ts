/** Every example in the JSDoc of the public API, and in the pages about concepts, compiles as a user would type it, and can be declared. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import * as sluice from '../../src/index.js'
import { compile } from '../support/compile.js'

const source = join(dirname(fileURLToPath(import.meta.url)), '../../src')
const repository = join(source, '../../..')
const docs = join(repository, 'docs')
/** Pages written by hand: a block of TypeScript with `export default` is a whole job file, one that imports from sluice a program, every other one an example. */
const pages = [
  ...['calls', 'flow-control', 'ingress'].flatMap((folder) => readdirSync(join(docs, folder)).map((page) => `docs/${folder}/${page}`)),
  'docs/telemetry/tail-sampling.md',
  ...['checkpoints', 'event-time', 'joins', 'recover-a-job', 'state', 'windows'].map((page) => `docs/${page}.md`),
]

/** What examples may take for granted. */
const head = `import { type Duration, type JobBuilder, type Stream, ${Object.keys(sluice).join(', ')} } from 'sluice'
import { z } from 'zod'
import { createWriteStream } from 'node:fs'
interface Order { readonly id: number; readonly customer: string; readonly amount: number; readonly at: number }
declare const job: JobBuilder
declare const orders: Stream<Order, 'no timestamps'>
declare const stream: Stream<Order, 'no timestamps'>
declare const readings: Stream<Order, 'no timestamps'>
declare const database: { insert(table: string, rows: readonly unknown[]): Promise<void> }
`

/** Blocks of TypeScript by page and line. */
function blocksOf(names: readonly string[]): Record<string, string> {
  const blocks: Record<string, string> = {}
  for (const page of names) {
    const text = readFileSync(join(repository, page), 'utf8')
    for (const block of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
      blocks[`${page.replace('.md', '').replaceAll('/', '-')}-${text.slice(0, block.index).split('\n').length}`] = block[1] ?? ''
    }
  }
  return blocks
}

/** The blocks that are whole files, or those that are not. */
function pick(blocks: Readonly<Record<string, string>>, kind: 'job' | 'program' | 'example'): Record<string, string> {
  const kindOf = (code: string): string =>
    code.includes('export default ') ? 'job' : code.includes(" from 'sluice'") ? 'program' : 'example'
  return Object.fromEntries(Object.entries(blocks).filter(([, code]) => kindOf(code) === kind))
}

/** Examples by where they stand. */
function findExamples(): Record<string, string> {
  const examples: Record<string, string> = {}
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  for (const file of files.toSorted()) {
    const text = readFileSync(join(source, file), 'utf8')
    for (const comment of text.matchAll(/\/\*\*.*?\*\//gs)) {
      const line = text.slice(0, comment.index).split('\n').length
      const body = comment[0].slice(3, -2).replaceAll(/^\s*\* ?/gm, '')
      for (const [at, example] of body
        .split(/^@example\b/m)
        .slice(1)
        .entries()) {
        const code = example.split(/^@\w+/m)[0] ?? ''
        examples[`${file.replaceAll(/[/\\]/g, '-').replace(/\.ts$/, '')}-${line}-${at + 1}`] = code.trim()
      }
    }
  }
  return { ...examples, ...pick(blocks, 'example') }
}

/** The interfaces whose members are operators. */
const faces = new Set(['JobBuilder', 'Stream', 'KeyedStream', 'WindowedStream', 'WindowResult', 'ProcessedStream'])

/** Functions and methods that users write jobs with, and how many examples their overloads have together. */
function countExamples(): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (name: string, node: ts.Node): void => {
    const tags = ts.getJSDocTags(node).filter(({ tagName }) => tagName.text === 'example')
    counts[name] = (counts[name] ?? 0) + tags.length
  }
  for (const path of readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))) {
    const file = ts.createSourceFile(path, readFileSync(join(source, path), 'utf8'), ts.ScriptTarget.Latest, true)
    for (const node of file.statements) {
      if ((ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) && node.name !== undefined && node.name.text in sluice)
        add(node.name.text, node)
      if (!ts.isInterfaceDeclaration(node) || !faces.has(node.name.text)) continue
      for (const member of node.members)
        if (member.name !== undefined && ts.isIdentifier(member.name)) add(`${node.name.text}.${member.name.text}`, member)
    }
  }
  return counts
}

const blocks = blocksOf(pages)
const examples = findExamples()
const jobs = pick(blocks, 'job')
const programs = pick(blocks, 'program')

test('there are examples', () => {
  expect(Object.keys(examples).length).toBeGreaterThan(30)
})

test('everything that jobs are written with has an example', () => {
  const counts = countExamples()
  expect(Object.keys(sluice).filter((name) => !(name in counts))).toEqual([])
  expect(new Set(Object.keys(counts).map((name) => name.split('.')[0]))).toEqual(new Set([...faces, ...Object.keys(sluice)]))
  expect(Object.keys(counts).filter((name) => counts[name] === 0)).toEqual([])
})

test('every example compiles', () => {
  const snippets = Object.fromEntries(Object.entries(examples).map(([place, code]) => [place, `${head}${code}\nexport {}\n`]))
  const diagnostics = compile({ ...snippets, ...jobs })
  expect(Object.entries(diagnostics).filter(([, messages]) => messages.length > 0)).toEqual([])
})

test('the jobs and programs of README and the pages compile against what `sluice` exports', () => {
  const readme = blocksOf(['README.md'])
  // What README calls flight-delays.ts is imported by its program.
  const named = Object.entries(readme).map(([place, code]) => [/^\/\/ ([\w-]+)\.ts\n/.exec(code)?.[1] ?? place, code])
  const snippets = { ...programs, ...Object.fromEntries(named) }
  expect(Object.keys(programs).length).toBeGreaterThan(0)
  expect(Object.keys(snippets)).toContain('flight-delays')
  const diagnostics = compile(snippets, join(repository, 'packages/sluice/src/index.ts'))
  expect(Object.entries(diagnostics).filter(([, messages]) => messages.length > 0)).toEqual([])
})

test('every page of flow control is listed in README and in its overview, and no link of the pages leads nowhere', () => {
  const folder = join(docs, 'flow-control')
  const linksOf = (file: string): string[] =>
    [
      ...readFileSync(file, 'utf8')
        .replaceAll(/^```.*?^```$/gms, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ]
      .map(([, link = '']) => link)
      .filter((link) => !link.startsWith('http'))
  const files = [join(repository, 'README.md'), ...readdirSync(folder).map((page) => join(folder, page))]
  const dead = files.flatMap((file) =>
    linksOf(file)
      .filter((link) => !leadsSomewhere(file, link))
      .map((link) => `${file}: ${link}`),
  )
  expect(dead).toEqual([])
  const guides = readdirSync(folder).filter((page) => page !== 'README.md')
  expect(guides.filter((page) => !linksOf(join(folder, 'README.md')).includes(page))).toEqual([])
  expect(guides.filter((page) => !linksOf(join(repository, 'README.md')).includes(`docs/flow-control/${page}`))).toEqual([])
})

/** A file or folder that is there, and in a page the heading. */
function leadsSomewhere(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from : join(dirname(from), path)
  if (!existsSync(target)) return false
  if (anchor === undefined) return true
  const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading)
  return headings.some(
    (heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-') === anchor,
  )
}

test('the glossary says each word once', () => {
  const terms = [...readFileSync(join(repository, 'GLOSSARY.md'), 'utf8').matchAll(/^\| ([^|]+?) \|/gm)].map(([, term]) => term)
  expect(terms.filter((term, index) => terms.indexOf(term) !== index)).toEqual([])
})

test.each(Object.entries(examples))('example %s can be declared', (_place, code) => {
  const { outputText } = ts.transpileModule(`${head}${code}\nexport {}\n`, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const load = createRequire(import.meta.url)
  const require = (name: string): unknown => (name === 'sluice' ? sluice : load(name))
  const declared = sluice.defineJob({ name: 'example' }, (job) => {
    const orders = job.source('orders', sluice.fromArray([{ id: 1, customer: 'a', amount: 1, at: 0 }]))
    const run = new Function('require', 'exports', 'job', 'orders', 'stream', 'readings', 'database', outputText)
    run(require, {}, job, orders, orders, orders, { insert: () => Promise.resolve() })
  })
  expect(declared.declare({}, { collect: false }).nodes.length).toBeGreaterThan(0)
})

test.each(Object.entries(jobs))('job %s can be declared', async (_place, code) => {
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } })
  const load = createRequire(import.meta.url)
  const exported: { default?: sluice.Job<unknown, unknown> } = {}
  new Function('require', 'exports', outputText)((name: string): unknown => (name === 'sluice' ? sluice : load(name)), exported)
  const job = exported.default!
  expect(job.declare(await job.parseParams({}), { collect: false }).nodes.length).toBeGreaterThan(1)
})
