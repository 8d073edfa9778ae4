import { expect, test } from 'vitest'

test('the package loads by its name', async () => {
  await expect(import('@sluice/runtime-workers')).resolves.toBeTypeOf('object')
})
