/**
 * Two projects. `source`: packages whose tests run from src, no build needed. `built`: packages whose tests start real
 * workers or the real binary; package names resolve to dist there, because neither worker threads nor the binary can
 * load TypeScript, and one process must not hold two copies of a package.
 */
import { defineConfig } from 'vitest/config'

const conditions = ['sluice-source', 'node', 'import', 'module', 'default']

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: { name: 'source', include: ['packages/{engine,operators}/test/**/*.test.ts'] },
      },
      {
        test: {
          name: 'built',
          include: ['packages/{runtime-workers,cli,sluice}/test/**/*.test.ts'],
          server: { deps: { external: [/\/packages\/[a-z-]+\/dist\//] } },
        },
      },
    ],
  },
})
