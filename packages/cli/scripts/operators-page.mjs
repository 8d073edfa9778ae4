/**
 * `docs/operators.md` from the docstrings of what users write with. Read with the TypeScript parser alone: no type is resolved, so it
 * takes a fraction of a second and needs no build. What is public and stands in no section, or has no text, is an error.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'

const source = resolve(import.meta.dirname, '../../operators/src')

/** The interfaces whose members are operators, as readers meet them, and what their members are called on. */
const receivers = [
  ['The job', 'JobBuilder', 'job', 'Where streams begin. `defineJob` gives it to the function that declares the job.'],
  ['Streams', 'Stream', 'stream', 'What every stream has, whether its records have a key or not.'],
  [
    'Keyed streams',
    'KeyedStream',
    'keyed',
    'What `keyBy` gives: all records of a key meet in one subtask. See [state](state.md) and [joins](joins.md).',
  ],
  ['Windowed streams', 'WindowedStream', 'windowed', 'What `window` and `windowAll` give. See [windows](windows.md).'],
  ['Results of windows and joins', 'WindowResult', 'result', 'Results are streams, with what came too late beside them.'],
  ['Results of tail sampling', 'TailSampledStream', 'sampled', 'Results are streams, with what was dropped beside them.'],
  ['Results of process', 'ProcessedStream', 'processed', 'Results are streams, with side outputs beside them.'],
]

