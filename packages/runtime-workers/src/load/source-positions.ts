/**
 * Leads positions in a bundle back to the user's own files, in any text: stacks, messages, `declaredAt`. The source map is read
 * when the first position is asked for; a run without errors never pays for it. Nothing global is switched on, so a program
 * that calls `run()` keeps its own stack traces as they are.
 */
import { readFileSync } from 'node:fs'
import { SourceMap, type SourceMapPayload } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Text about the bundle in, text about the user's files out. */
export interface Translator {
  translate(text: string): string
}

export class SourcePositions implements Translator {
  readonly #mapFile: string
  readonly #position: RegExp
  #map: SourceMap | undefined

  constructor(bundleFile: string, mapFile: string) {
    this.#mapFile = mapFile
    this.#position = new RegExp(
      `(?:${escape(pathToFileURL(bundleFile).href)}|${escape(bundleFile)})(?:\\?[^\\s:)]*)?:(\\d+)(?::(\\d+))?`,
      'g',
    )
  }

  /** The text with every position in the bundle replaced by `file:line:column` of the original. */
  translate(text: string): string {
    return text.replace(this.#position, (position: string, line: string, column: string | undefined) => {
      return this.#original(Number(line), column === undefined ? undefined : Number(column)) ?? position
    })
  }

  #original(line: number, column: number | undefined): string | undefined {
    this.#map ??= new SourceMap(JSON.parse(readFileSync(this.#mapFile, 'utf8')) as SourceMapPayload)
    const entry = this.#map.findEntry(line - 1, (column ?? 1) - 1)
    if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return undefined
    const { originalSource } = entry
    // esbuild writes sources as URLs, relative ones too.
    const source = originalSource.startsWith('file:') ? fileURLToPath(originalSource) : decodeURIComponent(originalSource)
    const file = resolve(dirname(this.#mapFile), source)
    return column === undefined ? `${file}:${entry.originalLine + 1}` : `${file}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  }
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
