/** Writes records to a sink the way a subtask does: open, batches, finish, close; deadlines when the test says so. */
import type { HostBindings, RunIdentity, SinkContext, SinkWriter } from '@sluice/engine'
import type { Sink } from '../../src/sink/sink.js'

export interface FakeContext extends SinkContext {
  nowMs: number
  deadline: number | undefined
  readonly counts: Map<string, number>
  readonly warnings: string[]
  /** What the writer failed with outside of a call. */
  readonly failures: unknown[]
  /** What the writer could not write. */
  readonly letters: { readonly record: unknown; readonly error: unknown }[]
}

export interface ContextOptions {
  readonly overwrite?: boolean
  readonly subtask?: { readonly index: number; readonly parallelism: number }
  readonly host?: HostBindings
  readonly run?: RunIdentity
  readonly restored?: readonly unknown[] | undefined
  readonly firstRecord?: number
}

export function sinkContext(options: ContextOptions = {}): FakeContext {
  const ignore = (): void => undefined
  const counts = new Map<string, number>()
  const warnings: string[] = []
  const failures: unknown[] = []
  const letters: { readonly record: unknown; readonly error: unknown }[] = []
  const context: FakeContext = {
    job: 'test',
    operator: 'out',
    subtask: options.subtask ?? { index: 0, parallelism: 1 },
    log: { debug: ignore, info: ignore, warn: (message) => warnings.push(message), error: ignore },
    metrics: { count: (name, by = 1) => counts.set(name, (counts.get(name) ?? 0) + by), gauge: ignore },
    now: () => context.nowMs,
    use: (name) => `opened ${name}`,
    fail: (error) => void failures.push(error),
    failures,
    deadLetter: (record, error) => void letters.push({ record, error }),
    letters,
    setDeadline: (timeMs) => {
      context.deadline = timeMs
    },
    overwrite: options.overwrite ?? false,
    signal: new AbortController().signal,
    host: options.host,
    run: options.run,
    restored: options.restored,
    firstRecord: options.firstRecord ?? 0,
    nowMs: 1_000,
    deadline: undefined,
    counts,
    warnings,
  }
  return context
}

export async function openSink(sink: Sink<never>, context: SinkContext = sinkContext()): Promise<SinkWriter> {
  if (sink.spec.kind !== 'sink') throw new Error('not a sink with a writer')
  const writer = sink.spec.create(context)
  await writer.open?.()
  return writer
}

const BATCH = 256

/** Everything from open to close; close also after a failure. */
export async function writeSink(sink: Sink<never>, records: readonly unknown[], context: SinkContext = sinkContext()): Promise<void> {
  if (sink.spec.kind !== 'sink') throw new Error('not a sink with a writer')
  const writer = sink.spec.create(context)
  // One array for all batches, as the engine does it: a writer that keeps it sees its content change.
  const batch: unknown[] = []
  try {
    await writer.open?.()
    for (let start = 0; start < records.length; start += BATCH) {
      batch.length = 0
      batch.push(...records.slice(start, start + BATCH))
      const pending = writer.write(batch)
      if (pending !== undefined) await pending
    }
    await writer.finish?.()
  } finally {
    await writer.close?.()
  }
}
