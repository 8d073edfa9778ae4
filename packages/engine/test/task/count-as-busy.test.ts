import { expect, it } from 'vitest'
import { SubtaskState, SubtaskWord } from '../../src/metrics/metric-layout.js'
import { SubtaskAccounting } from '../../src/task/accounting.js'

it('moves time of the open interval to busy, never more than there is, and keeps the sum', () => {
  const words = new Float64Array(16)
  const accounting = new SubtaskAccounting(words, 0, 1000)
  accounting.countAsBusy(30, 1100)
  expect([words[SubtaskWord.idleMs], words[SubtaskWord.busyMs]]).toEqual([70, 30])
  accounting.countAsBusy(500, 1110)
  expect([words[SubtaskWord.idleMs], words[SubtaskWord.busyMs]]).toEqual([70, 40])
  accounting.enter(SubtaskState.queued, 1110)
  accounting.countAsBusy(5, 1120)
  expect([words[SubtaskWord.queuedMs], words[SubtaskWord.busyMs]]).toEqual([5, 45])
  accounting.enter(SubtaskState.backpressured, 1120)
  accounting.countAsBusy(5, 1130)
  accounting.enter(SubtaskState.idle, 1130)
  expect([words[SubtaskWord.backpressuredMs], words[SubtaskWord.busyMs]]).toEqual([10, 45])
})
