/**
 * Runs every check, two at a time, and prints one line for each, with the whole output of what failed.
 * `node scripts/check.mjs lint deps` runs only those.
 */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const parallelism = 2

/** The slowest first, so that the end is short. */
const checks = {
  packages: 'npm run --silent check:packages',
  tests: 'npm run --silent check:tests',
  lint: 'npm run --silent check:lint',
  examples: 'npm run --silent check:examples',
  dead: 'npm run --silent check:dead',
  deps: 'npm run --silent check:deps',
  docs: 'npm run --silent check:docs',
  format: 'npm run --silent check:format',
  lockfile: 'npm run --silent check:lockfile',
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !(name in checks))
if (unknown.length > 0) {
  console.error(`No check is called ${unknown.join(', ')}: there are ${Object.keys(checks).join(', ')}`)
  process.exit(2)
}

function run(command) {
  return new Promise((done) => {
    const child = spawn(command, { cwd: root, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = []
    child.stdout.on('data', (chunk) => output.push(chunk))
    child.stderr.on('data', (chunk) => output.push(chunk))
    child.on('close', (code) => done({ code, output: Buffer.concat(output).toString() }))
  })
}

const queue = Object.entries(checks).filter(([name]) => asked.length === 0 || asked.includes(name))
const failed = []

async function work() {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, command] = next
    const start = performance.now()
    const { code, output } = await run(command)
    const seconds = ((performance.now() - start) / 1000).toFixed(1)
    if (code === 0) console.log(`ok      ${name} (${seconds} s)`)
    else {
      failed.push(name)
      console.log(`FAILED  ${name} (${seconds} s): npm run check:${name}\n\n${output}`)
    }
  }
}

await Promise.all(Array.from({ length: parallelism }, work))
if (failed.length > 0) {
  console.error(`${failed.length} of the checks failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
