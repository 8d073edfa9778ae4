import { expect, test } from 'vitest'

test('the package loads by its name', async () => {
  await expect(import('@sluice/operators')).resolves.toBeTypeOf('object')
})
