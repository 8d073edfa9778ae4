import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WatermarkTracker } from '../../src/task/watermark-tracker.js'

it('has something due at the time that it gives, however times are rounded', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 1000, noNaN: true }), (startMs) => {
      const spec = { strategy: { outOfOrdernessMs: 0 }, idleAfterMs: undefined, perRecord: false }
      const tracker = new WatermarkTracker(spec, startMs, (error) => {
        throw error
      })
      tracker.records = 1
      tracker.latest = 5
      expect(tracker.due(tracker.dueAtMs - 1)).toBeNaN()
      expect(tracker.due(tracker.dueAtMs)).toBe(4)
    }),
  )
})
