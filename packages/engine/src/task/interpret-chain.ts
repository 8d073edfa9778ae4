/**
 * The drivers of a chain without generated code, for processes that forbid it (`--disallow-code-generation-from-strings`): the same
 * order of calls, composed of closures made once per chain.
 */
import { SluiceError } from '../errors/sluice-error.js'
import { SideOutputValue } from '../graph/operator-context.js'
import { type ChainDrivers, type ChainNode, type ChainParts, type ChainTarget, pushesOf, type Sampling } from './chain-drivers.js'
import type { AsyncTable } from './async-table.js'
import { elementChecks, TIMESTAMP_MAX } from './element-checks.js'
import type { Expansion } from './expansion.js'
import type { RecordFailures } from './record-failures.js'
import type { WatermarkTracker } from './watermark-tracker.js'

type Push = (record: unknown, timestamp: number) => void

export function interpretChain(parts: ChainParts): ChainDrivers {
  return new ChainInterpreter(parts).drivers()
}

class ChainInterpreter {
  readonly #parts: ChainParts
  /** Position of the operator under way, for the coordinates of an error. */
  #active = 0

  constructor(parts: ChainParts) {
    this.#parts = parts
  }

  drivers(): ChainDrivers {
    const { nodes, gate, inputs, timed } = this.#parts
    const heads = nodes[0]?.node.spec.kind === 'source' ? [] : Array.from({ length: inputs }, (_, input) => this.#enter(0, input))
    const first = nodes[0] as ChainNode
    const after = this.#port(first, 0, 0)
    const fn = 'fn' in first.node.spec ? (first.node.spec.fn as (index: number) => unknown) : undefined
    return {
      ring: heads.map((head) => (channel, end) => {
        const { decoder, view, bytes, cursor, times, timesAt } = channel
        this.#guarded(0, () => {
          while (channel.index < end && gate.closed === 0) {
            this.#active = 0
            const record = decoder.decode(view, bytes, cursor)
            const timestamp = timed ? (times[timesAt + channel.index] as number) : Number.NaN
            channel.index++
            head(record, timestamp)
          }
        })
      }),
      local: heads.map((head) => (channel, end) => {
        this.#guarded(0, () => {
          while (channel.index < end && gate.closed === 0) {
            const record = channel.records[channel.index]
            const timestamp = timed ? (channel.times[channel.index] as number) : Number.NaN
            channel.index++
            head(record, timestamp)
          }
        })
      }),
      index: (cursor, limit) => {
        this.#guarded(0, () => {
          for (let left = limit; left > 0 && gate.closed === 0; left--) {
            const index = cursor.base + (cursor.offsets[cursor.offset] as number)
            if (++cursor.offset === cursor.offsets.length) {
              cursor.offset = 0
              cursor.base += cursor.stride
            }
            cursor.done++
            this.#active = 0
            after(fn?.(index), Number.NaN)
          }
        })
      },
      batch: (cursor, end) => {
        this.#guarded(0, () => {
          while (cursor.index < end && gate.closed === 0) after(cursor.records[cursor.index++], Number.NaN)
        })
      },
      push: nodes.map((node, position) => this.#push(node, position)),
      expand: nodes.map((node, position) => (node.expansion === undefined ? undefined : this.#expand(node, position, node.expansion))),
    }
  }

  #push(node: ChainNode, position: number): ((record: unknown, timestamp: number, port?: number) => void) | undefined {
    if (pushesOf(node).length === 0) return undefined
    const { sampling } = this.#parts
    const ports = node.targets.map((_, port) => this.#port(node, position, port))
    return (record, timestamp, port = 0) => {
      const began = sampling.on ? sampling.now() : 0
      const outer = sampling.innerMs
      this.#guarded(position, () => ports[port]?.(record, timestamp))
      if (sampling.on) sampling.innerMs = outer + sampling.now() - began
    }
  }

  #expand(node: ChainNode, position: number, expansion: Expansion): () => void {
    const { gate } = this.#parts
    const main = this.#port(node, position, 0)
    const push = node.node.spec.kind === 'general' ? this.#push(node, position) : undefined
    const { failures } = node
    const element: Push =
      push === undefined
        ? main
        : (record, timestamp) => {
            if (record instanceof SideOutputValue) push(record.value, timestamp, elementChecks.portOf(node.node, record.tag))
            else push(record, timestamp, 0)
          }
    return () =>
      this.#guarded(position, () => {
        do {
          const { array, iterator, time } = expansion
          for (;;) {
            if (gate.closed !== 0) return
            this.#active = position
            if (array !== undefined) {
              if (expansion.index >= array.length) break
              element(array[expansion.index++], time)
            } else {
              let step: IteratorResult<unknown> | undefined
              try {
                step = iterator?.next()
              } catch (error) {
                if (failures === undefined) throw error
                expansion.failed(error, failures)
              }
              if (step === undefined || step.done === true) break
              element(step.value, time)
            }
          }
        } while (expansion.finish(failures))
      })
  }

  /** What takes a record through the operator at a position and on. */
  #enter(position: number, input: number): Push {
    const node = this.#parts.nodes[position] as ChainNode
    const { spec } = node.node
    const { sampling } = this.#parts
    const next = this.#port(node, position, 0)
    if (node.failures !== undefined && spec.kind !== 'async' && spec.kind !== 'sink')
      return this.#fallible(node, position, input, node.failures)
    switch (spec.kind) {
      case 'map': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        return (record, timestamp) => next(fn(record), timestamp)
      }
      case 'select':
        return (record, timestamp) => {
          const selected: Record<string, unknown> = {}
          for (const field of spec.fields)
            Object.defineProperty(selected, field, {
              value: (record as Record<string, unknown>)[field],
              enumerable: true,
              configurable: true,
              writable: true,
            })
          next(selected, timestamp)
        }
      case 'filter': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        return (record, timestamp) => {
          if (holds(fn(record))) next(record, timestamp)
        }
      }
      case 'timestamps': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        const tracker = node.tracker as WatermarkTracker
        return (record, _timestamp) => {
          const time = timeOf(fn(record))
          see(tracker, record, time)
          next(record, time)
        }
      }
      case 'split': {
        const predicates = spec.predicates.map((fn) => this.#timed(position, fn as (record: unknown) => unknown, sampling))
        const ports = node.node.ports.map((_, port) => this.#port(node, position, port))
        return (record, timestamp) => ports[portFor(predicates, record)]?.(record, timestamp)
      }
      case 'flatMap': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => Iterable<unknown> | undefined, sampling)
        const expansion = node.expansion as Expansion
        const expand = this.#expand(node, position, expansion)
        return (record, timestamp) => {
          if (expansion.begin(fn(record), timestamp)) expand()
        }
      }
      case 'general': {
        const process = this.#timedCall(position, (record, timestamp) => node.operator?.process(record, timestamp, input))
        return process
      }
      case 'async': {
        const call = node.call as NonNullable<ChainNode['call']>
        const table = node.table as AsyncTable
        const { onError = 'fail', gathers } = spec
        return this.#timedCall(position, (record, timestamp) => {
          table.check(record)
          if (gathers !== undefined) {
            table.gather(record, timestamp)
            return
          }
          let result: unknown
          try {
            result = call(record, table.nextContext())
          } catch (error) {
            if (onError === 'fail') throw error
            table.failed(error, timestamp, record)
            return
          }
          table.take(result, timestamp, record)
        })
      }
      case 'sink':
        return this.#timedCall(position, (record) => node.sink?.accept(record))
      case 'source':
        return next
    }
  }

  /** The same where the operator has a policy for errors: what its function throws does not leave. */
  #fallible(node: ChainNode, position: number, input: number, failures: RecordFailures): Push {
    const { spec } = node.node
    const next = this.#port(node, position, 0)
    const { sampling } = this.#parts
    /** undefined: it failed. Wrapped, for a function may give nothing. */
    const attempt = <T>(record: unknown, timestamp: number, action: () => T): { readonly value: T } | undefined => {
      try {
        return { value: action() }
      } catch (error) {
        failures.settle(error, record, timestamp)
        return undefined
      }
    }
    const expansion = node.expansion as Expansion
    switch (spec.kind) {
      case 'map': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        return (record, timestamp) => {
          const made = attempt(record, timestamp, () => fn(record))
          if (made !== undefined) next(made.value, timestamp)
        }
      }
      case 'filter': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        return (record, timestamp) => {
          if (attempt(record, timestamp, () => holds(fn(record)))?.value === true) next(record, timestamp)
        }
      }
      case 'split': {
        const predicates = spec.predicates.map((fn) => this.#timed(position, fn as (record: unknown) => unknown, sampling))
        const ports = node.node.ports.map((_, port) => this.#port(node, position, port))
        return (record, timestamp) => {
          const port = attempt(record, timestamp, () => portFor(predicates, record))
          if (port !== undefined) ports[port.value]?.(record, timestamp)
        }
      }
      case 'timestamps': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => unknown, sampling)
        const tracker = node.tracker as WatermarkTracker
        return (record, timestamp) => {
          const time = attempt(record, timestamp, () => timeOf(fn(record)))?.value
          if (time === undefined) return
          see(tracker, record, time)
          next(record, time)
        }
      }
      case 'flatMap': {
        const fn = this.#timed(position, spec.fn as (record: unknown) => Iterable<unknown> | undefined, sampling)
        const expand = this.#expand(node, position, expansion)
        return (record, timestamp) => {
          expansion.at(record)
          if (attempt(record, timestamp, () => expansion.begin(fn(record), timestamp))?.value === true) expand()
          expansion.left()
        }
      }
      case 'general':
        return this.#timedCall(position, (record, timestamp) => {
          expansion.at(record)
          attempt(record, timestamp, () => node.operator?.process(record, timestamp, input))
          expansion.left()
        })
      default:
        throw new SluiceError('SLUICE_ASSERTION', `an operator of kind ${spec.kind} has a policy for errors`)
    }
  }

  #port(node: ChainNode, position: number, port: number): Push {
    const pushes = (node.targets[port] ?? []).map((target): Push => {
      const push = this.#pushTo(target, position)
      const { checkKey } = target
      if (checkKey === undefined) return push
      return (record, timestamp) => {
        this.#active = position
        checkKey(record)
        push(record, timestamp)
      }
    })
    if (pushes.length === 1) return pushes[0] as Push
    return (record, timestamp) => {
      for (const push of pushes) push(record, timestamp)
    }
  }

  #pushTo(target: ChainTarget, position: number): Push {
    if (!('emit' in target)) return this.#enter(target.position, 0)
    const { emit } = target
    return (record, timestamp) => {
      // An operator of another branch, or an earlier element, may have left its own position there.
      this.#active = position
      emit(record, timestamp)
    }
  }

  #timed<T>(position: number, fn: (record: unknown) => T, sampling: Sampling): (record: unknown) => T {
    return (record) => {
      this.#active = position
      if (!sampling.on) return fn(record)
      const began = sampling.now()
      const result = fn(record)
      sampling.add(position, sampling.now() - began)
      return result
    }
  }

  #timedCall(position: number, call: Push): Push {
    const { sampling } = this.#parts
    return (record, timestamp) => {
      this.#active = position
      if (!sampling.on) {
        call(record, timestamp)
        return
      }
      const began = sampling.now()
      const outer = sampling.innerMs
      sampling.innerMs = 0
      call(record, timestamp)
      sampling.add(position, sampling.now() - began - sampling.innerMs)
      sampling.innerMs = outer
    }
  }

  #guarded(position: number, action: () => void): void {
    const outer = this.#active
    this.#active = position
    try {
      action()
    } catch (error) {
      this.#parts.fail(this.#active, error)
    }
    this.#active = outer
  }
}

function holds(value: unknown): boolean {
  return value === true || (value !== false && elementChecks.truthy(value))
}

/** The first whose predicate holds, and otherwise the one behind theirs. */
function portFor(predicates: readonly ((record: unknown) => unknown)[], record: unknown): number {
  const port = predicates.findIndex((fn) => holds(fn(record)))
  return port < 0 ? predicates.length : port
}

function timeOf(given: unknown): number {
  return typeof given === 'number' && Math.abs(given) <= TIMESTAMP_MAX ? given : elementChecks.timestamp(given)
}

function see(tracker: WatermarkTracker, record: unknown, time: number): void {
  if (time > tracker.latest) tracker.latest = time
  tracker.records++
  tracker.generator?.onRecord(record, time)
}
