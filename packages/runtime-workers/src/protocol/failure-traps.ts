/**
 * What user code does behind the engine's back: rejections that nobody handles, exceptions out of callbacks, `process.exit`.
 * Each becomes a failure of the job. In a worker, which belongs to the job alone, all three; on a thread that belongs to the
 * caller only rejections, only while the job runs, and only where the program has no handler of its own.
 */
import { SluiceError } from '@sluice/engine'
import { describeThrown } from './describe-thrown.js'

export type FailureSink = (error: SluiceError) => void

/** `where` names the worker: what comes out of a callback does not say which operator started it. */
export function trapWorkerFailures(fail: FailureSink, where: () => string): void {
  process.on('unhandledRejection', (reason) => fail(unhandled(`a promise was rejected and nobody handled it in ${where()}`, reason)))
  process.on('uncaughtException', (error) => fail(unhandled(`an exception was thrown outside of any operator in ${where()}`, error)))
  const exit = process.exit.bind(process)
  process.exit = (code) => {
    fail(
      new SluiceError('SLUICE_WORKER_EXITED', `process.exit(${code ?? ''}) was called in a job`, {
        cause: new Error('process.exit was called here'),
      }),
    )
    return exit(code)
  }
}

/** Returns what takes the trap away again. */
export function trapHostRejections(fail: FailureSink): () => void {
  if (process.listenerCount('unhandledRejection') > 0) return () => {}
  const onRejection = (reason: unknown): void => fail(unhandled('a promise was rejected and nobody handled it', reason))
  process.on('unhandledRejection', onRejection)
  return () => void process.off('unhandledRejection', onRejection)
}

function unhandled(what: string, reason: unknown): SluiceError {
  if (reason instanceof SluiceError) return reason
  return new SluiceError('SLUICE_UNHANDLED_REJECTION', `${what}: ${describeThrown(reason)}`, { cause: reason })
}
