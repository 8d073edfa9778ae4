/** The borders of a job: what it calls, and what sends to it, when one side cannot keep up or is gone. Taken by `--only borders`. */
import type { Figure } from '../harness/figure.js'

export const borderFigures: readonly Figure[] = []
