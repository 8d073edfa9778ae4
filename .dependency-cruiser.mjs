/**
 * The package table of ARCHITECTURE.md as rules: who may import whom, no circles between files (type imports count),
 * and the engine stays free of threads, files and the process.
 */
const ours = '^packages/[^/]+/'

/** @param {string} name @param {string[]} allowed */
function mayImportOnly(name, allowed) {
  const targets = [name, ...allowed].join('|')
  return {
    name: `${name}-imports`,
    severity: 'error',
    comment: `packages/${name} may import of ours only: ${allowed.join(', ') || 'nothing'}`,
    from: { path: `^packages/${name}/` },
    to: { path: `${ours}|^(examples|bench|scripts)/`, pathNot: `^packages/(${targets})/` },
  }
}

export default {
  forbidden: [
    mayImportOnly('engine', []),
    mayImportOnly('operators', ['engine']),
    mayImportOnly('testing', ['engine', 'operators']),
    mayImportOnly('runtime-workers', ['engine', 'operators']),
    mayImportOnly('cli', ['engine', 'operators', 'runtime-workers']),
    mayImportOnly('sluice', ['engine', 'operators', 'runtime-workers', 'cli']),
    // Of each other connectors import nothing: each is installed by itself. Their tests run whole jobs.
    mayImportOnly('connectors/otlp/src', ['engine', 'operators']),
    {
      name: 'examples-imports',
      severity: 'error',
      comment: 'An example imports only what a user can: sluice and the connectors',
      from: { path: '^examples/' },
      to: { path: `${ours}|^bench/`, pathNot: '^packages/(sluice|connectors/[^/]+)/' },
    },
    {
      name: 'bench-imports',
      severity: 'error',
      comment: 'Benchmarks use the public API and, for extra rows, the engine',
      from: { path: '^bench/' },
      to: { path: `${ours}|^examples/`, pathNot: '^packages/(sluice|engine|connectors/[^/]+)/' },
    },
    {
      name: 'through-the-front-door',
      severity: 'error',
      comment: 'Sources reach another package by its name, never by a path into its folder',
      from: { path: '^(packages/(?:connectors/)?[^/]+)/src/' },
      to: {
        path: '^packages/(?:connectors/)?[^/]+/src/',
        pathNot: ['^$1/', '^packages/(?:connectors/)?[^/]+/src/(index|bin|testing|connector)\\.ts$'],
      },
    },
    {
      name: 'sources-import-no-tests',
      severity: 'error',
      from: { path: '^packages/(?:connectors/)?[^/]+/src/' },
      to: { path: '/test/' },
    },
    {
      name: 'engine-is-pure',
      severity: 'error',
      comment:
        'The engine touches nothing outside; of node it may use node:buffer, node:util/types and node:zlib (CRC-32) alone, and in one place what prints values',
      from: { path: '^packages/engine/src/', pathNot: '^packages/engine/src/codec/dense-array.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|util/types|zlib)$' },
    },
    {
      name: 'threads-in-the-runtime-only',
      severity: 'error',
      comment: 'Operators know only their context; the umbrella only re-exports',
      from: { path: '^packages/(engine|operators|sluice|connectors/[^/]+)/src/' },
      to: { dependencyTypes: ['core'], path: '^(node:)?(worker_threads|child_process|cluster)$' },
    },
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'There are no circles between files, type imports included',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'An import leads to a file or to a package that can be resolved',
      from: {},
      to: { couldNotResolve: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: 'A source imports only what its own package.json declares (not what happens to be hoisted)',
      from: { path: '^packages/(?:connectors/)?[^/]+/src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(packages/(?:connectors/)?[^/]+|bench)/dist/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['sluice-source', 'import', 'node', 'default', 'types'],
    },
    cache: { folder: 'node_modules/.cache/dependency-cruiser', strategy: 'content' },
  },
}
