import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chokedRate, ConsumptionRate, nextRate, nextWindow, wakeStep, type WindowLimits } from '../../src/channel/credit-window.js'

const limits: WindowLimits = { minBytes: 1000, maxBytes: 100_000, targetMs: 100 }

describe('the estimate of a rate', () => {
  it.each([
    ['is what the first measurement says', 0, 0, 50_000, 50_000],
    ['moves by three tenths where one measurement is off', 50_000, 50_000, 100_000, 65_000],
    ['sinks by three tenths where one measurement is off', 50_000, 50_000, 10_000, 38_000],
    ['rises by three tenths of twice itself at most for one burst', 50_000, 50_000, 1e9, 65_000],
    ['moves by three tenths where two measurements contradict each other', 50_000, 10_000, 90_000, 62_000],
    ['moves by three tenths where both are off by less than a quarter', 50_000, 60_000, 60_000, 53_000],
    ['is the higher of two that are lower', 50_000, 30_000, 5_000, 30_000],
    ['is the higher of two that are lower, in either order', 50_000, 5_000, 30_000, 30_000],
    ['is the lower of two that are higher', 50_000, 90_000, 70_000, 70_000],
    ['is no more than twice itself', 50_000, 1e9, 1e9, 100_000],
  ])('%s', (_name, estimate, before, measured, expected) => {
    expect(nextRate(estimate, before, measured)).toBeCloseTo(expected, 6)
  })

  it.each([
    ['sinks by three tenths while others are read', 50_000, 35_000],
    ['sinks down to what the smallest window is worth', 11_000, 10_000],
    ['stays where it is lower still', 5_000, 5_000],
    ['stays unknown', 0, 0],
  ])('%s', (_name, estimate, expected) => {
    expect(chokedRate(estimate, limits)).toBeCloseTo(expected, 6)
  })

  it('comes to a steady rate and stays there', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e9, noNaN: true }), fc.double({ min: 1, max: 1e9, noNaN: true }), (start, rate) => {
        let estimate = start
        let before = start
        for (let period = 0; period < 60; period++) {
          const next = nextRate(estimate, before, rate)
          // Never away from it, never beyond it.
          expect(Math.abs(next - rate)).toBeLessThanOrEqual(Math.abs(estimate - rate) * (1 + 1e-9))
          expect(next).toBeLessThanOrEqual(estimate * 2 * (1 + 1e-9))
          estimate = next
          before = rate
        }
        expect(estimate / rate).toBeCloseTo(1, 3)
      }),
    )
  })

  it.each([
    [0.1, 2],
    [10, 5],
  ])('has followed a rate that is %d times what it was after %d measurements', (factor, periods) => {
    const rate = new ConsumptionRate()
    rate.add(5_000_000, 100)
    rate.add(5_000_000, 100)
    for (let period = 0; period < periods; period++) rate.add(5_000_000 * factor, 100)
    expect(rate.bytesPerBusySecond / (50_000_000 * factor)).toBeCloseTo(1, 1)
  })

  it('waits for enough work, and counts what a long record took from its beginning', () => {
    const rate = new ConsumptionRate()
    rate.add(1_000_000, 4.9)
    expect(rate.bytesPerBusySecond).toBe(0)
    rate.add(0, 0.1)
    expect(rate.bytesPerBusySecond).toBe(200_000_000)
    for (let period = 0; period < 3; period++) rate.add(0, 100)
    expect(rate.bytesPerBusySecond).toBe(200_000_000)
    // 400 ms of work in all, and not the last 100 of them: a sample far below the estimate, which moves it by three tenths.
    rate.add(400, 100)
    expect(rate.bytesPerBusySecond).toBeCloseTo(140_000_300, 0)
    rate.add(400, 400)
    expect(rate.bytesPerBusySecond).toBeCloseTo(1000, 0)
  })

  it('forgets the work of a period in which others were read', () => {
    const rate = new ConsumptionRate()
    rate.add(5000, 100)
    rate.add(0, 1000)
    rate.choke(limits)
    expect(rate.bytesPerBusySecond).toBe(35_000)
    rate.add(3500, 100)
    expect(rate.bytesPerBusySecond).toBe(35_000)
  })

  it('takes time that runs backwards for none', () => {
    const rate = new ConsumptionRate()
    rate.add(1000, -5)
    rate.add(0, 10)
    expect(rate.bytesPerBusySecond).toBe(100_000)
  })
})

describe('the next window', () => {
  it.each([
    ['stays while the rate is not known', 50_000, 0, 50_000],
    ['is the target at the rate', 10_000, 200_000, 20_000],
    ['stays for less than a quarter more', 20_000, 249_000, 20_000],
    ['moves for a quarter more', 20_000, 250_000, 25_000],
    ['stays for less than a quarter less', 20_000, 151_000, 20_000],
    ['moves for a quarter less', 20_000, 150_000, 15_000],
    ['is never below the smallest', 20_000, 1, 1000],
    ['is never above the largest', 20_000, 1e12, 100_000],
    ['reaches the smallest by any step', 1100, 1, 1000],
    ['reaches the largest by any step', 99_000, 1e12, 100_000],
  ])('%s', (_name, current, rate, expected) => {
    expect(nextWindow(current, rate, limits)).toBe(expected)
  })

  it('lies within its limits, moves by a quarter or to a limit, and does not swing at a steady rate', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 100_000 }),
        fc.array(fc.double({ min: 1, max: 2e6, noNaN: true }), { minLength: 1, maxLength: 30 }),
        (start, rates) => {
          let window = start
          for (const rate of rates) {
            const next = nextWindow(window, rate, limits)
            expect(next).toBeGreaterThanOrEqual(limits.minBytes)
            expect(next).toBeLessThanOrEqual(limits.maxBytes)
            if (next !== window && next !== limits.minBytes && next !== limits.maxBytes)
              expect(Math.abs(next - window)).toBeGreaterThanOrEqual(window / 4)
            expect(nextWindow(next, rate, limits)).toBe(next)
            window = next
          }
        },
      ),
    )
  })

  it('settles although the measured rate trembles', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20_000, max: 900_000, noNaN: true }),
        fc.array(fc.double({ min: 0.95, max: 1.05, noNaN: true }), { minLength: 100, maxLength: 100 }),
        (rate, noise) => {
          const estimate = new ConsumptionRate()
          let window = limits.maxBytes
          let changes = 0
          for (const factor of noise) {
            estimate.add((rate * factor) / 10, 100)
            const next = nextWindow(window, estimate.bytesPerBusySecond, limits)
            if (next !== window) changes++
            window = next
          }
          expect(changes).toBeLessThanOrEqual(2)
        },
      ),
    )
  })
})

describe('the credit that a sleeping producer is woken for', () => {
  it.each([
    ['is half a window where nothing flowed', 64_000, 0, 32_000],
    ['is half a window where much flows', 64_000, 1e8, 32_000],
    ['is what flows in 10 ms', 64_000, 200_000, 20_000],
    ['is no less than a frame', 64_000, 100, 16_000],
    ['is half of the smallest window', 32_000, 100, 16_000],
    ['is never more than half a window, whatever a frame holds', 20_000, 100, 10_000],
  ])('%s', (_name, window, bytes, expected) => {
    expect(wakeStep(window, bytes, 16_000)).toBe(expected)
  })
})
