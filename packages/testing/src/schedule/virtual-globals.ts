/**
 * Date, timers, `performance.now` and `Math.random` for the code of a job, over the scheduler: there while a simulation runs, the real ones before and after. A
 * fake-timer library has a clock of its own that fires timers while it is moved; here time moves in the middle of a step, and only the
 * scheduler says when a timer fires.
 */
import type { Life } from './life.js'
import type { Scheduler } from './scheduler.js'
import { EPOCH_MS } from './virtual-environment.js'

type Callback = (...args: unknown[]) => void

/** What `setTimeout` gives: it can be given back, and has the methods that Node's has. */
class VirtualTimer {
  cancel: () => void = () => {}

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }

  refresh(): this {
    return this
  }

  [Symbol.dispose](): void {
    this.cancel()
  }
}

/** Replaces them; the answer puts the real ones back. `orphans`: who owns timers set while nobody runs. */
export function installVirtualGlobals(scheduler: Scheduler, orphans: Life): () => void {
  const random = scheduler.random.fork()
  const nowMs = (): number => Math.floor(EPOCH_MS + scheduler.nowMs)
  const start = (what: string, delayMs: number, again: boolean, fn: Callback, args: readonly unknown[]): VirtualTimer => {
    const timer = new VirtualTimer()
    const life = scheduler.current ?? orphans
    const delay = Number.isFinite(delayMs) ? Math.max(1, delayMs) : 1
    const arm = (): void => {
      const fire = (): void => {
        if (again) arm()
        fn(...args)
      }
      timer.cancel = scheduler.await({ life, what, atMs: scheduler.nowMs + delay, happen: fire, ordered: true })
    }
    arm()
    return timer
  }
  const cancel = (timer: unknown): void => {
    if (timer instanceof VirtualTimer) timer.cancel()
  }
  const immediate = (fn: Callback, ...args: unknown[]): VirtualTimer => {
    const timer = new VirtualTimer()
    const life = scheduler.current ?? orphans
    timer.cancel = scheduler.await({ life, what: 'immediate', atMs: Number.NEGATIVE_INFINITY, happen: () => fn(...args) })
    return timer
  }
  const RealDate = globalThis.Date
  // The prototype stays the same, so dates made before are dates still.
  const VirtualDate: DateConstructor = new Proxy(RealDate, {
    construct: (target, args, newTarget): Date =>
      Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget === VirtualDate ? target : newTarget) as Date,
    apply: (target) => new target(nowMs()).toString(),
    get: (target, name, receiver) => (name === 'now' ? nowMs : (Reflect.get(target, name, receiver) as unknown)),
  })
  const restore = [
    replace(globalThis, 'Date', VirtualDate),
    replace(globalThis, 'setTimeout', (fn: Callback, delayMs = 1, ...args: unknown[]) => start('setTimeout', delayMs, false, fn, args)),
    replace(globalThis, 'setInterval', (fn: Callback, delayMs = 1, ...args: unknown[]) => start('setInterval', delayMs, true, fn, args)),
    replace(globalThis, 'setImmediate', immediate),
    replace(globalThis, 'clearTimeout', cancel),
    replace(globalThis, 'clearInterval', cancel),
    replace(globalThis, 'clearImmediate', cancel),
    replace(globalThis.performance, 'now', () => scheduler.nowMs),
    replace(Math, 'random', () => random.next()),
  ]
  return () => {
    for (const undo of restore.reverse()) undo()
  }
}

function replace<T extends object>(holder: T, name: keyof T & string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(holder, name)
  Object.defineProperty(holder, name, { value, configurable: true, writable: true, enumerable: before?.enumerable ?? true })
  return () => {
    if (before === undefined) Reflect.deleteProperty(holder, name)
    else Object.defineProperty(holder, name, before)
  }
}
