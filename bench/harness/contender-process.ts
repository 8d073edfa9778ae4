/** Entry of the process that takes one measurement and prints it as JSON on the last line. Arguments: figure, contender, options as JSON. */
import { allFigures } from '../figures/all-figures.js'
import type { MeasureOptions } from './figure.js'

const [, , figureId, contenderId, optionsText] = process.argv
const contender = allFigures.find(({ id }) => id === figureId)?.contenders.find(({ id }) => id === contenderId)
if (contender === undefined || optionsText === undefined) throw new Error(`there is no ${figureId} ${contenderId}`)
const measurement = await contender.measure(JSON.parse(optionsText) as MeasureOptions)
process.stdout.write(`${JSON.stringify(measurement)}\n`)
process.exit(0)
