import { expect, test } from 'vitest'
import { readCommandLine } from '../../src/arguments/command-line.js'

function read(...argv: string[]) {
  const said = { out: '', error: '' }
  const line = readCommandLine(argv, {
    writeOut: (text) => {
      said.out += text
    },
    writeError: (text) => {
      said.error += text
    },
  })
  return { line, ...said }
}

test('run: every option arrives, typed', () => {
  const typed =
    'run job.ts --param a=1 --param b=2 --params p.json --env-file .env --parallelism 4 --workers 0 --memory 256mb --report 1s ' +
    '--log json --quiet --overwrite --check-records --no-color --checkpoint-interval 10s --checkpoint-dir state --checkpoint-mode unaligned ' +
    '--checkpoint-aligned-timeout 500 --checkpoint-timeout 1m --checkpoint-retain 5 --restart fixed:3:1s --restore latest --drop-state a --drop-state b'
  const { line } = read(...typed.split(' '), '--edge', 'a -> b:window=20ms', '--edge', 'b -> c:prefetch=1')
  expect(line).toEqual({
    command: 'run',
    args: {
      file: 'job.ts',
      param: ['a=1', 'b=2'],
      params: 'p.json',
      envFile: '.env',
      parallelism: 4,
      workers: 0,
      memory: '256mb',
      color: false,
      report: '1s',
      log: 'json',
      quiet: true,
      overwrite: true,
      checkRecords: true,
      checkpoint: true,
      checkpointInterval: '10s',
      checkpointDir: 'state',
      checkpointMode: 'unaligned',
      checkpointAlignedTimeout: 500,
      checkpointTimeout: '1m',
      checkpointRetain: 5,
      restart: { strategy: 'fixed', attempts: 3, delay: '1s' },
      restore: 'latest',
      dropState: ['a', 'b'],
      edge: ['a -> b:window=20ms', 'b -> c:prefetch=1'],
    },
  })
})

test('run: what is not said stays open, so that the job and the defaults decide', () => {
  expect(read('run', 'job.ts').line).toEqual({
    command: 'run',
    args: {
      file: 'job.ts',
      param: [],
      params: undefined,
      envFile: undefined,
      parallelism: undefined,
      workers: undefined,
      memory: undefined,
      color: true,
      report: undefined,
      log: 'pretty',
      quiet: false,
      overwrite: false,
      checkRecords: false,
      checkpoint: true,
      checkpointInterval: undefined,
      checkpointDir: undefined,
      checkpointMode: undefined,
      checkpointAlignedTimeout: undefined,
      checkpointTimeout: undefined,
      checkpointRetain: undefined,
      restart: undefined,
      restore: undefined,
      dropState: [],
      edge: [],
    },
  })
})

test.each<[string, unknown]>([
  ['none', { strategy: 'none' }],
  ['exponential', { strategy: 'exponential' }],
  ['exponential:100:5s', { strategy: 'exponential', initialDelay: 100, maxDelay: '5s' }],
  ['fixed:2', { strategy: 'fixed', attempts: 2 }],
  ['failure-rate:3:5m', { strategy: 'failure-rate', failures: 3, window: '5m' }],
  ['failure-rate:3:5m:1s', { strategy: 'failure-rate', failures: 3, window: '5m', delay: '1s' }],
])('run: --restart %s', (text, restart) => {
  expect(read('run', 'job.ts', '--restart', text).line).toMatchObject({ args: { restart } })
})

test('run: --no-checkpoint', () => {
  expect(read('run', 'job.ts', '--no-checkpoint').line).toMatchObject({ args: { checkpoint: false } })
})

