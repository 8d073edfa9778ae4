/** Every figure, in the order of the table. */
import type { Figure } from '../harness/figure.js'
import { borderFigures } from './borders.js'
import { chainFigures } from './chain.js'
import { checkpointFigures } from './checkpoints.js'
import { codecFigures } from './codec.js'
import { edgeFigures, oneThreadFigures } from './edge.js'
import { exchangeFigures } from './exchange.js'
import { flowControlFigures } from './flow-control.js'
import { latencyFigures } from './latency.js'
import { otlpFigures } from './otlp.js'
import { stateFigures } from './state.js'
import { wholeJobFigures } from './whole-job.js'

export const allFigures: readonly Figure[] = [
  ...edgeFigures,
  ...oneThreadFigures,
  ...exchangeFigures,
  ...chainFigures,
  ...latencyFigures,
  ...codecFigures,
  ...stateFigures,
  ...checkpointFigures,
  ...wholeJobFigures,
  ...flowControlFigures,
  ...borderFigures,
  ...otlpFigures,
]
