/**
 * Three projects. `source`: packages whose tests run from src, no build needed. `built`: packages whose tests start real
 * workers or the real binary; package names resolve to dist there, because neither worker threads nor the binary can
 * load TypeScript, and one process must not hold two copies of a package. `bench`: the workload
 * of the benchmarks, the conformance of its queries and of an example with DuckDB, on the same terms as `built`. Types (`*.test-d.ts`) are
 * tested by the compiler: `npm run check:tests`.
 */
import { defineConfig } from 'vitest/config'

const conditions = ['sluice-source', 'node', 'import', 'module', 'default']

export default defineConfig({
  test: {
    reporters: [process.env.CI ? 'default' : 'dot', './scripts/lost-test-files.mjs'],
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'source',
          include: ['packages/{engine,operators,testing}/test/**/*.test.ts', 'packages/connectors/*/test/**/*.test.ts'],
          exclude: ['packages/connectors/*/test/interop/**'],
          // Time is virtual there: the other projects start threads and processes of their own, one file after the other.
          maxWorkers: '100%',
          // The longest take a second or two where nothing else runs; what stands still stands still for longer.
          testTimeout: 20_000,
          expect: { poll: { timeout: 15_000 } },
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'built',
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          include: ['packages/{runtime-workers,cli,sluice}/test/**/*.test.ts', 'packages/connectors/*/test/interop/**/*.test.ts'],
          globalSetup: ['scripts/warn-stale-build.mjs'],
          server: { deps: { external: [/\/packages\/(?:connectors\/)?[a-z-]+\/dist\//] } },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'bench',
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
          include: ['bench/test/**/*.test.ts'],
          globalSetup: ['scripts/warn-stale-build.mjs'],
          server: { deps: { external: [/\/packages\/(?:connectors\/)?[a-z-]+\/dist\//] } },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
