/** Results as Markdown. Pure. */
import type { ContenderResult, FigureResult, Results } from './results.js'
import type { Summary } from './statistics.js'

export function resultsAsMarkdown(results: Results): string {
  const { machine, date, commit, processes, quick } = results
  const intro =
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.system}, Node ${machine.node}; ` +
    `commit ${commit}, ${date.slice(0, 10)}; ${processes} processes per figure; load before the run ${machine.loadBefore.toFixed(1)}` +
    (quick ? '; a smoke run: the numbers mean nothing' : '')
  return [intro, '', ...figureTable(results.figures), '', ...targetTable(results)].join('\n')
}

function figureTable(figures: readonly FigureResult[]): string[] {
  const lines = [
    '| figure | contender | median (min - max) | unit | CPU ns per record | Sluice is x as good | in CPU time | more |',
    '| --- | --- | ---: | --- | ---: | ---: | ---: | --- |',
  ]
  for (const figure of figures) {
    figure.contenders.forEach((contender, index) => lines.push(contenderLine(figure, contender, index === 0)))
  }
  return lines
}

function contenderLine(figure: FigureResult, contender: ContenderResult, first: boolean): string {
  const unit = figure.valueName === undefined ? figure.unit : `${figure.unit} (${figure.valueName})`
  const details = Object.entries(contender.details).map(([name, summary]) => `${name} ${formatNumber(summary.median)}`)
  const failed = contender.failures.length === 0 ? '' : `; ${contender.failures.length} failed`
  const cells = [
    first ? figure.title : '',
    contender.role === 'sluice' ? `**${contender.label}**` : contender.label,
    (contender.values.length === 0 ? 'none' : formatSummary(contender)) + failed,
    unit,
    contender.cpuNsPerRecord === undefined ? '' : formatNumber(contender.cpuNsPerRecord.median),
    contender.ratio === undefined ? '' : formatSummary(contender.ratio),
    contender.cpuRatio === undefined ? '' : formatNumber(contender.cpuRatio.median),
    details.join(', '),
  ]
  return `| ${cells.join(' | ')} |`
}

function targetTable({ targets }: Results): string[] {
  if (targets.length === 0) return []
  return [
    '| target on 2 cores | measured | floor | aim | met |',
    '| --- | ---: | ---: | ---: | --- |',
    ...targets.map(
      ({ target, unit, value, floor, aim, met }) =>
        `| ${target} | ${formatNumber(value)} ${unit} | ${floor} | ${aim} | ${met === 'no' ? '**no**' : met === 'aim' ? 'aim' : 'floor'} |`,
    ),
  ]
}

function formatSummary({ median, min, max }: Summary): string {
  return min === max ? formatNumber(median) : `${formatNumber(median)} (${formatNumber(min)} - ${formatNumber(max)})`
}

/** Three digits that mean something. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '?'
  const size = Math.abs(value)
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  if (size >= 100) return value.toFixed(0)
  if (size >= 10) return value.toFixed(1)
  return value === 0 ? '0' : value.toFixed(2)
}
