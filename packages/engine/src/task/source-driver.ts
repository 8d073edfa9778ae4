/**
 * The two ways a subtask reads: indexes (a function of a number, which the chain's driver inlines) and splits (readers that
 * give batches, possibly asynchronously). Both hand a bounded number of records to the driver per call.
 */
export { IndexSource } from './index-source.js'
export { type IndexSourceState, NOTHING_TAKEN, type SourceDriver, type SourceState, type SplitSourceState } from './source-contract.js'
export { SplitSource, type SplitSourceOptions } from './split-source.js'
