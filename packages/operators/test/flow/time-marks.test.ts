import { expect, test } from 'vitest'
import { TimeMarks } from '../../src/flow/time-marks.js'

function passed(marks: TimeMarks, oldest: number): readonly number[] {
  const given: number[] = []
  marks.pass(oldest, (watermark) => given.push(watermark))
  return given
}

test('a watermark leaves when every record in front of it has', () => {
  const marks = new TimeMarks()
  marks.hold(3, 100, false)
  marks.hold(5, 200, false)
  expect(passed(marks, 2)).toEqual([])
  expect(passed(marks, 3)).toEqual([100])
  expect(passed(marks, 4)).toEqual([])
  expect(passed(marks, Number.POSITIVE_INFINITY)).toEqual([200])
  expect(marks.size).toBe(0)
})

test('of several at one place the newest counts', () => {
  const marks = new TimeMarks()
  marks.hold(3, 100, false)
  marks.hold(3, 150, true)
  expect(marks.size).toBe(1)
  expect(passed(marks, 3)).toEqual([150])
})

test('there are never many, and none leaves too early', () => {
  const marks = new TimeMarks()
  for (let before = 1; before <= 1_000; before++) marks.hold(before, before * 10, false)
  expect(marks.size).toBe(64)
  let latest = 0
  for (let oldest = 1; oldest <= 1_000; oldest++) {
    for (const watermark of passed(marks, oldest)) {
      expect(watermark).toBeLessThanOrEqual(oldest * 10)
      latest = watermark
    }
  }
  expect(latest).toBe(10_000)
})

test('what is held is state', () => {
  const marks = new TimeMarks()
  marks.hold(2, 7, true)
  const restored = new TimeMarks()
  restored.restore(structuredClone<ReturnType<TimeMarks['snapshot']>>(marks.snapshot()))
  const given: unknown[] = []
  restored.pass(2, (watermark, idle) => given.push({ watermark, idle }))
  expect(given).toEqual([{ watermark: 7, idle: true }])
})
