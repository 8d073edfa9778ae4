/** Takes figures round by round: each contender once, then each once more, so that a disturbance meets all of them. */
import type { Figure, MeasureOptions, Measurement } from './figure.js'
import { formatNumber } from './markdown.js'
import { measureInProcess } from './measure-in-process.js'
import { type FigureResult, figureResult } from './results.js'

export interface TakeOptions extends MeasureOptions {
  readonly processes: number
  readonly progress: (line: string) => void
}

export async function takeFigure(figure: Figure, { processes, quick, progress }: TakeOptions): Promise<FigureResult> {
  const rounds = figure.contenders.map((contender) => ({
    contender,
    measurements: [] as (Measurement | undefined)[],
    failures: [] as string[],
  }))
  const count = Math.min(processes, figure.processesMax ?? processes)
  for (let round = 1; round <= count; round++) {
    for (const { contender, measurements, failures } of rounds) {
      const what = `${figure.id} ${contender.id} ${round}/${count}`
      try {
        const measurement = await measureInProcess(figure, contender, { quick })
        measurements.push(measurement)
        const cpu = measurement.cpuNsPerRecord === undefined ? '' : `, ${formatNumber(measurement.cpuNsPerRecord)} ns CPU per record`
        progress(`${what}: ${formatNumber(measurement.value)} ${figure.unit}${cpu}`)
      } catch (error) {
        measurements.push(undefined)
        failures.push(String(error))
        progress(`${what}: failed: ${String(error)}`)
      }
    }
  }
  return figureResult(figure, rounds)
}
