/**
 * The real binary whose checkpoint directory fills up, or becomes read-only, while it runs. On a small file system of its own, so only where this process may mount one.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { JobFolder, runSluice, type Started, startSluice } from '../support/run-sluice.js'

const JOB = `
import { defineJob, generate, toJsonLines } from 'sluice'
import { z } from 'zod'

const params = z.object({ records: z.number() })
const checkpoint = { interval: '50ms', directory: 'disk/state', timeout: '2s' }
export default defineJob({ name: 'small', params, checkpoint }, (job, { records }) => {
  job
    .source('numbers', generate((index) => ({ key: index % 7, value: index }), { count: records, rate: 2_000 }), { parallelism: 1 })
    .keyBy((record) => record.key)
    .reduce('sum', (left, right) => ({ key: left.key, value: left.value + right.value }))
    .sink('file', toJsonLines('out.jsonl'))
})
`

const mount = (folder: string, ...args: string[]): unknown => execFileSync('mount', [...args, folder], { stdio: 'ignore' })

function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mount-'))
  try {
    mount(folder, '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')
    execFileSync('umount', [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe.runIf(process.platform === 'linux' && process.getuid?.() === 0 && mayMount())(
  'a checkpoint directory that fails while the job runs',
  () => {
    let folder: JobFolder
    let disk: string

    beforeEach(async () => {
      folder = await JobFolder.create()
      await folder.write('job.ts', JOB)
      disk = join(folder.path, 'disk')
      mkdirSync(disk)
      mount(disk, '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
    })
    afterEach(async () => {
      execFileSync('umount', [disk])
      await folder.remove()
    })

    const start = (records: number, ...more: string[]): Started =>
      startSluice(['run', 'job.ts', '--workers', '1', '--param', `records=${records}`, ...more], { cwd: folder.path })

    /** Refused while a file on it is open for writing: a checkpoint is written within milliseconds. */
    function makeReadOnly(): void {
      for (let tries = 1; ; tries++) {
        try {
          return void mount(disk, '-o', 'remount,ro')
        } catch (error) {
          if (tries === 200) throw error
        }
      }
    }

    const again = (after: string): RegExp => new RegExp(`${after}[^]*checkpoint {2}\\d+ aligned`)

    async function expectExactly(records: number, output = 'out.jsonl'): Promise<void> {
      const sums = new Map<number, number>()
      const wrong: string[] = []
      const lines = (await readFile(join(folder.path, output), 'utf8')).trim().split('\n')
      const count = new Map<number, number>()
      for (const line of lines) {
        const { key, value } = JSON.parse(line) as { key: number; value: number }
        const n = count.get(key) ?? 0
        const expected = (sums.get(key) ?? 0) + key + 7 * n
        if (value !== expected) wrong.push(line)
        sums.set(key, expected)
        count.set(key, n + 1)
      }
      expect(wrong.slice(0, 3)).toEqual([])
      expect(lines).toHaveLength(records)
    }

    test('a full disk is told, and checkpoints are taken again when there is space', async () => {
      const started = start(8_000)
      await started.said(/checkpoint {2}\d+ aligned/)
      const filler = join(disk, 'filler')
      expect(() => writeFileSync(filler, Buffer.alloc(2 << 20))).toThrow('ENOSPC')
      await started.said(/was given up: .*ENOSPC[^]*The disk is full/)
      rmSync(filler)
      await started.said(again('ENOSPC'))
      expect((await started.ended).status).toBe(0)
      await expectExactly(8_000)
    })

    test('output that fills its disk makes the job start again until there is space', async () => {
      await folder.write('job.ts', JOB.replace('disk/state', 'state').replace("'out.jsonl'", "'disk/out.jsonl'"))
      const filler = join(disk, 'filler')
      writeFileSync(filler, Buffer.alloc(900 << 10))
      const started = start(8_000, '--restart', 'exponential:100ms:200ms')
      await started.said(/restarting +SLUICE_SINK_FAILED[^]*restarting +SLUICE_SINK_FAILED[^]*restarting +SLUICE_SINK_FAILED/)
      rmSync(filler)
      expect((await started.ended).status).toBe(0)
      await expectExactly(8_000, 'disk/out.jsonl')
    })

    test('so is a read-only file system', async () => {
      const started = start(8_000)
      await started.said(/checkpoint {2}\d+ aligned/)
      makeReadOnly()
      await started.said(/was given up: .*EROFS[^]*The file system is read-only/)
      mount(disk, '-o', 'remount,rw')
      await started.said(again('EROFS'))
      expect((await started.ended).status).toBe(0)
      await expectExactly(8_000)
    })

    test('one that is still read-only when the input has ended: the job says so, nothing is lost', async () => {
      const started = start(8_000)
      await started.said(/checkpoint {2}\d+ aligned/)
      makeReadOnly()
      const { status, stderr } = await started.ended
      expect(status).toBe(1)
      expect(stderr).toMatch(/SLUICE_CHECKPOINT_FINAL_FAILED {2}.*EROFS/)
      expect(stderr).toContain('--restore latest goes on from checkpoint')
      mount(disk, '-o', 'remount,rw')
      const rest = await runSluice(['run', 'job.ts', '--workers', '1', '--param', 'records=8000', '--restore', 'latest'], {
        cwd: folder.path,
      })
      expect(rest.status).toBe(0)
      await expectExactly(8_000)
    })
  },
)
