/**
 * Two real threads over one ring. Every record is checked; nobody waits with a timeout, so that a lost wake-up stops all progress, which
 * a watchdog sees. Runs the built engine: worker threads cannot load TypeScript.
 */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { ChannelSlice } from '../../src/channel/channel-slice.js'
import { decodeSlices } from '../../src/channel/decode-slice.js'
import { allocateRing, RingWord, windowBytesMax, windowBytesMin } from '../../src/channel/ring-layout.js'
import { controlBytes } from '../../src/control/control-layout.js'

const nightly = process.env['SLUICE_TEST_MODE'] === 'nightly'
const dist = new URL('../../dist', import.meta.url).href
/** So long without a byte moving is a stop for ever; no test waits for it unless it fails. */
const STUCK_AFTER_MS = 20_000

interface Stress {
  readonly roles: readonly [string, string]
  readonly records: number
  readonly capacityBytes: number
  readonly sizeMax: number
  readonly burstMax: number
  /** One pause of each kind in so many steps. */
  readonly pauseEvery: number
  readonly timed: boolean
  readonly smallestWindow?: boolean
  /** Where the positions begin. */
  readonly position?: number
}

interface Report {
  readonly received: number
  readonly parks: number
  readonly notes: readonly Note[]
}

/** How many records a side had sent or received at the snapshot point of a checkpoint, and what was overtaken. */
interface Note {
  readonly id: number
  readonly records: number
  readonly slice?: ChannelSlice | undefined
  readonly slices?: readonly ChannelSlice[] | undefined
}

async function stress(options: Stress, seed: number): Promise<readonly Report[]> {
  expect(existsSync(new URL('../../dist/index.js', import.meta.url)), 'the engine is not built: run npm run build').toBe(true)
  const { capacityBytes, position = 0 } = options
  const maxFrameBytes = capacityBytes / 8
  const windowBytes = options.smallestWindow === true ? windowBytesMin(maxFrameBytes) : windowBytesMax(capacityBytes, maxFrameBytes)
  const rings = [0, 1].map(() => {
    const shared = allocateRing(capacityBytes, windowBytes)
    const words = new Int32Array(shared)
    words[RingWord.written] = position
    words[RingWord.consumed] = position
    words[RingWord.granted] = position + windowBytes
    return shared
  })
  const control = new SharedArrayBuffer(controlBytes(2))
  const asked = new Int32Array(new SharedArrayBuffer(4))
  const workers = options.roles.map(
    (role) =>
      new Worker(new URL('./ring-peer.mjs', import.meta.url), {
        workerData: { ...options, dist, role, rings, control, seed, maxFrameBytes, windowBytes, asked },
        execArgv: [],
      }),
  )
  let watchdog: NodeJS.Timeout | undefined
  try {
    const stuck = new Promise<never>((_resolve, reject) => {
      let before = ''
      let movedAtMs = performance.now()
      watchdog = setInterval(() => {
        const now = rings.map((ring) => [...new Int32Array(ring, 0, 32)].join()).join()
        if (now !== before) movedAtMs = performance.now()
        before = now
        if (performance.now() - movedAtMs > STUCK_AFTER_MS)
          reject(new Error(`no progress with seed ${seed}: ${rings.map((ring) => new Int32Array(ring, 0, 18).join()).join(' | ')}`))
      }, 500)
    })
    const reports = workers.map(
      (worker) =>
        new Promise<Report>((resolve, reject) => {
          worker.once('message', resolve)
          worker.once('error', reject)
        }),
    )
    return await Promise.race([Promise.all(reports), stuck])
  } finally {
    clearInterval(watchdog)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const times = nightly ? 100 : 1

describe('a ring between two threads', { timeout: 3_600_000 }, () => {
  it.each<[string, Stress]>([
    [
      'carries millions of records',
      {
        roles: ['send', 'receive'],
        records: 3_000_000 * times,
        capacityBytes: 131_072,
        sizeMax: 60,
        burstMax: 600,
        pauseEvery: 300,
        timed: true,
      },
    ],
    [
      'carries records of all sizes through the smallest window, while positions wrap',
      {
        roles: ['send', 'receive'],
        records: 200_000 * times,
        capacityBytes: 4096,
        sizeMax: 20_000,
        burstMax: 40,
        pauseEvery: 20,
        timed: false,
        smallestWindow: true,
        position: 2 ** 32 - 65_536,
      },
    ],
    [
      'wakes whoever sleeps, every time',
      { roles: ['ask', 'echo'], records: 8000 * times, capacityBytes: 4096, sizeMax: 3000, burstMax: 1, pauseEvery: 8, timed: true },
    ],
  ])('%s', async (_name, options) => {
    for (const seed of nightly ? [1, 2, 3] : [1]) {
      const [first, second] = await stress(options, seed)
      expect((first?.received ?? 0) + (second?.received ?? 0)).toBe(options.records)
      expect((first?.parks ?? 0) + (second?.parks ?? 0)).toBeGreaterThan(100)
    }
  })

  const barriers = { capacityBytes: 4096, burstMax: 30, pauseEvery: 12, timed: true, position: 2 ** 32 - 65_536 }

  it('delivers barriers where they were sent, however many there are', async () => {
    const records = 150_000 * times
    const [sender, receiver] = await stress({ ...barriers, roles: ['hammer', 'compare'], records, sizeMax: 300 }, 1)
    expect(receiver?.received).toBe(records)
    const sentAt = new Map(sender?.notes.map(({ id, records: sent }) => [id, sent]))
    const delivered = receiver?.notes ?? []
    expect(delivered.length).toBeGreaterThan(1000)
    // Only the newest counts, so not all are.
    expect(delivered.length).toBeLessThan(sentAt.size)
    let last = 0
    for (const { id, records: got } of delivered) {
      if (id <= last || got !== sentAt.get(id)) expect({ id, got, last }).toEqual({ id, got: sentAt.get(id), last: id - 1 })
      last = id
    }
  })

  it('captures what barriers overtake, while both sides go on', async () => {
    const records = 100_000 * times
    const options = { ...barriers, roles: ['overtaken', 'capture'] as const, records, sizeMax: 3000, smallestWindow: true }
    const [sender, receiver] = await stress(options, 1)
    expect(receiver?.received).toBe(records)
    const sent = new Map(sender?.notes.map((note) => [note.id, note]))
    let compared = 0
    let captured = 0
    for (const { id, records: from, slices } of receiver?.notes ?? []) {
      const note = sent.get(id)
      // The last one may not have come to its end.
      if (slices === undefined || note === undefined) continue
      const { values, times: timestamps } = decodeSlices([...slices, ...(note.slice === undefined ? [] : [note.slice])], true)
      const ids = values.map((value) => (value as { id: number }).id)
      expect(ids).toEqual(Array.from({ length: note.records - from }, (_, index) => from + index))
      expect([...timestamps]).toEqual(ids.map((recordId) => recordId * 2))
      compared++
      captured += ids.length
    }
    expect(compared).toBeGreaterThan(500)
    expect(captured).toBeGreaterThan(5000)
  })
})
