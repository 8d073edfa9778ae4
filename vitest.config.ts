/**
 * `source` and `sockets`: packages whose tests run from src, no build needed. `built`, behind them: packages whose tests start real workers or the real binary;
 * package names resolve to dist there, because neither worker threads nor the binary can load TypeScript, and one process must not hold two copies of a package.
 * `bench`, beside it: the workload of the benchmarks, the conformance of its queries and of an example with DuckDB, on the same terms. `measured`, at the end:
 * what compares figures of time, one file after the other. Types (`*.test-d.ts`) are tested by the compiler: `npm run check:tests`.
 */
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const conditions = ['sluice-source', 'node', 'import', 'module', 'default']

/** What listens: connections go on behind the end of a file. */
const sockets = ['packages/operators/test/ingress/**/*.test.ts']
const interop = ['packages/connectors/*/test/interop/**/*.test.ts']
const measured = ['bench/test/borders/**/*.test.ts']

/** Most take a second or two where nothing else runs; a busy machine may take twenty times as long, and what stands still stands still for longer. */
const patience = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 30_000 } } }

const fromSource = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } }
const ofSource = { ...patience, maxWorkers: '100%', sequence: { groupOrder: 0 } }

const ofDist = {
  globalSetup: ['scripts/warn-stale-build.mjs'],
  server: { deps: { external: [/\/packages\/(?:connectors\/)?[a-z-]+\/dist\//] } },
  // They start threads and processes of their own: more of them would be in each other's way.
  maxWorkers: Math.min(2, availableParallelism()),
  sequence: { groupOrder: 1 },
  ...patience,
}

export default defineConfig({
  test: {
    reporters: [process.env.CI ? 'default' : 'dot', './scripts/lost-test-files.mjs'],
    projects: [
      {
        ...fromSource,
        test: {
          ...ofSource,
          name: 'source',
          include: ['packages/{engine,operators,testing}/test/**/*.test.ts', 'packages/connectors/*/test/**/*.test.ts'],
          exclude: [...sockets, ...interop],
          // A process runs one file behind the other: to load the engine anew for each of them is a third of the time.
          isolate: false,
          restoreMocks: true,
        },
      },
      { ...fromSource, test: { ...ofSource, name: 'sockets', include: sockets } },
      { test: { ...ofDist, name: 'built', include: ['packages/{runtime-workers,cli,sluice}/test/**/*.test.ts', ...interop] } },
      { test: { ...ofDist, name: 'bench', include: ['bench/test/**/*.test.ts'], exclude: measured } },
      { test: { ...ofDist, name: 'measured', include: measured, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
