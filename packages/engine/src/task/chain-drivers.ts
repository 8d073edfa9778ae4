/**
 * The drivers of one chain: one loop per kind of head, in which the elementwise operators are inlined one after the other, so that
 * each user function has a call site of its own and the record stays in a local.
 *
 * `compileChain` gives the generated form; `interpretChain` (interpret-chain.ts) the same without generated code.
 */
import type { LocalInput } from '../channel/local-channel.js'
import type { Gate } from '../channel/gate.js'
import type { RingInput } from '../channel/ring-input.js'
import { SluiceError } from '../errors/sluice-error.js'
import type { LogicalNode } from '../graph/logical-graph.js'
import { type GuardedContext, SideOutputValue } from '../graph/operator-context.js'
import type { AsyncSpec, HoldingOperator, Operator } from '../graph/operator-spec.js'
import type { AsyncTable } from './async-table.js'
import type { Emit } from './edge-output.js'
import { type ElementChecks, elementChecks } from './element-checks.js'
import type { Expansion } from './expansion.js'
import type { BatchCursor, IndexCursor } from './source-cursor.js'
import { DEAD_LETTERS_PORT, type RecordFailures } from './record-failures.js'
import type { SinkBuffer } from './sink-buffer.js'
import type { WatermarkTracker } from './watermark-tracker.js'

/** Where the output of a port goes: an operator of the same chain, or an edge. */
export type ChainTarget = ({ readonly position: number } | { readonly emit: Emit }) & {
  /** Fails where a record does not lie where its key belongs. */
  readonly checkKey?: ((record: unknown) => void) | undefined
}

export interface ChainNode {
  readonly node: LogicalNode
  /** By port. */
  readonly targets: readonly (readonly ChainTarget[])[]
  /** What of these an operator has depends on its kind. */
  readonly expansion: Expansion | undefined
  readonly operator: Operator | undefined
  readonly table: AsyncTable | undefined
  /** What an asynchronous operator calls: its function, or what guards it. */
  readonly call: ((record: unknown, context: GuardedContext) => unknown) | undefined
  readonly sink: SinkBuffer | undefined
  readonly tracker: WatermarkTracker | undefined
  /** Where its policy for errors is not 'fail'. */
  readonly failures: RecordFailures | undefined
}

/** The operator of a node, where it holds records back. */
export function holdingOperator(node: ChainNode | undefined): HoldingOperator | undefined {
  const spec = node?.node.spec
  return spec?.kind === 'general' && spec.holds === true ? (node?.operator as HoldingOperator) : undefined
}

export interface ChainParts {
  readonly nodes: readonly ChainNode[]
  /** What keeps the chain from taking records. */
  readonly gate: Gate
  /** Whether the head's input carries timestamps. */
  readonly timed: boolean
  /** Number of inputs of the head. */
  readonly inputs: number
  /** Throws, located at the operator of that position. */
  readonly fail: (position: number, error: unknown) => never
  readonly sampling: Sampling
}

/** Time per function, taken in one batch of many. */
export interface Sampling {
  on: boolean
  /** Time spent below the function that is being timed. */
  innerMs: number
  now(): number
  /** Adds one record's time to an operator's total. */
  add(position: number, elapsedMs: number): void
}

export interface ChainDrivers {
  /** Each runs until `end` records are processed or the gate closes. By input index of the head. */
  readonly ring: readonly ((channel: RingInput, end: number) => void)[]
  readonly local: readonly ((channel: LocalInput, end: number) => void)[]
  /** At most `limit` records of an indexed source. */
  readonly index: (cursor: IndexCursor, limit: number) => void
  readonly batch: (cursor: BatchCursor, end: number) => void
  /** What an operator at a position emits (general, async). */
  readonly push: readonly (((record: unknown, timestamp: number, port?: number) => void) | undefined)[]
  /** Goes on with the expansion of an operator until it is used up or the gate closes. */
  readonly expand: readonly ((() => void) | undefined)[]
}

export function compileChain(parts: ChainParts): ChainDrivers {
  return new ChainCompiler(parts).compile()
}

/** Ports that something outside of the driver's own line sends to: all of an operator with a context, that of dead letters of others. */
export function pushesOf({ node, failures }: ChainNode): readonly number[] {
  const { spec, ports } = node
  if (spec.kind === 'general' || spec.kind === 'async' || spec.kind === 'source') return ports.map((_, port) => port)
  const letters = ports.indexOf(DEAD_LETTERS_PORT)
  return failures === undefined || letters < 0 ? [] : [letters]
}

