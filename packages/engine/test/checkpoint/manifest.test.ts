import { describe, expect, test } from 'vitest'
import { describeParams } from '../../src/checkpoint/manifest/describe-job.js'
import type { CheckpointManifest } from '../../src/checkpoint/manifest/manifest.js'
import { decodeManifest, encodeManifest } from '../../src/checkpoint/manifest/manifest-file.js'
import { CoordinatorBench } from '../support/coordinator-bench.js'

async function takeOne(): Promise<{ readonly manifest: CheckpointManifest; readonly bytes: Uint8Array }> {
  const bench = await new CoordinatorBench({ params: { limit: 3, name: 'ü "x"', 1: 'number first' } }).open()
  bench.coordinator.start()
  await bench.advance(1_000)
  bench.acknowledgeAll()
  await bench.settle()
  const bytes = bench.storage.files.get('test/run/chk-1/manifest.json') as Uint8Array
  return { manifest: bench.manifestOf(1) as CheckpointManifest, bytes }
}

describe('a manifest', () => {
  test('reads as it was written', async () => {
    const { manifest, bytes } = await takeOne()
    expect(Buffer.from(encodeManifest(manifest)).equals(bytes)).toBe(true)
    expect(decodeManifest(encodeManifest(manifest), 'm')).toEqual(manifest)
  })

  test('is never taken for whole where it was cut or changed', async () => {
    const { manifest, bytes } = await takeOne()
    const text = JSON.stringify(manifest)
    for (let length = 0; length < bytes.length - 2; length += 37) {
      expect(() => decodeManifest(bytes.subarray(0, length), 'm')).toThrow(
        expect.objectContaining({ code: 'SLUICE_CHECKPOINT_CORRUPT' }) as Error,
      )
    }
    for (let at = 0; at < bytes.length; at += 11) {
      const flipped = bytes.slice()
      flipped[at] = (flipped[at] as number) ^ 4
      let read: CheckpointManifest | undefined
      try {
        read = decodeManifest(flipped, 'm')
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^SLUICE_CHECKPOINT_(CORRUPT|VERSION)$/) as string })
      }
      // Space between fields may change: it says nothing.
      if (read !== undefined) expect(JSON.stringify(read)).toBe(text)
    }
  })

  test('of a newer version is refused as such', async () => {
    const { manifest } = await takeOne()
    const newer = encodeManifest({ ...manifest, formatVersion: 2, sluice: '9.9.9' })
    expect(() => decodeManifest(newer, 'm')).toThrow(
      expect.objectContaining({ code: 'SLUICE_CHECKPOINT_VERSION', message: expect.stringContaining('9.9.9') as string }) as Error,
    )
  })

  test('says params without what is secret', () => {
    const params = describeParams({ token: 'hunter2', since: new Date(0), limit: 3, list: [1, undefined] }, ['token'])
    expect(params).toEqual({ token: '***', since: 'Date 0', limit: 3, list: [1, null] })
    expect(describeParams(undefined, [])).toEqual({})
  })
})
