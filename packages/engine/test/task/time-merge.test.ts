/** The watermark of several inputs against a model that keeps nothing but what each of them said last. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EndReason } from '../../src/channel/frame.js'
import { subtaskBench } from '../support/subtask-bench.js'

type Action =
  | { readonly kind: 'watermark'; readonly channel: number; readonly by: number; readonly idle: boolean }
  | { readonly kind: 'record'; readonly channel: number }
  | { readonly kind: 'end'; readonly channel: number; readonly stopped: boolean }

const action = (channels: number): fc.Arbitrary<Action> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('watermark' as const),
        channel: fc.nat(channels - 1),
        by: fc.nat(20),
        idle: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('record' as const), channel: fc.nat(channels - 1) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('end' as const), channel: fc.nat(channels - 1), stopped: fc.boolean() }),
    },
  )

interface Said {
  watermark: number
  idle: boolean
  end: 'open' | 'exhausted' | 'stopped'
}

const NEVER = Number.NEGATIVE_INFINITY

/** Whoever is idle is not waited for; where all are, the one that got farthest counts; a stopped input may have had more to say. */
function merged(said: readonly Said[]): { readonly watermark: number; readonly idle: boolean } {
  const counting = said.filter(({ end }) => end !== 'exhausted')
  if (counting.length === 0) return { watermark: Number.POSITIVE_INFINITY, idle: false }
  const awaited = counting.filter(({ idle, end }) => !idle || end === 'stopped')
  if (awaited.length === 0) return { watermark: Math.max(...counting.map(({ watermark }) => watermark)), idle: true }
  return { watermark: Math.min(...awaited.map(({ watermark }) => watermark)), idle: false }
}

const scene = fc
  .integer({ min: 1, max: 4 })
  .chain((channels) => fc.record({ channels: fc.constant(channels), actions: fc.array(action(channels), { maxLength: 60 }) }))

describe('the watermark of a subtask', () => {
  it('is that of the model after everything that is said, at the operator and behind it', () => {
    fc.assert(
      fc.property(scene, ({ channels, actions }) => {
        const shown: number[] = []
        const bench = subtaskBench(channels, () => ({ process: () => {}, onWatermark: (watermark) => void shown.push(watermark) }))
        const said = Array.from({ length: channels }, (): Said => ({ watermark: NEVER, idle: false, end: 'open' }))
        let expected = NEVER
        let status = false
        for (const { channel, ...act } of actions) {
          const one = said[channel] as Said
          if (one.end !== 'open') continue
          const output = bench.inputs[channel]
          if (act.kind === 'watermark') {
            one.watermark = (one.watermark === NEVER ? 0 : one.watermark) + act.by
            one.idle = act.idle
            output?.sendWatermark(one.watermark, one.idle)
          } else if (act.kind === 'end') {
            one.end = act.stopped ? 'stopped' : 'exhausted'
            output?.sendEnd(act.stopped ? EndReason.stopped : EndReason.exhausted)
          } else continue
          bench.settle()
          const model = merged(said)
          // The end itself is no watermark: it follows as the end of the output.
          if (said.every(({ end }) => end !== 'open')) break
          const advanced = Math.max(expected, model.watermark)
          const left = bench.left().at(-1)
          if (advanced !== expected || model.idle !== status) expect(left).toEqual({ watermark: advanced, idle: model.idle })
          else expect(left).toBe(undefined)
          expected = advanced
          status = model.idle
          expect(shown.at(-1) ?? NEVER).toBe(expected)
          expect(bench.watermarkWord).toBe(expected)
        }
        expect(shown).toEqual([...new Set(shown)].sort((left, right) => left - right))
        const ended = said.every(({ end }) => end !== 'open')
        const fires = ended && said.every(({ end }) => end === 'exhausted')
        expect(shown.at(-1) === Number.POSITIVE_INFINITY).toBe(fires)
        expect(bench.subtask.finished).toBe(ended)
      }),
      { numRuns: 1000 },
    )
  })

  it('never passes a record of an input that is not idle, and no record passes it, in any interleaving', () => {
    fc.assert(
      fc.property(scene, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), ({ channels, actions }, settles) => {
        let at = NEVER
        const bench = subtaskBench(channels, (emit) => ({
          process: (value, timestamp) => {
            // Each record carries what its channel had promised before it.
            expect(at).toBeLessThanOrEqual((value as { promised: number }).promised)
            emit(value, timestamp)
          },
          onWatermark: (watermark) => {
            expect(watermark).toBeGreaterThan(at)
            at = watermark
          },
        }))
        const promised = Array.from({ length: channels }, () => NEVER)
        actions.forEach(({ channel, ...act }, index) => {
          const output = bench.inputs[channel]
          if (output === undefined) return
          if (act.kind === 'watermark') {
            promised[channel] = Math.max(0, promised[channel] as number) + act.by
            output.sendWatermark(promised[channel], false)
          } else {
            output.records[output.count] = { promised: promised[channel] }
            output.times[output.count] = Math.max(0, promised[channel] as number) + 1
            output.count++
            output.flush()
          }
          if (settles[index] === true) bench.settle()
        })
        bench.settle()
        let passed = NEVER
        for (const one of bench.left()) {
          if ('watermark' in one) passed = one.watermark
          else expect(one.timestamp).toBeGreaterThan(passed)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
