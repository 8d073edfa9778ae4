/**
 * The two ways a subtask reads: indexes (a function of a number, which the chain's driver inlines) and splits (readers that
 * give batches, possibly asynchronously). Both hand a bounded number of records to the driver per call.
 */
export { IndexSource } from './index-source.js'
export { NOTHING_TAKEN, type SourceDriver, type SourceState } from './source-contract.js'
export { SplitSource } from './split-source.js'
