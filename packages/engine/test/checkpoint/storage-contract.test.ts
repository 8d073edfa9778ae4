import { expect, test } from 'vitest'
import { storageContract } from '../../src/checkpoint/storage-contract.js'
import { MemoryStorage } from '../support/memory-storage.js'

test.each(storageContract)('memory $rule', async ({ check }) => {
  await expect(check(new MemoryStorage())).resolves.toBeUndefined()
})

test('a storage that cuts files is found out', async () => {
  class Cutting extends MemoryStorage {
    override publish(path: string, bytes: Uint8Array): Promise<void> {
      return super.publish(path, bytes.subarray(0, 1))
    }
  }
  const broken = await Promise.allSettled(storageContract.map(({ check }) => check(new Cutting())))
  expect(broken.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0)
})
