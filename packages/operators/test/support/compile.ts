/** Compiles snippets as a user's job files: `sluice` and `zod` resolve, nothing is written. One program for all snippets of a call. */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const here = dirname(fileURLToPath(import.meta.url))
const repository = join(here, '../../../..')

/** What is on disk, as parsed and bound once: most of a call would be doing that again. All calls have the same options but for `paths`. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/**
 * Diagnostics by snippet: `line: message`, lines counted from 1; an empty list where it compiles.
 *
 * @param sluice the module that snippets import under that name
 * @param checked paths of files whose diagnostics are wanted too, under their path
 */
export function compile(
  snippets: Readonly<Record<string, string>>,
  sluice = join(here, '../../src/index.ts'),
  checked: readonly string[] = [],
): Record<string, string[]> {
  const folder = join(here, '../types/snippets')
  const files = new Map(Object.entries(snippets).map(([name, text]) => [join(folder, `${name}.ts`), { name, text }]))
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.test-base.json'), (path) => ts.sys.readFile(path)) as { config: object }
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, repository)
  const compilerOptions: ts.CompilerOptions = {
    ...options,
    incremental: false,
    noEmit: true,
    noErrorTruncation: true,
    paths: { sluice: [sluice], zod: [join(repository, 'node_modules/zod')] },
  }
  const host = ts.createCompilerHost(compilerOptions, true)
  const { fileExists, directoryExists, readFile, getSourceFile } = host
  host.directoryExists = (path) => path === folder || directoryExists?.(path) === true
  host.fileExists = (path) => files.has(path) || fileExists(path)
  host.readFile = (path) => files.get(path)?.text ?? readFile(path)
  host.getSourceFile = (path, language, ...rest) => {
    const file = files.get(path)
    if (file !== undefined) return ts.createSourceFile(path, file.text, language, true)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, language, ...rest))
    return parsed.get(path)
  }
  const program = ts.createProgram([...files.keys()], compilerOptions, host)
  const diagnostics: Record<string, string[]> = {}
  for (const path of [...files.keys(), ...checked]) {
    const source = program.getSourceFile(path)
    diagnostics[files.get(path)?.name ?? path] = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ file, start = 0, messageText }) => {
      const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line + 1
      return `${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  }
  return diagnostics
}
