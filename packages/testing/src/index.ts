export { type Crash, type StepName } from './job/fault-plan.js'
export { type Arrival, at, type Input } from './job/input.js'
export { simulate, type SimulatedOutputs, type SimulateOptions, type SimulationResult } from './job/simulate.js'
export { SimulationFailure } from './schedule/simulation-failure.js'
