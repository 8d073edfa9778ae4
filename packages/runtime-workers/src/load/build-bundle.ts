/**
 * Runs esbuild over a job file: one ES module for Node 20 with the user's own sources in it and absolute URLs for the rest.
 * Loaded only when the cache has no current bundle: importing esbuild and starting it is most of a cold start.
 */
import { SluiceError } from '@sluice/engine'
import { type BuildFailure, type BuildOptions, type BuildResult, build, type Message, type Metafile } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keepModuleLocation } from './keep-module-location.js'
import { type ResolvedImport, resolveImports } from './resolve-imports.js'

const MESSAGES_MAX = 5

export interface BuiltBundle {
  readonly code: string
  /** Source map, sources included; paths are relative to the output folder. */
  readonly map: string
  readonly metafile: Metafile
  /** Folder that the paths of the metafile are relative to. */
  readonly baseFolder: string
  readonly imports: readonly ResolvedImport[]
}

/** `outputFolder`: where the bundle will lie; it is not written here. `ownProcess`: as in `RunOptions`. */
export async function buildBundle(source: string, outputFolder: string, ownProcess: boolean): Promise<BuiltBundle> {
  const imports: ResolvedImport[] = []
  const baseFolder = dirname(source)
  const options = {
    entryPoints: [source],
    absWorkingDir: baseFolder,
    outfile: join(outputFolder, 'job.mjs'),
    write: false,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // Node's own conditions, without the `module` that bundlers add: what is resolved here is imported by Node.
    conditions: [],
    // A module imported for its effect keeps its effect.
    ignoreAnnotations: true,
    charset: 'utf8',
    legalComments: 'none',
    sourcemap: 'external',
    sourcesContent: true,
    metafile: true,
    logLevel: 'silent',
    plugins: [keepModuleLocation(), resolveImports(imports, ownProcess)],
    define: {
      'import.meta.url': '__sluiceModuleUrl',
      'import.meta.dirname': '__sluiceModuleFolder',
      'import.meta.filename': '__sluiceModuleFile',
    },
  } satisfies BuildOptions
  let result = await buildOrExplain(options, source)
  if (needsRequire(result)) result = await buildOrExplain({ ...options, banner: { js: requireBanner(source) } }, source)
  const [map, code] = ['.mjs.map', '.mjs'].map((ending) => result.outputFiles?.find((file) => file.path.endsWith(ending))?.text)
  if (code === undefined || map === undefined) throw new SluiceError('SLUICE_ASSERTION', `esbuild gave no bundle for ${source}`)
  return { code, map, metafile: result.metafile as Metafile, baseFolder, imports }
}

/** esbuild's stand-in for `require` is there when a bundled CommonJS file calls it. */
function needsRequire(result: BuildResult): boolean {
  return result.outputFiles?.some((file) => file.path.endsWith('.mjs') && file.text.includes('Dynamic require of "')) === true
}

function requireBanner(source: string): string {
  return `import { createRequire as __sluiceCreateRequire } from 'node:module'; const require = __sluiceCreateRequire(${JSON.stringify(pathToFileURL(source).href)});`
}

async function buildOrExplain(options: BuildOptions, source: string): Promise<BuildResult> {
  try {
    return await build(options)
  } catch (error) {
    const messages = (error as Partial<BuildFailure>).errors
    if (messages === undefined) throw error
    const texts = await Promise.all(messages.slice(0, MESSAGES_MAX).map((message) => describe(message, dirname(source))))
    const more = messages.length > MESSAGES_MAX ? `\n(${messages.length - MESSAGES_MAX} more)` : ''
    throw new SluiceError('SLUICE_JOB_FILE_INVALID', texts.join('\n') + more, { hint: hintFor(messages) })
  }
}

async function describe(message: Message, baseFolder: string): Promise<string> {
  const { location } = message
  if (location === null) return message.text
  const file = resolve(baseFolder, location.file)
  // esbuild counts columns in bytes of UTF-8.
  const column = Buffer.from(location.lineText).subarray(0, location.column).toString().length + 1
  const line =
    location.lineText === '' ? ((await readFile(file, 'utf8').catch(() => '')).split('\n')[location.line - 1] ?? '') : location.lineText
  return `${file}:${location.line}:${column}: ${message.text}\n  ${line}\n  ${' '.repeat(column - 1)}^`
}

function hintFor(messages: readonly Message[]): string | undefined {
  const unresolved = messages.find((message) => message.text.startsWith('Could not resolve'))
  return unresolved === undefined ? undefined : 'Install the package where the job file is, or correct the path of the import.'
}
