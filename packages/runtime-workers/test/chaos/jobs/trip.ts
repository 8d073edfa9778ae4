/** Failures of the job's own code at a record: each happens once, over all threads and processes, for a file remembers it. */
import { closeSync, openSync } from 'node:fs'

export interface Wire {
  readonly place: string
  readonly n: number
  readonly act: string
  /** Made when the wire is tripped. */
  readonly file: string
}

export function trip(wires: readonly Wire[], place: string, n: number): void {
  for (const wire of wires) {
    if (wire.place === place && wire.n === n && isFirst(wire.file)) act(wire.act)
  }
}

function isFirst(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx'))
    return true
  } catch {
    return false
  }
}

function act(what: string): void {
  switch (what) {
    case 'throw':
      throw new Error('tripped')
    case 'exit':
      return process.exit(3)
    case 'reject':
      void Promise.reject(new Error('tripped, and nobody looked'))
      return
    case 'memory': {
      const kept: unknown[] = []
      for (;;) kept.push(new Array(1_000).fill(kept.length))
    }
    case 'block': {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)
      return
    }
    case 'kill':
      process.kill(process.pid, 'SIGKILL')
      return
    default:
      throw new Error(`no such act: ${what}`)
  }
}