const timestampCheck = (t: string): string =>
  `if (typeof ${t} !== 'number' || !(${t} >= -8.64e15 && ${t} <= 8.64e15)) ${t} = checks.timestamp(${t})`

/** Where generated code reads what: names of the constants that the factory takes apart. */
class ChainCompiler {
  readonly #parts: ChainParts
  readonly #emits: Emit[] = []
  readonly #keyChecks: ((record: unknown) => void)[] = []
  #names = 0
  /** Whether the code being generated takes the time of each function. */
  #sampled = false

  constructor(parts: ChainParts) {
    this.#parts = parts
  }

  compile(): ChainDrivers {
    const { nodes, inputs } = this.#parts
    const isSource = nodes[0]?.node.spec.kind === 'source'
    const inputIndexes = isSource ? [] : Array.from({ length: inputs }, (_, input) => input)
    const members = [
      `ring: [${inputIndexes.map((input) => this.#withSampling((suffix) => this.#ringDriver(input, suffix), 'channel, end')).join(',\n')}]`,
      `local: [${inputIndexes.map((input) => this.#withSampling((suffix) => this.#localDriver(input, suffix), 'channel, end')).join(',\n')}]`,
      isSource ? `index: ${this.#withSampling((suffix) => this.#indexDriver(suffix), 'cursor, limit')}` : 'index: undefined',
      isSource ? `batch: ${this.#withSampling((suffix) => this.#batchDriver(suffix), 'cursor, end')}` : 'batch: undefined',
    ]
    const push: string[] = []
    const expand: string[] = []
    nodes.forEach((node, position) => {
      push.push(pushesOf(node).length > 0 ? `push${position}` : 'undefined')
      expand.push(node.expansion === undefined ? 'undefined' : `expand${position}`)
    })
    const functions = nodes.map((_, position) => this.#nodeFunctions(position)).join('\n')
    const source = `'use strict'
const { nodes, gate, fail, sampling, emits, keyChecks, checks, SideOutputValue } = parts
${nodes.map((node, position) => this.#constants(node, position)).join('\n')}
${this.#emits.map((_, index) => `const e${index} = emits[${index}]`).join('\n')}
${this.#keyChecks.map((_, index) => `const k${index} = keyChecks[${index}]`).join('\n')}
${functions}
return { ${members.join(',\n')}, push: [${push.join(', ')}], expand: [${expand.join(', ')}] }`
    const checks: ElementChecks = elementChecks
    return new Function('parts', source)({
      ...this.#parts,
      emits: this.#emits,
      keyChecks: this.#keyChecks,
      checks,
      SideOutputValue,
    }) as ChainDrivers
  }

  #constants(node: ChainNode, position: number): string {
    const { spec } = node.node
    const lines: string[] = []
    if (spec.kind === 'split')
      spec.predicates.forEach((_, index) => lines.push(`const f${position}_${index} = nodes[${position}].node.spec.predicates[${index}]`))
    else if (spec.kind === 'source') lines.push(`const f${position} = nodes[${position}].node.spec.fn`)
    else if (spec.kind === 'async') lines.push(`const f${position} = nodes[${position}].call`)
    else if ('fn' in spec) lines.push(`const f${position} = nodes[${position}].node.spec.fn`)
    if (node.operator !== undefined) lines.push(`const g${position} = nodes[${position}].operator`)
    if (node.table !== undefined) lines.push(`const a${position} = nodes[${position}].table`)
    if (node.sink !== undefined) lines.push(`const s${position} = nodes[${position}].sink`)
    if (node.failures !== undefined) lines.push(`const h${position} = nodes[${position}].failures`)
    if (node.tracker !== undefined) lines.push(`const w${position} = nodes[${position}].tracker`)
    if (node.expansion !== undefined) lines.push(`const x${position} = nodes[${position}].expansion`)
    return lines.join('\n')
  }

