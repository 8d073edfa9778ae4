/**
 * `import.meta.url`, `dirname` and `filename` mean the file that the author wrote, not the bundle: esbuild replaces them by names,
 * and each module that uses one declares the names for itself (esbuild keeps the declarations of modules apart).
 */
import type { Loader, Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { pathToFileURL } from 'node:url'

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
}
const HASHBANG = /^#!.*/

export function keepModuleLocation(): Plugin {
  return {
    name: 'sluice-module-location',
    setup(build) {
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async (args) => {
        const text = await readFile(args.path, 'utf8').catch(() => undefined)
        if (text === undefined || !text.includes('import.meta')) return undefined
        const names = {
          __sluiceModuleUrl: pathToFileURL(args.path).href,
          __sluiceModuleFolder: dirname(args.path),
          __sluiceModuleFile: args.path,
        }
        const used = Object.entries(names).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`)
        // On the first line, so that line numbers stay.
        const hashbang = HASHBANG.exec(text)?.[0] ?? ''
        return { contents: `${used.join(' ')} ${text.slice(hashbang.length)}`, loader: LOADERS[extname(args.path)] ?? 'js' }
      })
    },
  }
}
