import { SluiceError } from '../errors/sluice-error.js'

/** Fails with `SLUICE_CODEC_CORRUPT`. */
export function corrupt(what: string): never {
  throw new SluiceError('SLUICE_CODEC_CORRUPT', `Encoded bytes are not valid: ${what}`)
}
