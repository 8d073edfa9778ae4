/** The example with windows, a join by time and timers, run as a user runs it, against the same in plain loops: whatever the parallelism. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { JobFolder } from '../support/run-sluice.js'

const example = resolve(import.meta.dirname, '../../../../examples/bikes.ts')
const REPORTS = 3_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE

let folder: JobFolder
beforeEach(async () => {
  folder = await JobFolder.create()
})
afterEach(() => folder.remove())

const pings = Array.from({ length: REPORTS }, (_none, index) => ({
  bike: `b${index % 7}`,
  station: `s${index % 3}`,
  at: index * 10_000,
  battery: 100 - (index % 97),
})).filter(({ battery }) => battery > 20 && battery % 7 !== 0)

const repairs = Array.from({ length: REPORTS / 60 }, (_none, index) => ({
  bike: `b${index % 7}`,
  at: index * 10 * MINUTE,
  part: index % 2 === 0 ? 'brake' : 'tyre',
}))

function hours(): unknown[] {
  const windows = new Map<string, { key: string; start: number; batteries: number[] }>()
  for (const { station, at, battery } of pings) {
    const start = at - (at % HOUR)
    const window = windows.get(`${station} ${start}`) ?? { key: station, start, batteries: [] }
    window.batteries.push(battery)
    windows.set(`${station} ${start}`, window)
  }
  return [...windows.values()].map(({ key, start, batteries }) => ({
    key,
    window: { start, end: start + HOUR },
    pings: batteries.length,
    lowest: Math.min(...batteries),
    highest: Math.max(...batteries),
  }))
}

function repaired(): unknown[] {
  return repairs.flatMap((repair) =>
    pings
      .filter(({ bike, at }) => bike === repair.bike && at >= repair.at && at <= repair.at + 10 * MINUTE)
      .map(({ battery, at }) => ({ ...repair, battery, pingAt: at })),
  )
}

function silent(): unknown[] {
  const last = new Map<string, number>()
  return pings.flatMap(({ bike, at, battery }) => {
    const from = last.get(bike) ?? at
    last.set(bike, at)
    return at - from > 4 * MINUTE ? [{ bike, from, to: at, battery }] : []
  })
}

test.each([1, 2])('windows, joined and ordered records, at parallelism %s', async (parallelism) => {
  const { status } = await folder.run('run', example, '--param', `reports=${REPORTS}`, '--parallelism', `${parallelism}`, '--workers', '2')
  expect(status).toBe(0)
  const lines = async (name: string): Promise<string[]> =>
    (await readFile(join(folder.path, 'bikes', name), 'utf8')).trimEnd().split('\n').toSorted()
  const expected = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted()
  expect(silent().length).toBeGreaterThan(50)
  expect(await lines('hours.jsonl')).toEqual(expected(hours()))
  expect(await lines('repaired.jsonl')).toEqual(expected(repaired()))
  expect(await lines('silent.jsonl')).toEqual(expected(silent()))
})
