/**
 * What follows from the text of a user's function, read with acorn: whether every call returns the same object literal, and whether
 * the function leaves the object it is given as it is. Where the text says anything else than what is understood here, nothing follows.
 */
import type { FunctionFacts } from '@sluice/engine'
import {
  type AnyNode,
  type ArrowFunctionExpression,
  type Expression,
  type FunctionExpression,
  parseExpressionAt,
  type Pattern,
} from 'acorn'

type FunctionNode = ArrowFunctionExpression | FunctionExpression

export const functionFacts: FunctionFacts = {
  resultKeys(fn) {
    const parsed = parseFunction(fn)
    if (parsed === undefined || parsed.async || parsed.generator) return undefined
    return commonKeys(returnedExpressions(parsed))
  },

  leavesKeys(fn) {
    const parsed = parseFunction(fn)
    if (parsed === undefined || parsed.async || parsed.generator) return false
    const [first, ...others] = parsed.params
    if (first === undefined) return parsed.type === 'ArrowFunctionExpression'
    // Only an arrow function has no `arguments`; a pattern takes the object apart and keeps no hold of it.
    if (parsed.type !== 'ArrowFunctionExpression' || others.length > 0) return false
    if (first.type === 'ObjectPattern') return isFlat(first) && !namesItself(parsed.body, 'arguments')
    return first.type === 'Identifier' && onlyReads(parsed.body, first.name)
  },
}

function parseFunction(fn: unknown): FunctionNode | undefined {
  if (typeof fn !== 'function') return undefined
  const text = Function.prototype.toString.call(fn)
  try {
    const node = parseExpressionAt(`(${text})`, 0, { ecmaVersion: 'latest' })
    return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression' ? node : undefined
  } catch {
    // A method or native code: no function expression, so nothing is known of it.
    return undefined
  }
}

/** Every value that a call can return; undefined where it may end without a return. */
function returnedExpressions(fn: FunctionNode): readonly (Expression | undefined)[] {
  if (fn.body.type !== 'BlockStatement') return [fn.body]
  const returned: (Expression | undefined)[] = []
  visit(fn.body, (node) => {
    if (isFunction(node)) return false
    if (node.type === 'ReturnStatement') returned.push(node.argument ?? undefined)
    return true
  })
  // What ends in anything else than a return or a throw may fall off its end.
  const last = fn.body.body.at(-1)
  if (last?.type !== 'ReturnStatement' && last?.type !== 'ThrowStatement') returned.push(undefined)
  return returned
}

function commonKeys(expressions: readonly (Expression | undefined)[]): readonly string[] | undefined {
  let common: readonly string[] | undefined
  for (const expression of expressions) {
    const keys = expression === undefined ? undefined : literalKeys(expression)
    if (keys === undefined) return undefined
    if (common !== undefined && (common.length !== keys.length || common.some((key, index) => key !== keys[index]))) return undefined
    common = keys
  }
  return common
}

function literalKeys(expression: Expression): readonly string[] | undefined {
  if (expression.type === 'ParenthesizedExpression') return literalKeys(expression.expression)
  if (expression.type === 'ConditionalExpression') return commonKeys([expression.consequent, expression.alternate])
  if (expression.type !== 'ObjectExpression') return undefined
  const keys: string[] = []
  for (const property of expression.properties) {
    if (property.type !== 'Property' || property.kind !== 'init' || property.computed) return undefined
    const { key } = property
    const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' && typeof key.value === 'string' ? key.value : undefined
    // Integer-like keys come first whatever the literal says, `__proto__` sets the prototype, a repeated key is one key.
    if (name === undefined || name === '__proto__' || /^\d+$/.test(name) || keys.includes(name)) return undefined
    keys.push(name)
  }
  return keys
}

function isFlat(pattern: Pattern & { type: 'ObjectPattern' }): boolean {
  return pattern.properties.every((property) => property.type === 'Property' && property.value.type === 'Identifier')
}

/** Whether the name is only used to read properties: `name.a`, `name['a']`, never `name` itself, never on the left of an assignment. */
function onlyReads(body: AnyNode, name: string): boolean {
  let reads = true
  visit(body, (node, parent) => {
    if (node.type === 'Identifier' && node.name === 'arguments') reads = false
    if (isFunction(node) && node.params.length > 0) reads = false
    if (node.type === 'AssignmentExpression' && node.left.type !== 'Identifier') reads = false
    if (node.type === 'UpdateExpression' && node.argument.type !== 'Identifier') reads = false
    if (node.type === 'UnaryExpression' && node.operator === 'delete') reads = false
    if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && isName(node.callee.object, name)) reads = false
    if (node.type === 'TaggedTemplateExpression') reads = false
    if (isName(node, name) && !(parent?.type === 'MemberExpression' && parent.object === node) && !isPropertyName(node, parent))
      reads = false
    return reads
  })
  return reads
}

function namesItself(body: AnyNode, name: string): boolean {
  let found = false
  visit(body, (node) => {
    if (isName(node, name)) found = true
    return !found
  })
  return found
}

function isName(node: AnyNode, name: string): boolean {
  return node.type === 'Identifier' && node.name === name
}

/** The `a` of `x.a` and of `{ a: 1 }`. */
function isPropertyName(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent?.type === 'MemberExpression') return parent.property === node && !parent.computed
  return parent?.type === 'Property' && parent.key === node && parent.value !== node && !parent.computed
}

function isFunction(node: AnyNode): node is AnyNode & { readonly params: readonly Pattern[] } {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression' || node.type === 'FunctionDeclaration'
}

/** Walks the tree from the outside in; `enter` answers whether to go deeper. */
function visit(node: AnyNode, enter: (node: AnyNode, parent: AnyNode | undefined) => boolean, parent?: AnyNode): void {
  if (!enter(node, parent)) return
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, enter, node)
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}