/** Functions by the files that hold them. */
const groups = [
  ['Windows', /^window\/assigners/, 'Given to `window`, `windowAll` and `windowJoin`. See [windows](windows.md).'],
  ['Triggers', /^window\/triggers/, 'When windows give results; given as `trigger` with the windows. See [windows](windows.md#triggers).'],
  ['State', /^state\//, 'Declared under `state` of `process`, `coProcess` and `connectBroadcast`. See [state](state.md).'],
  [
    'Policies of tail sampling',
    /^sample\//,
    'Given in order as `policies` of `tailSample`: the first that keeps or drops a trace decides. See [tail-based sampling](telemetry/tail-sampling.md).',
  ],
  ['Aggregators', /^aggregate\//, 'Given by the name of their result to `aggregate`, of keyed streams and of windows.'],
  ['Sources', /^(source|ingress)\//, 'Given to `job.source(name, source, options)`.'],
  ['Sinks', /^sink\//, 'Given to `stream.sink(name, sink, options)`.'],
  ['Beside streams', /^(call|stream|join|job|duration|schema)\//, 'What belongs to no stream.'],
]

/** For tools that load jobs, not for jobs. */
const notForJobs = new Set(['coerceParams', 'isJob', 'parseByteSize', 'parseDuration'])

const files = new Map()

/** Every operator with its text: `{ section, name, call, declarations, text, examples, codes, options }`. */
export function describeOperators() {
  const index = parse('index.ts')
  const entries = []
  for (const [section, of, on] of receivers) entries.push(...membersOf(find(index, of), section, on))
  for (const { name, file } of exportedValues(index)) {
    if (notForJobs.has(name)) continue
    const group = groups.find(([, pattern]) => pattern.test(file))
    if (group === undefined) throw new Error(`${name} of ${file} belongs to no section of docs/operators.md`)
    entries.push(describe(group[0], name, name, functionsOf(parse(file), name)))
  }
  return entries
}

export function operatorsPage() {
  const entries = describeOperators()
  const sections = [...receivers.map(([title, , , about]) => [title, about]), ...groups.map(([title, , about]) => [title, about])]
  const parts = sections.map(([title, about]) => {
    const own = entries.filter(({ section }) => section === title)
    return `## ${title}\n\n${about}\n\n${own.map((entry) => entryText(entry)).join('\n\n')}`
  })
  const contents = sections.map(([title]) => {
    const own = entries.filter(({ section }) => section === title)
    return `| [${title}](#${anchorOf(title)}) | ${own.map((entry) => `[\`${entry.name}\`](#${entry.anchor})`).join(', ')} |`
  })
  return `# Operators

<!-- Generated from the docstrings of packages/operators/src by packages/cli/scripts/generate-docs.mjs. -->

Everything a job is written with. Examples stand inside the function of \`defineJob\`, import what they use from \`sluice\`, and begin at
\`orders\`, a stream of \`{ id: number, customer: string, amount: number, at: number }\`; each of them is compiled and declared by the tests. Options
may be left out where nothing else is said. A \`Duration\` is a number of ms or text such as \`'250ms'\`, \`'10s'\`, \`'1h30m'\`, \`'1d'\`; a \`Ttl\` is one, or
\`{ after, time, refresh }\` ([time to live](state.md#time-to-live)).

Wherever a function of yours throws, the job fails with \`SLUICE_OPERATOR_FAILED\`; an option that makes no sense is \`SLUICE_OPTIONS_INVALID\` or
\`SLUICE_DURATION_INVALID\` before the job starts. The codes below come on top of these. [All errors](errors.md).

| | |
| --- | --- |
${contents.join('\n')}

${parts.join('\n\n')}
`
}

function entryText({ anchor, call, declarations, text, options, examples, codes }) {
  const parts = [`<a id="${anchor}"></a>\n### ${call}`, code(declarations.join('\n')), text]
  for (const { title, rows } of options) {
    parts.push(
      `| ${title} | type | meaning |\n| --- | --- | --- |\n${rows.map(({ name, type, meaning }) => `| \`${name}\` | \`${cell(type)}\` | ${cell(meaning)} |`).join('\n')}`,
    )
  }
  parts.push(...examples.map((example) => code(example)))
  if (codes.length > 0) parts.push(`Errors: ${codes.map((name) => `[\`${name}\`](errors.md#${name.toLowerCase()})`).join(', ')}.`)
  return parts.join('\n\n')
}

const code = (text) => `\`\`\`ts\n${text}\n\`\`\``
const cell = (text) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
const anchorOf = (title) => title.toLowerCase().replaceAll(' ', '-')

/** Members of an interface that are public, overloads together. */
function membersOf(declaration, section, on) {
  const byName = new Map()
  for (const member of declaration.members) {
    if (ts.isComputedPropertyName(member.name)) continue
    const name = member.name.text
    byName.set(name, [...(byName.get(name) ?? []), member])
  }
  return [...byName].map(([name, members]) => describe(section, name, `${on}.${name}`, members, on))
}

/** The declarations of an exported function or class that users see: overloads without the implementation behind them. */
function functionsOf(file, name) {
  const isDeclaration = (node) => ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)
  const all = file.statements.filter((node) => isDeclaration(node) && node.name?.text === name)
  if (all.some(ts.isClassDeclaration)) return all
  const overloads = all.filter((node) => node.body === undefined)
  return overloads.length > 0 ? overloads : all
}

function describe(section, name, path, nodes, on) {
  const texts = []
  const examples = []
  for (const node of nodes) {
    const { text, throws, params, examples: own } = docOf(node)
    examples.push(...own)
    if (text === '') continue
    texts.push([text, ...params, ...throws].join('\n\n'))
  }
  if (texts.length === 0) throw new Error(`${path} has no documentation`)
  const isMethod = nodes.some((node) => parametersOf(node) !== undefined)
  const options = optionsOf(nodes)
  const words = [...texts, ...options.flatMap(({ rows }) => rows.map(({ meaning }) => meaning))].join(' ')
  return {
    section,
    name,
    anchor: path.toLowerCase().replaceAll('.', '-'),
    call: `\`${nodes.some(ts.isClassDeclaration) ? 'new ' : ''}${path}${isMethod ? '(...)' : ''}\``,
    declarations: withoutDoubles(nodes.map((node) => signatureOf(node, on))),
    text: texts.join('\n\n'),
    options,
    examples,
    codes: [...new Set(words.match(/SLUICE_[A-Z_]+/g) ?? [])].toSorted(),
  }
}

function docOf(node) {
  const [doc] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)
  const textOf = (comment) => (ts.getTextOfJSDocComment(comment) ?? '').trim()
  const tags = [...(doc?.tags ?? [])]
  const tagged = (tag) => tags.filter(({ tagName }) => tagName.text === tag)
  return {
    text: textOf(doc?.comment),
    throws: tagged('throws').map(({ comment }) => `Fails with ${textOf(comment).replaceAll(/SLUICE_[A-Z_]+/g, '`$&`')}`),
    params: tagged('param').map((tag) => `\`${tag.name.getText()}\`: ${textOf(tag.comment)}`),
    examples: tagged('example').map((tag) => exampleOf(tag)),
  }
}

/** As it stands in the source: the parser would cut what lies deeper than the first line. */
function exampleOf(tag) {
  const text = tag.getSourceFile().text.slice(tag.tagName.end, tag.end)
  return text
    .replace(/\*\/$/, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
    .join('\n')
    .trim()
}

/** Overloads may differ in rules of types alone; of two that differ in whether options may be left out, the laxer one says both. */
function withoutDoubles(signatures) {
  const distinct = [...new Set(signatures)]
  return distinct.filter((signature) => {
    const laxer = signature.replace('options)', 'options?)')
    return laxer === signature || !distinct.includes(laxer)
  })
}

/** Of a function, a method or the constructor of a class. */
function parametersOf(node) {
  return ts.isClassDeclaration(node) ? node.members.find(ts.isConstructorDeclaration)?.parameters : node.parameters
}

/** Parameters as they are named, and what comes back without the type parameters that only carry rules. */
function signatureOf(node, on) {
  if (ts.isClassDeclaration(node)) {
    const names = parametersOf(node).map(
      ({ name, initializer }) => `${ts.isIdentifier(name) ? name.text : 'options'}${initializer === undefined ? '' : '?'}`,
    )
    return `new ${node.name.text}(${names.join(', ')})`
  }
  const dot = on === undefined ? '' : '.'
  if (node.parameters === undefined) return `${dot}${node.name.text}: ${plainType(node.type)}`
  const parameters = node.parameters.map((parameter) => {
    const optional = parameter.questionToken !== undefined || parameter.initializer !== undefined ? '?' : ''
    const rest = parameter.dotDotDotToken === undefined ? '' : '...'
    const { type } = parameter
    const shown = type !== undefined && (ts.isFunctionTypeNode(type) || isSimple(type)) ? `: ${plainType(type)}` : ''
    return `${rest}${parameter.name.getText()}${optional}${shown}`
  })
  return `${dot}${node.name.text}(${parameters.join(', ')}): ${plainType(node.type)}`
}

/** Types that say more than the name of their parameter does. */
function isSimple(type) {
  if (ts.isTypeReferenceNode(type)) return type.getText() === 'Duration'
  return !ts.isIntersectionTypeNode(type) && !ts.isTypeLiteralNode(type)
}

function plainType(type) {
  return type
    .getText()
    .replaceAll(/\s+/g, ' ')
    .replace(/^(?:WithLetters|SinkWithLetters)<O, (.*)>$/, '$1')
    .replaceAll(/\b(Sync|Emitted)<(\w+)>/g, (_all, of, name) => (of === 'Sync' ? name : `Iterable<${name}> | void`))
    .replaceAll(/\bEmitted<Element<(\w+)>>/g, '$1')
    .replaceAll(/Element<R1>( \| Element<R\d>)+/g, 'R')
    .replaceAll(/\bElement<R>/g, 'R')
    .replaceAll(/WindowResult< ?\{ readonly \[P in .*\}, T, C ?>/g, 'WindowResult<{ key: K, window: TimeWindow, ...results }>')
    .replaceAll(/Stream<\{ readonly \[P in .*\}, C>/g, 'Stream<{ key: K, ...results }>')
    .replaceAll(/\(J extends '\w+' \? (undefined : never|never : undefined)\)/g, 'undefined')
    .replaceAll(/, (C \| CaveatOf<S\[number\]>|Exclude<C, 'no timestamps'>|C \| D|C|'no timestamps')>/g, '>')
    .replaceAll(/RecordOf<S\[number\]>/g, 'RecordOf<S>')
    .replaceAll('StandardSchemaV1.InferOutput<S>', 'T')
    .replaceAll("WindowAssigner<'lossy'>", 'WindowAssigner')
    .replaceAll('WindowAssigner<Caveat>', 'WindowAssigner')
    .replaceAll('T & K & Key<K>', 'K')
    .replaceAll('K & Key<K>', 'K')
    .replaceAll('NoInfer<T>', 'T')
}

/** Tables of the options and handlers that a function takes, without doubles among its overloads. */
function optionsOf(nodes) {
  const tables = new Map()
  for (const node of nodes) {
    for (const parameter of parametersOf(node) ?? []) {
      const name = parameter.name.getText()
      const title = ts.isIdentifier(parameter.name) ? name : 'options'
      if (!/^(options|handlers|definition|resource)$/.test(title) || parameter.type === undefined) continue
      const rows = tables.get(title) ?? new Map()
      // Options that say more of the result have a type parameter.
      const typeParameter = node.typeParameters?.find((each) => each.name.text === parameter.type.getText())
      for (const row of rowsOf(typeParameter?.constraint ?? parameter.type)) if (!rows.has(row.name)) rows.set(row.name, row)
      tables.set(title, rows)
    }
  }
  return [...tables].map(([title, rows]) => ({ title, rows: [...rows.values()] })).filter(({ rows }) => rows.length > 0)
}

/** What may be written in an object of a type: through references, unions, intersections and what interfaces extend. */
function rowsOf(type, seen = new Set()) {
  if (ts.isParenthesizedTypeNode(type)) return rowsOf(type.type, seen)
  if (ts.isUnionTypeNode(type) || ts.isIntersectionTypeNode(type)) return type.types.flatMap((part) => rowsOf(part, seen))
  if (ts.isTypeLiteralNode(type)) return ownRows(type.members)
  if (!ts.isTypeReferenceNode(type) && !ts.isExpressionWithTypeArguments(type)) return []
  const name = (ts.isTypeReferenceNode(type) ? type.typeName : type.expression).getText()
  if (name === 'Pick') {
    const picked = type.typeArguments[1].getText()
    return rowsOf(type.typeArguments[0], seen).filter((row) => picked.includes(`'${row.name}'`))
  }
  if (seen.has(name)) return []
  const declaration = lookUp(type.getSourceFile(), name)
  if (declaration === undefined) return []
  const deeper = new Set([...seen, name])
  if (ts.isTypeAliasDeclaration(declaration)) return rowsOf(declaration.type, deeper)
  const inherited = (declaration.heritageClauses ?? []).flatMap(({ types }) => types.flatMap((base) => rowsOf(base, deeper)))
  return [...ownRows(declaration.members), ...inherited]
}

function ownRows(members) {
  const rows = []
  for (const member of members) {
    if (ts.isComputedPropertyName(member.name)) continue
    const name = member.name.text
    const meaning = docOf(member).text
    if (ts.isMethodSignature(member)) {
      const parameters = member.parameters.map((parameter) => parameter.name.getText()).join(', ')
      rows.push({
        name: `${name}(${parameters})`,
        type: 'function',
        meaning: `${meaning}${member.questionToken ? ' May be left out.' : ''}`,
      })
      continue
    }
    if (member.type.getText() === 'undefined') continue
    const type = plainType(shortAliasOf(member.type) ?? member.type)
      .replaceAll(/ ?\| undefined/g, '')
      .replaceAll('readonly ', '')
    rows.push({ name, type, meaning })
  }
  return rows
}

/** What an optional field is, where its type is the name of a short union such as `'update' | 'end' | Duration`. */
function shortAliasOf(type) {
  const named = ts.isUnionTypeNode(type) ? type.types[0] : type
  if (!ts.isTypeReferenceNode(named) || named.typeArguments !== undefined || named.getText() === 'Duration') return undefined
  const declaration = lookUp(type.getSourceFile(), named.getText())
  if (declaration === undefined || !ts.isTypeAliasDeclaration(declaration)) return undefined
  return ts.isUnionTypeNode(declaration.type) && !declaration.type.types.some(ts.isTypeLiteralNode) ? declaration.type : undefined
}

/** An interface or type alias by name, in a file or where the file has it from. */
function lookUp(file, name) {
  for (const node of file.statements) {
    if ((ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) && node.name.text === name) return node
    const imported = importedFrom(node, name)
    if (imported !== undefined) return lookUp(parse(join(dirname(pathOf(file)), imported)), name)
  }
  return undefined
}

function importedFrom(node, name) {
  if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node)) return undefined
  const path = node.moduleSpecifier?.text
  if (path === undefined || !path.startsWith('.')) return undefined
  const named = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause
  if (named === undefined || !('elements' in named)) return undefined
  return named.elements.some((element) => element.name.text === name) ? path.replace(/\.js$/, '.ts') : undefined
}

function find(index, name) {
  const declaration = lookUp(index, name) ?? lookUp(parse('stream/stream.ts'), name)
  if (declaration === undefined) throw new Error(`${name} is not declared any more`)
  return declaration
}

/** Functions that the package exports, by the file that holds them. */
function exportedValues(index) {
  const found = []
  for (const node of index.statements) {
    if (!ts.isExportDeclaration(node) || node.isTypeOnly || !node.moduleSpecifier?.text.startsWith('.')) continue
    const file = node.moduleSpecifier.text.replace(/^\.\//, '').replace(/\.js$/, '.ts')
    for (const { isTypeOnly, name } of node.exportClause.elements) if (!isTypeOnly) found.push({ name: name.text, file })
  }
  return found
}

function parse(path) {
  const name = relative(source, resolve(source, path))
  if (!files.has(name)) {
    const file = ts.createSourceFile(join(source, name), readFileSync(join(source, name), 'utf8'), ts.ScriptTarget.Latest, true)
    files.set(name, file)
  }
  return files.get(name)
}

const pathOf = (file) => relative(source, file.fileName)
