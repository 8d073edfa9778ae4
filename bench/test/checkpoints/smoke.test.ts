/** From the build, because jobs are loaded from beside it: the figures of checkpoints go through, short and small: what is lost or comes twice behind a restore makes them fail. */
import { expect, test } from 'vitest'
import { checkpointFigures } from '../../dist/figures/checkpoints.js'

const LIMIT_MS = 180_000

test.each(checkpointFigures.flatMap(({ id, contenders }) => contenders.map((contender) => ({ name: `${id} ${contender.id}`, contender }))))(
  '$name is measured',
  async ({ contender }) => {
    const { value } = await contender.measure({ quick: true })
    expect(value).toBeGreaterThan(0)
  },
  LIMIT_MS,
)
