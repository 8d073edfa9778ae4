import { describe, expect, it } from 'vitest'
import type { JobSettings } from '../../src/graph/logical-graph.js'
import { defaultSettings, resolveSettings } from '../../src/plan/settings.js'

describe('resolveSettings', () => {
  it('has one default for each setting', () => {
    const { ringBytes: _ringBytes, ...defaults } = defaultSettings
    expect(resolveSettings({}, { cores: 3 })).toEqual({ ...defaults, workers: 3, parallelism: 3, ringBytes: undefined })
  })

  it('prefers the runner to the job and the job to the default', () => {
    expect(resolveSettings({ parallelism: 5, stuckAfterMs: 7 }, { cores: 2, parallelism: 6 })).toMatchObject({
      parallelism: 6,
      stuckAfterMs: 7,
      workers: 2,
    })
    expect(resolveSettings({ chaining: true, adaptiveWindow: false }, { cores: 2, chaining: false })).toMatchObject({
      chaining: false,
      adaptiveWindow: false,
    })
    expect(resolveSettings({ workers: 4 }, { cores: 2, workers: undefined }).workers).toBe(4)
  })

  it('runs at parallelism 1 on the calling thread unless told otherwise', () => {
    expect(resolveSettings({}, { cores: 8, workers: 0 })).toMatchObject({ workers: 0, parallelism: 1 })
    expect(resolveSettings({ parallelism: 3 }, { cores: 8, workers: 0 }).parallelism).toBe(3)
    expect(resolveSettings({}, { cores: 0 })).toMatchObject({ workers: 1, parallelism: 1 })
  })

  it.each<[keyof JobSettings, number]>([
    ['workers', -1],
    ['workers', 257],
    ['parallelism', 0],
    ['parallelism', 2.5],
    ['memoryBytes', 0],
    ['memoryBytes', Number.NaN],
    ['maxRecordBytes', 0],
    ['keyGroups', 32_769],
    ['ringBytes', 2_048],
    ['ringBytes', 5_000],
    ['ringBytes', 2 ** 31],
    ['windowTargetMs', 0],
    ['stuckAfterMs', Number.POSITIVE_INFINITY],
    ['stopTimeoutMs', -1],
  ])('refuses %s = %d', (name, value) => {
    expect(() => resolveSettings({ [name]: value }, { cores: 2 })).toThrow(
      expect.objectContaining({ code: 'SLUICE_OPTIONS_INVALID', message: `${name} is ${value}`, hint: expect.stringContaining(name) }),
    )
  })

  it.each([4_096, 65_536, 2 ** 30])('takes a ring of %d bytes', (ringBytes) => {
    expect(resolveSettings({}, { cores: 2, ringBytes }).ringBytes).toBe(ringBytes)
  })
})
