/**
 * Writes the pages of `docs/` that are made from the code: `errors.md` from the error catalogue, `job-log.md` from the table of events,
 * `operators.md` from docstrings. Needs a build. With `--check` nothing is written and status 1 says that a page is out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCatalogue } from '@sluice/engine'
import { commonFields, jobLogEvents } from '../dist/log/events.js'
import { operatorsPage } from './operators-page.mjs'

const folder = resolve(import.meta.dirname, '../../../docs')
const pages = { 'errors.md': errorsPage(), 'job-log.md': jobLogPage(), 'operators.md': operatorsPage() }
const check = process.argv.includes('--check')
let stale = 0

mkdirSync(folder, { recursive: true })
for (const [name, page] of Object.entries(pages)) {
  const path = join(folder, name)
  if (read(path) === page) continue
  if (check) console.error(`docs/${name} is out of date: run node packages/cli/scripts/generate-docs.mjs after a build`)
  else writeFileSync(path, page)
  stale++
}
process.exitCode = check && stale > 0 ? 1 : 0

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function errorsPage() {
  const entries = Object.entries(errorCatalogue)
  const table = (status) =>
    entries
      .filter(([, entry]) => entry.exitStatus === status)
      .map(
        ([code, entry]) =>
          `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${cell(entry.summary)} | ${cell(entry.hint)} | ${entry.retriable ? 'yes' : ''} |`,
      )
      .join('\n')
  const header = '| code | what happened | what to do | a restart may help |\n| --- | --- | --- | --- |'
  return `# Errors

<!-- Generated from packages/engine/src/errors/catalogue.ts by packages/cli/scripts/generate-docs.mjs. -->

Every error that a user can cause is a \`SluiceError\`. It has a \`code\` that never changes its meaning, a \`message\` with the values, a \`hint\`
that says what to do, the chain of causes, and \`coordinates\`: job, operator, subtask, edge, where the operator was declared, and where in the input
the record stood, as far as they are known. It keeps all of them when it crosses threads.

\`\`\`ts
import { run, SluiceError } from 'sluice'

try {
  await run(new URL('./orders.ts', import.meta.url)).finished
} catch (error) {
  if (error instanceof SluiceError && error.code === 'SLUICE_OUTPUT_EXISTS') console.error(error.hint)
  else throw error
}
\`\`\`

On the command line an error ends the process with status 1 or 2, and its line in the log is \`job.failed\` (see [the job log](job-log.md)).

## Wrong usage or wrong job: status 2

Found before a record flows.

${header}
${table(2)}

## Failed while running: status 1

${header}
${table(1)}
`
}

function jobLogPage() {
  const fieldTable = (fields) =>
    `| field | type | meaning |\n| --- | --- | --- |\n${Object.entries(fields)
      .map(
        ([name, { type, meaning, optional }]) =>
          `| \`${name}\` | ${cell(type)} | ${cell(meaning)}${optional ? ' Where it applies.' : ''} |`,
      )
      .join('\n')}`
  const events = Object.entries(jobLogEvents).map(([event, { when, fields }]) => `## \`${event}\`\n\n${when}\n\n${fieldTable(fields)}`)
  return `# The job log

<!-- Generated from packages/cli/src/log/events.ts by packages/cli/scripts/generate-docs.mjs. -->

\`sluice run\` writes one log, to stderr; data goes to stdout. \`--log json\` gives one JSON object a line; otherwise the same facts stand there in
words, in colour on a terminal (\`NO_COLOR\` and \`--no-color\` switch it off). \`--quiet\` keeps only errors. Names of events and fields are stable.

Levels, rates and stalls come from counters in shared memory that the workers write and the main thread reads: no messages, and true even while a worker is
inside a long synchronous function. \`level\` is the severity of the line, as log collectors expect it; how hard an edge is pressed is \`pressure\`.

\`\`\`sh
npx sluice run orders.ts --log json --report 1s 2> job.log
grep '"event":"edge.pressure"' job.log | grep '"pressure":"HIGH"'
\`\`\`

## On every line

${fieldTable(commonFields)}

${events.join('\n\n')}
`
}