  /** A driver in two forms: the plain one, and one that takes the time of each function. */
  #withSampling(driver: (suffix: string) => string, parameters: string): string {
    const plain = driver('')
    this.#sampled = true
    const sampled = driver('Sampled')
    this.#sampled = false
    const name = this.#name('drive')
    return `(() => { const ${name} = ${plain}
const ${name}Sampled = ${sampled}
return function (${parameters}) { if (sampling.on) ${name}Sampled(${parameters}); else ${name}(${parameters}) } })()`
  }

  #ringDriver(input: number, suffix: string): string {
    const { timed } = this.#parts
    return `function ring${suffix}(channel, end) {
  const decoder = channel.decoder, view = channel.view, bytes = channel.bytes, cursor = channel.cursor
  ${timed ? 'const times = channel.times, timesAt = channel.timesAt' : ''}
  let k = channel.index
  let op = 0
  try {
    while (k < end && gate.closed === 0) {
      op = 0
      const r = decoder.decode(view, bytes, cursor)
      ${timed ? 'const t = times[timesAt + k]' : ''}
      k++
      ${this.#node(0, 'r', timed ? 't' : 'NaN', input)}
    }
  } catch (error) { fail(op, error) }
  channel.index = k
}`
  }

  #localDriver(input: number, suffix: string): string {
    const { timed } = this.#parts
    return `function local${suffix}(channel, end) {
  const records = channel.records
  ${timed ? 'const times = channel.times' : ''}
  let k = channel.index
  let op = 0
  try {
    while (k < end && gate.closed === 0) {
      const r = records[k]
      ${timed ? 'const t = times[k]' : ''}
      k++
      ${this.#node(0, 'r', timed ? 't' : 'NaN', input)}
    }
  } catch (error) { fail(op, error) }
  channel.index = k
}`
  }

  #indexDriver(suffix: string): string {
    return `function index${suffix}(cursor, limit) {
  const offsets = cursor.offsets, stride = cursor.stride, length = offsets.length
  let base = cursor.base, j = cursor.offset, left = limit
  let op = 0
  try {
    while (left > 0 && gate.closed === 0) {
      const index = base + offsets[j]
      if (++j === length) { j = 0; base += stride }
      left--
      op = 0
      ${this.#timed(0, 'const r = f0(index)', 'r')}
      ${this.#targets(0, 0, 'r', 'NaN')}
    }
  } catch (error) { fail(op, error) }
  cursor.base = base
  cursor.offset = j
  cursor.done += limit - left
}`
  }

  #batchDriver(suffix: string): string {
    return `function batch${suffix}(cursor, end) {
  const records = cursor.records
  let k = cursor.index
  let op = 0
  try {
    while (k < end && gate.closed === 0) {
      const r = records[k]
      k++
      ${this.#targets(0, 0, 'r', 'NaN')}
    }
  } catch (error) { fail(op, error) }
  cursor.index = k
}`
  }

  /** `push` and `expand` functions of a position. */
  #nodeFunctions(position: number): string {
    const chainNode = this.#parts.nodes[position] as ChainNode
    const { node, expansion } = chainNode
    const lines: string[] = []
    const ports = pushesOf(chainNode)
    if (ports.length > 0) {
      const body = () =>
        ports
          .map(
            (port) => `if (${port === 0 ? 'port === undefined || ' : ''}port === ${port}) { ${this.#targets(position, port, 'r', 't')} }`,
          )
          .join(' else ')
      const plain = body()
      this.#sampled = true
      const sampled = body()
      this.#sampled = false
      lines.push(`function push${position}Sampled(r, t, port) {
  const began = sampling.now()
  const outer = sampling.innerMs
  let op = ${position}
  try { ${sampled} } catch (error) { fail(op, error) }
  sampling.innerMs = outer + sampling.now() - began
}
function push${position}(r, t, port) {
  if (sampling.on) return push${position}Sampled(r, t, port)
  let op = ${position}
  try { ${plain} } catch (error) { fail(op, error) }
}`)
    }
    if (expansion !== undefined) lines.push(this.#expandFunction(position, node.spec.kind === 'general'))
    return lines.join('\n')
  }

  #expandFunction(position: number, tagged: boolean): string {
    const x = `x${position}`
    const fallible = this.#parts.nodes[position]?.failures !== undefined
    const next = fallible
      ? `let step
          try { step = iterator.next() } catch (error) { ${x}.failed(error, h${position}); break }`
      : 'const step = iterator.next()'
    const body = tagged
      ? `if (r instanceof SideOutputValue) push${position}(r.value, t, checks.portOf(nodes[${position}].node, r.tag)); else push${position}(r, t, 0)`
      : this.#targets(position, 0, 'r', 't')
    return `function expand${position}() {
  let op = ${position}
  try {
    do {
      const t = ${x}.time
      const array = ${x}.array
      if (array !== undefined) {
        const length = array.length
        let i = ${x}.index
        while (i < length) {
          if (gate.closed !== 0) { ${x}.index = i; return }
          const r = array[i++]
          ${body}
        }
      } else {
        const iterator = ${x}.iterator
        for (;;) {
          if (gate.closed !== 0) return
          op = ${position}
          ${next}
          if (step.done === true) break
          const r = step.value
          ${body}
        }
      }
    } while (${x}.finish(${fallible ? `h${position}` : ''}))
  } catch (error) { fail(op, error) }
}`
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** `statement` (which runs the function of `position`), with its time taken in the sampled form. */
  #timed(position: number, statement: string, result?: string): string {
    if (!this.#sampled) return statement
    const began = this.#name('began')
    const outer = this.#name('outer')
    const declaration = result === undefined ? statement : statement.replace(/^(const|let) /, '')
    return `${result === undefined ? '' : `let ${result}`}
      const ${began} = sampling.now(), ${outer} = sampling.innerMs
      sampling.innerMs = 0
      ${declaration}
      sampling.add(${position}, sampling.now() - ${began} - sampling.innerMs)
      sampling.innerMs = ${outer}`
  }

  /** Statements that take record `r` with timestamp `t` through the operator at a position and on. */
  #node(position: number, r: string, t: string, input: number): string {
    const { node, failures } = this.#parts.nodes[position] as ChainNode
    const { spec } = node
    const op = `op = ${position}`
    if (failures !== undefined && spec.kind !== 'async' && spec.kind !== 'sink') return `${op}\n${this.#fallible(position, r, t, input)}`
    switch (spec.kind) {
      case 'map': {
        const out = this.#name('r')
        return `${op}\n${this.#timed(position, `const ${out} = f${position}(${r})`, out)}\n${this.#targets(position, 0, out, t)}`
      }
      case 'select': {
        const out = this.#name('r')
        const fields = spec.fields.map(
          (field) => `${field === '__proto__' ? '["__proto__"]' : JSON.stringify(field)}: ${r}[${JSON.stringify(field)}]`,
        )
        return `${op}\nconst ${out} = { ${fields.join(', ')} }\n${this.#targets(position, 0, out, t)}`
      }
      case 'filter': {
        const kept = this.#name('k')
        return `${op}\n${this.#timed(position, `const ${kept} = f${position}(${r})`, kept)}
if (${kept} === true || (${kept} !== false && checks.truthy(${kept}))) { ${this.#targets(position, 0, r, t)} }`
      }
      case 'timestamps': {
        const out = this.#name('t')
        return `${op}\n${this.#timed(position, `let ${out} = f${position}(${r})`, out)}
${timestampCheck(out)}
${this.#seeTimestamp(position, r, out)}
${this.#targets(position, 0, r, out)}`
      }
      case 'split': {
        const branches = spec.predicates.map((_, port) => {
          const kept = this.#name('k')
          return `${op}\n${this.#timed(position, `const ${kept} = f${position}_${port}(${r})`, kept)}
if (${kept} === true || (${kept} !== false && checks.truthy(${kept}))) { ${this.#targets(position, port, r, t)} } else { `
        })
        return `${branches.join('')}${this.#targets(position, spec.predicates.length, r, t)}${' }'.repeat(branches.length)}`
      }
      case 'flatMap': {
        const out = this.#name('r')
        return `${op}\n${this.#timed(position, `const ${out} = f${position}(${r})`, out)}\nif (x${position}.begin(${out}, ${t})) expand${position}()`
      }
      case 'general':
        return `${op}\n${this.#timed(position, `g${position}.process(${r}, ${t}, ${input})`)}`
      case 'async':
        return this.#asyncCall(position, spec, r, t)
      case 'sink':
        return `${op}\n${this.#timed(position, `s${position}.accept(${r})`)}`
      case 'source':
        return this.#targets(position, 0, r, t)
    }
  }

  /** The same where the operator has a policy for errors: what its function throws does not leave. */
  #fallible(position: number, r: string, t: string, input: number): string {
    const { spec } = (this.#parts.nodes[position] as ChainNode).node
    const x = `x${position}`
    const out = this.#name('r')
    const thrown = this.#name('thrown')
    const attempt = (statements: string, then: string): string => `let ${out}, ${thrown} = false
try { ${this.#timed(position, statements)} } catch (error) { ${thrown} = true; h${position}.settle(error, ${r}, ${t}) }
if (!${thrown}) { ${then} }`
    switch (spec.kind) {
      case 'map':
        return attempt(`${out} = f${position}(${r})`, this.#targets(position, 0, out, t))
      case 'filter':
        return attempt(
          `${out} = f${position}(${r}); if (${out} !== true && ${out} !== false) ${out} = checks.truthy(${out})`,
          `if (${out}) { ${this.#targets(position, 0, r, t)} }`,
        )
      case 'split': {
        // The port first: what operators behind it throw is not its own.
        const ports = spec.predicates.map((_, port) => port)
        const choice = ports.map((port) => `if (checks.truthy(f${position}_${port}(${r}))) ${out} = ${port}; else `).join('')
        const branches = ports.map((port) => `if (${out} === ${port}) { ${this.#targets(position, port, r, t)} } else `).join('')
        return attempt(`${choice}${out} = ${ports.length}`, `${branches}{ ${this.#targets(position, ports.length, r, t)} }`)
      }
      case 'timestamps':
        return attempt(
          `${out} = f${position}(${r}); ${timestampCheck(out)}`,
          `${this.#seeTimestamp(position, r, out)}\n${this.#targets(position, 0, r, out)}`,
        )
      case 'flatMap':
        return `${x}.at(${r})\n${attempt(`${out} = ${x}.begin(f${position}(${r}), ${t})`, `if (${out}) expand${position}()`)}\n${x}.left()`
      case 'general':
        return `${x}.at(${r})\n${attempt(`g${position}.process(${r}, ${t}, ${input})`, '')}\n${x}.left()`
      default:
        throw new SluiceError('SLUICE_ASSERTION', `an operator of kind ${spec.kind} has a policy for errors`)
    }
  }

  #seeTimestamp(position: number, r: string, t: string): string {
    const { spec } = (this.#parts.nodes[position] as ChainNode).node
    const generated = spec.kind === 'timestamps' && 'create' in spec.watermarks.strategy
    return `if (${t} > w${position}.latest) w${position}.latest = ${t}
w${position}.records++
${generated ? `w${position}.generator.onRecord(${r}, ${t})` : ''}`
  }

  /** The user's function has its call site here; a consumer that returns nothing costs nothing more. */
  #asyncCall(position: number, { discardsResults, gathers, onError = 'fail' }: AsyncSpec, r: string, t: string): string {
    const begin = `op = ${position}
if (${r} !== undefined && ${r} !== null && ${r}.constructor !== Object) a${position}.check(${r})`
    if (gathers !== undefined) return `${begin}\n${this.#timed(position, `a${position}.gather(${r}, ${t})`)}`
    const result = this.#name('p')
    const call = `${result} = f${position}(${r}, a${position}.nextContext())`
    const take = `a${position}.take(${result}, ${t}, ${r})`
    if (onError === 'fail')
      return `${begin}
${this.#timed(position, `const ${call}`, result)}
${discardsResults ? `if (${result} !== undefined) ` : ''}${take}`
    const thrown = this.#name('thrown')
    return `${begin}
let ${result}, ${thrown} = false
try { ${this.#timed(position, call)} } catch (error) { ${thrown} = true; a${position}.failed(error, ${t}, ${r}) }
if (!${thrown}${discardsResults ? ` && ${result} !== undefined` : ''}) ${take}`
  }

  #targets(position: number, port: number, r: string, t: string): string {
    const targets = (this.#parts.nodes[position] as ChainNode).targets[port] ?? []
    return targets
      .map((target) => {
        const check = target.checkKey === undefined ? '' : `op = ${position}\nk${this.#indexOf(this.#keyChecks, target.checkKey)}(${r})\n`
        // An operator of another branch, or an earlier element, may have left its own position there.
        if ('emit' in target) return `${check}op = ${position}\ne${this.#indexOf(this.#emits, target.emit)}(${r}, ${t})`
        const code = check + this.#node(target.position, r, t, 0)
        return targets.length > 1 ? `{ ${code} }` : code
      })
      .join('\n')
  }

  #indexOf<T>(list: T[], item: T): number {
    const known = list.indexOf(item)
    return known >= 0 ? known : list.push(item) - 1
  }
}
