/** Key and certificate of a server as Node takes them, looked at before anybody listens. Runs in the thread that listens. */
import { Buffer } from 'node:buffer'
import { SluiceError } from '@sluice/engine'
import type { ListenTls } from './http/http-types.js'

export interface LoadedTls {
  readonly key: string | Buffer
  readonly cert: string | Buffer
}

/** @throws SLUICE_OPTIONS_INVALID, without a word of either */
export async function loadTls({ key, cert }: ListenTls): Promise<LoadedTls> {
  const { createSecureContext } = await import('node:tls')
  const loaded = { key: pemOf(key), cert: pemOf(cert) }
  try {
    createSecureContext(loaded)
  } catch (error) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `tls: key and cert cannot be used: ${(error as Error).message}`, {
      cause: error,
      hint: 'Give what the files hold, such as readFileSync(path), as PEM: the key without a passphrase, and the certificate that belongs to it.',
    })
  }
  return loaded
}

function pemOf(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}
