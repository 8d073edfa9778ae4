/** The load generators and the job of the ingress benchmark agree on every record, over each protocol. */
import { expect, test } from 'vitest'
import { type IngressProtocol, measureIngress } from '../../dist/contenders/ingress.js'

test.each<IngressProtocol>(['http1', 'http2', 'tcp'])(
  'over %s what was accepted arrives once, and the rest does not',
  { timeout: 120_000 },
  async (protocol) => {
    const { details, series } = await measureIngress(protocol, { quick: true }, { connections: 20, seconds: 2 })
    expect(details?.['accepted']).toBeGreaterThan(0)
    expect(series?.['accepted']).toHaveLength(2)
  },
)
