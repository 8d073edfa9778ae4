/**
 * What an import of a job file leads to. What resolves outside of node_modules is the user's own source and is bundled; the rest
 * becomes an absolute URL, resolved from the user's file. `sluice` and `@sluice/*` lead to the copy that is running, `zod` to the
 * user's own copy or else to ours, so that a job file anywhere on the disk loads each of them once.
 */
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild, ResolveResult } from 'esbuild'
import { realpathSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { joinedCopy } from './joined-copy.js'

const OURS = /^(?:sluice|@sluice\/[^/]+)(?:\/|$)/
const ZOD = /^zod(?:\/|$)/
const RELATIVE = /^\.{0,2}(?:\/|$)/
const PACKAGE_FOLDER = /[\\/]node_modules[\\/]/
/** What Node can import as it is; TypeScript or JSON out of a package is bundled. */
const LOADABLE = /\.[cm]?js$/

/** How a bare import was resolved; kept for the check whether a bundle is still current. */
export interface ResolvedImport {
  readonly specifier: string
  readonly fromFolder: string
  readonly path: string
  /** It was the running copy, whatever lies around the user's file. */
  readonly ours: boolean
  readonly bundled: boolean
  /** The copy that is imported in its place. */
  readonly joined: string | undefined
}

export function resolveImports(seen: ResolvedImport[], ownProcess: boolean): Plugin {
  return {
    name: 'sluice-imports',
    setup(build) {
      const marker = {}
      const own = new OwnPackages(build, marker)
      build.onResolve({ filter: /.*/ }, async (args) => {
        if (args.pluginData === marker || args.kind === 'entry-point') return undefined
        if (isBuiltin(args.path)) return { path: args.path.startsWith('node:') ? args.path : `node:${args.path}`, external: true }
        if (RELATIVE.test(args.path) && !PACKAGE_FOLDER.test(args.path)) return undefined
        return resolveBare(args, own, seen, ownProcess)
      })
    },
  }
}

async function resolveBare(
  args: OnResolveArgs,
  own: OwnPackages,
  seen: ResolvedImport[],
  ownProcess: boolean,
): Promise<OnResolveResult | undefined> {
  const ours = OURS.test(args.path)
  let found = ours ? await own.resolve(args.path, args.resolveDir) : await own.resolveFrom(args.path, args.resolveDir, args)
  if (found === undefined && ZOD.test(args.path)) found = await own.resolve(args.path, args.resolveDir)
  // esbuild resolves it once more and reports the failure with its position.
  if (found === undefined) return undefined
  if (found.external) return { path: found.path, external: true }
  const bundled = !ours && !(PACKAGE_FOLDER.test(found.path) && LOADABLE.test(found.path))
  const required = args.kind === 'require-call' || args.kind === 'require-resolve'
  const joined = ownProcess && args.path === 'zod' && !bundled && !required ? await joinedCopy(found.path) : undefined
  seen.push({ specifier: args.path, fromFolder: args.resolveDir, path: found.path, ours, bundled, joined })
  if (bundled) return { path: found.path, namespace: found.namespace, sideEffects: found.sideEffects, suffix: found.suffix }
  return { path: required ? found.path : pathToFileURL(joined ?? found.path).href, external: true }
}

/** Finds packages of the copy of Sluice that is running. */
class OwnPackages {
  readonly #build: PluginBuild
  readonly #marker: object
  readonly #home = dirname(fileURLToPath(import.meta.url))
  readonly #found = new Map<string, Promise<ResolveResult | undefined>>()

  constructor(build: PluginBuild, marker: object) {
    this.#build = build
    this.#marker = marker
  }

  /** Our own neighbours first; then what the program was started from, then the user's folder, if it is the same copy. */
  resolve(specifier: string, userFolder: string): Promise<ResolveResult | undefined> {
    const known = this.#found.get(specifier)
    if (known !== undefined) return known
    const found = this.#search(specifier, userFolder)
    this.#found.set(specifier, found)
    return found
  }

  async resolveFrom(specifier: string, folder: string, args?: OnResolveArgs): Promise<ResolveResult | undefined> {
    const found = await this.#build.resolve(specifier, {
      resolveDir: folder,
      kind: args?.kind ?? 'import-statement',
      importer: args?.importer ?? '',
      pluginData: this.#marker,
      ...(args === undefined ? {} : { with: args.with }),
    })
    return found.errors.length === 0 ? found : undefined
  }

  async #search(specifier: string, userFolder: string): Promise<ResolveResult | undefined> {
    const started = startedFrom()
    const operators = await this.resolveFrom('@sluice/operators', this.#home)
    let other: ResolveResult | undefined
    for (const folder of [this.#home, ...started, userFolder]) {
      const found = await this.resolveFrom(specifier, folder)
      if (found === undefined) continue
      if (!specifier.startsWith('sluice')) return found
      const itsOperators = await this.resolveFrom('@sluice/operators', dirname(found.path))
      if (itsOperators?.path === operators?.path) return found
      other ??= found
    }
    return other
  }
}

/** The folder of the program that was started, links followed. */
function startedFrom(): string[] {
  try {
    return process.argv[1] === undefined ? [] : [dirname(realpathSync(process.argv[1]))]
  } catch {
    return []
  }
}
