import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chokedRate, nextRate, nextWindow, type WindowLimits } from '../../src/channel/credit-window.js'

const limits: WindowLimits = { minBytes: 1000, maxBytes: 100_000, targetMs: 100 }

describe('the estimate of a rate', () => {
  it.each([
    ['is what the first period says', 0, 5000, 100, 50_000],
    ['stays where nothing was consumed', 50_000, 0, 100, 50_000],
    ['stays where no time was spent', 50_000, 5000, 0, 50_000],
    ['stays where time ran backwards', 50_000, 5000, -1, 50_000],
    ['stays unknown where nothing is known', 0, 0, 100, 0],
    ['moves by three tenths', 50_000, 6000, 100, 53_000],
    ['sinks by three tenths', 50_000, 0.001, 100, 35_000.003],
    ['rises by three tenths of twice itself at most', 50_000, 1e9, 100, 65_000],
  ])('%s', (_name, estimate, bytes, busyMs, expected) => {
    expect(nextRate(estimate, bytes, busyMs)).toBeCloseTo(expected, 6)
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
        for (let period = 0; period < 200; period++) {
          const next = nextRate(estimate, rate / 10, 100)
          // Never away from it, never beyond it.
          expect(Math.abs(next - rate)).toBeLessThanOrEqual(Math.abs(estimate - rate) * (1 + 1e-9))
          expect(next).toBeLessThanOrEqual(estimate * 1.3 * (1 + 1e-9) + Number.EPSILON)
          estimate = next
        }
        expect(estimate / rate).toBeCloseTo(1, 3)
      }),
    )
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
          let estimate = 0
          let window = limits.maxBytes
          let changes = 0
          for (const factor of noise) {
            estimate = nextRate(estimate, (rate * factor) / 10, 100)
            const next = nextWindow(window, estimate, limits)
            if (next !== window) changes++
            window = next
          }
          expect(changes).toBeLessThanOrEqual(2)
        },
      ),
    )
  })
})
