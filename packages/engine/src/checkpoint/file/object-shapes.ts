/**
 * Shapes of the plain objects in one file: their property names in order, by number, so that no row repeats them. A tree over the names:
 * one step per property finds the number. What is used as a dictionary would make a shape of every object: shapes have limits, and behind
 * them objects carry their names.
 */

const SHAPES_MAX = 4096
const NODES_MAX = 32_768
const FIELDS_MAX = 256

class Node {
  /** -1: no object ends here. */
  shape = -1
  readonly depth: number
  readonly names: readonly string[]
  /** The child asked for last: most nodes have one. */
  lastName: string | undefined
  last: Node | undefined
  readonly children: Map<string, Node> = new Map()

  constructor(names: readonly string[]) {
    this.depth = names.length
    this.names = names
  }
}

export class ObjectShapes {
  readonly names: (readonly string[])[] = []
  readonly #root = new Node([])
  #nodes = 1

  /** The number of an object's shape, -1: it has none. `value` is plain. */
  find(value: object): number {
    let node = this.#root
    for (const name in value) {
      if (node.lastName === name) {
        node = node.last as Node
        continue
      }
      const next = node.children.get(name) ?? this.#add(node, name)
      if (next === undefined) return -1
      node.lastName = name
      node.last = next
      node = next
    }
    if (node.shape < 0) {
      if (this.names.length === SHAPES_MAX) return -1
      node.shape = this.names.length
      this.names.push(node.names)
    }
    return node.shape
  }

  #add(parent: Node, name: string): Node | undefined {
    // Assigning to __proto__ would set the prototype of what is read.
    if (this.#nodes === NODES_MAX || parent.depth === FIELDS_MAX || name === '__proto__') return undefined
    this.#nodes++
    const node = new Node([...parent.names, name])
    parent.children.set(name, node)
    return node
  }
}