test('running jobs and checkpoints', () => {
  const args = (...typed: string[]): unknown => (read(...typed).line as { readonly args?: unknown }).args
  expect(args('savepoint', 'orders', '--dir', 'd')).toEqual({ job: 'orders', name: undefined, dir: 'd', color: true })
  expect(args('stop', 'orders', '--savepoint')).toMatchObject({ job: 'orders', savepoint: true, drain: false })
  expect(args('status', '--json')).toEqual({ job: undefined, json: true, color: true })
  expect(args('checkpoints', 'list')).toEqual({ action: 'list', dir: 'checkpoints', job: undefined, color: true, json: false })
  expect(args('checkpoints', 'show', '3', '--job', 'a', '--json')).toMatchObject({ action: 'show', checkpoint: '3', job: 'a', json: true })
  expect(args('checkpoints', 'verify')).toMatchObject({ action: 'verify', checkpoint: undefined })
  expect(args('checkpoints', 'read', 'latest', '--operator', 'a', '--state', 's')).toMatchObject({
    checkpoint: 'latest',
    operator: ['a'],
    state: ['s'],
  })
  expect(args('checkpoints', 'diff', '1', '2')).toMatchObject({ action: 'diff', before: '1', after: '2' })
  expect(args('plan', 'job.ts', '--against', 'latest', '--drop-state', 'x')).toMatchObject({ against: 'latest', dropState: ['x'] })
})

test('plan: the format is text unless said', () => {
  expect(read('plan', 'job.ts').line).toMatchObject({ command: 'plan', args: { format: 'text' } })
  expect(read('plan', 'job.ts', '--format', 'mermaid').line).toMatchObject({ command: 'plan', args: { format: 'mermaid' } })
})

test.each<[string, string[], RegExp]>([
  ['an unknown restart strategy', ['run', 'job.ts', '--restart', 'often'], /It takes none, exponential/],
  ['a strategy without its number', ['run', 'job.ts', '--restart', 'fixed'], /It takes none, exponential/],
  ['an unknown checkpoint mode', ['run', 'job.ts', '--checkpoint-mode', 'fast'], /Allowed choices are aligned, unaligned, at-least-once/],
  ['an unknown command', ['rnu', 'job.ts'], /unknown command 'rnu'\s+\(Did you mean run\?\)/],
  ['an unknown option', ['run', 'job.ts', '--parallelsim', '2'], /unknown option '--parallelsim'\s+\(Did you mean --parallelism\?\)/],
  ['a job file without a command', ['job.ts'], /To run a job: sluice run job\.ts/],
  ['no job file', ['run'], /missing required argument 'job'/],
  ['two job files', ['run', 'a.ts', 'b.ts'], /too many arguments/],
  ['a number that is none', ['run', 'job.ts', '--parallelism', 'two'], /--parallelism.*whole number from 1/],
  ['a parallelism of 0', ['run', 'job.ts', '--parallelism', '0'], /whole number from 1/],
  ['a format that does not exist', ['plan', 'job.ts', '--format', 'pdf'], /Allowed choices are text, mermaid, dot, json/],
  ['an option of the other command', ['plan', 'job.ts', '--overwrite'], /unknown option '--overwrite'/],
])('wrong usage ends with status 2: %s', (_name, argv, message) => {
  const { line, out, error } = read(...argv)
  expect(line).toEqual({ command: 'exit', status: 2 })
  expect(error).toMatch(message)
  expect(error).toMatch(/See sluice .*--help/)
  expect(out).toBe('')
})

test('without arguments the help goes to stderr, with status 2', () => {
  const { line, out, error } = read()
  expect(line).toEqual({ command: 'exit', status: 2 })
  expect(error).toMatch(/Usage: sluice/)
  expect(out).toBe('')
})

test.each([[['--help']], [['run', '--help']], [['help', 'plan']]])('%j prints help with examples to stdout, with status 0', (argv) => {
  const { line, out, error } = read(...argv)
  expect(line).toEqual({ command: 'exit', status: 0 })
  expect(out).toMatch(/Examples:\n {2}\$ npx sluice/)
  expect(error).toBe('')
})

test('--version prints the version of the package', () => {
  const { line, out } = read('--version')
  expect(line).toEqual({ command: 'exit', status: 0 })
  expect(out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('durations and sizes in digits are numbers', () => {
  expect(read('run', 'job.ts', '--memory', '1048576', '--report', '250').line).toMatchObject({ args: { memory: 1048576, report: 250 } })
})
