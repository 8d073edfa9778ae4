import { describe, expect, it } from 'vitest'
import { formatBytes } from '../../src/plan/format-bytes.js'
import { edgeBound, planMemory } from '../../src/plan/plan-memory.js'
import { resolveSettings } from '../../src/plan/settings.js'
import { shareOf } from '../../src/plan/share-of.js'

const KIB = 1024
const MIB = 1024 * KIB
const settings = (overrides: { memoryBytes?: number; ringBytes?: number } = {}) => resolveSettings({}, { cores: 2, ...overrides })

describe('edgeBound', () => {
  it('is window, staging, overdraft, async work, and records larger than a frame on rings', () => {
    expect(edgeBound({ rings: 2, locals: 1, asyncRecords: 5 }, 64 * KIB, MIB)).toEqual({
      windowBytes: 3 * 64 * KIB,
      stagingBytes: 3 * 8 * KIB,
      overdraftBytes: 3 * 16 * KIB,
      asyncBytes: 5 * 8 * KIB,
      largeRecordBytes: 4 * MIB,
      totalBytes: 3 * 88 * KIB + 40 * KIB + 4 * MIB,
    })
  })

  it('has nothing for larger records where there are none or they are not fragmented', () => {
    expect(edgeBound({ rings: 2, locals: 0, asyncRecords: 0 }, 64 * KIB, 8 * KIB).largeRecordBytes).toBe(0)
    expect(edgeBound({ rings: 0, locals: 2, asyncRecords: 0 }, 64 * KIB, MIB).largeRecordBytes).toBe(0)
  })
})

describe('planMemory', () => {
  const edges = [{ rings: 100, locals: 0, asyncRecords: 0 }]

  it.each([
    [256 * MIB, 256 * KIB],
    [32_000 * KIB, 256 * KIB],
    [32_000 * KIB - 1, 128 * KIB],
    [19_200 * KIB, 128 * KIB],
    [19_200 * KIB - 1, 64 * KIB],
    [5 * MIB, 32 * KIB],
    [2_400 * KIB, 16 * KIB],
  ])('in %d bytes rings have %d', (memoryBytes, ringBytes) => {
    const memory = planMemory(edges, settings({ memoryBytes }))
    expect(memory.ringBytes).toBe(ringBytes)
    // The ring, and four frames of at most 16 KiB for staging and overdraft.
    expect(memory.plannedBytes).toBe(100 * (ringBytes + 4 * Math.min(ringBytes / 8, 16 * KIB)))
  })

  it('refuses a budget in which the smallest do not fit, with the values', () => {
    expect(() => planMemory(edges, settings({ memoryBytes: 2_400 * KIB - 1 }))).toThrow(
      expect.objectContaining({
        code: 'SLUICE_MEMORY_BUDGET',
        message: 'the plan needs 2.3 MiB for 100 channels of 16 KiB, and the budget is 2.3 MiB',
      }),
    )
    const async = [{ rings: 0, locals: 1, asyncRecords: 1_000_000 }]
    expect(() => planMemory(async, settings())).toThrow(/1 channel of 16 KiB and 1\.9 GiB of async work in flight/)
  })

  it('does not touch a size that was asked for', () => {
    expect(planMemory(edges, settings({ ringBytes: 4 * KIB })).ringBytes).toBe(4 * KIB)
    expect(() => planMemory(edges, settings({ ringBytes: 4 * MIB }))).toThrow(expect.objectContaining({ code: 'SLUICE_MEMORY_BUDGET' }))
  })
})

describe('shareOf', () => {
  it('adds up to the total, the first subtasks first', () => {
    expect([0, 1, 2].map((index) => shareOf(8, 3, index))).toEqual([3, 3, 2])
    expect([0, 1].map((index) => shareOf(1, 2, index))).toEqual([1, 0])
  })
})

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1 KiB'],
    [1_536, '1.5 KiB'],
    [268_435_456, '256 MiB'],
    [105.4 * MIB, '105 MiB'],
  ])('%d -> %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))
})
