/**
 * `console` of user code as log lines: data belong to stdout, and a line without its operator's name says little. Replaces the
 * methods of this thread's console and gives them back.
 */
import type { LogEntry } from '@sluice/engine'
import { formatWithOptions } from 'node:util'

const LEVELS = { debug: 'debug', dir: 'info', error: 'error', info: 'info', log: 'info', trace: 'debug', warn: 'warn' } as const

/** Sends what is printed to `write` until the returned function is called. */
export function captureConsole(write: (level: LogEntry['level'], message: string) => void): () => void {
  const target = globalThis.console
  const original = Object.fromEntries(Object.keys(LEVELS).map((name) => [name, target[name as keyof typeof LEVELS]]))
  for (const [name, level] of Object.entries(LEVELS)) {
    Object.assign(target, { [name]: (...values: unknown[]) => write(level, formatWithOptions({ colors: false }, ...values)) })
  }
  return () => void Object.assign(target, original)
}
