/** Takes one measurement in a process of its own: no contender sees the optimised code or the heap of another. */
import type { Contender, Figure, MeasureOptions, Measurement } from './figure.js'
import { jsonOfProcess } from './json-of-process.js'

const ENTRY = new URL('./contender-process.js', import.meta.url)
const TIME_LIMIT_MS = 120_000

/** @throws Error with what the process said, where it failed or took too long. */
export async function measureInProcess(figure: Figure, contender: Contender, options: MeasureOptions): Promise<Measurement> {
  return (await jsonOfProcess(
    ENTRY,
    [figure.id, contender.id, JSON.stringify(options)],
    figure.timeLimitMs ?? TIME_LIMIT_MS,
  )) as Measurement
}
