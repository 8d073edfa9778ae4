/**
 * The manifest as bytes: JSON for people to read, with a hash over its body, so that a damaged one is never taken for a whole one. The body is hashed as compact
 * JSON, which parsing and writing again reproduces.
 */
import { Buffer } from 'node:buffer'
import { SluiceError } from '../../errors/sluice-error.js'
import { hashText } from '../../graph/summarise-graph.js'
import { MANIFEST_NAME } from '../checkpoint-layout.js'
import type { CheckpointStorage } from '../storage.js'
import { type CheckpointManifest, MANIFEST_VERSION } from './manifest.js'

export function encodeManifest(manifest: CheckpointManifest): Uint8Array {
  const checksum = hashText(JSON.stringify(manifest))
  return Buffer.from(
    `${JSON.stringify({ sluice: 'checkpoint', formatVersion: manifest.formatVersion, checksum, manifest }, undefined, 1)}\n`,
  )
}

/**
 * @param where for messages: the path of the file.
 * @throws SluiceError `SLUICE_CHECKPOINT_CORRUPT`, `SLUICE_CHECKPOINT_VERSION`.
 */
export function decodeManifest(bytes: Uint8Array, where: string): CheckpointManifest {
  const corrupt = (why: string, cause?: unknown): SluiceError =>
    new SluiceError('SLUICE_CHECKPOINT_CORRUPT', `the manifest ${where} ${why}`, { cause })
  let envelope: unknown
  try {
    envelope = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } catch (error) {
    throw corrupt('is no JSON', error)
  }
  if (!isObject(envelope) || envelope.sluice !== 'checkpoint' || typeof envelope.formatVersion !== 'number') {
    throw corrupt('is not that of a checkpoint')
  }
  if (envelope.formatVersion > MANIFEST_VERSION) {
    const by = isObject(envelope.manifest) && typeof envelope.manifest.sluice === 'string' ? ` by Sluice ${envelope.manifest.sluice}` : ''
    throw new SluiceError(
      'SLUICE_CHECKPOINT_VERSION',
      `the manifest ${where} was written${by} in format ${envelope.formatVersion}, and this version knows formats up to ${MANIFEST_VERSION}`,
    )
  }
  if (!isObject(envelope.manifest) || envelope.checksum !== hashText(JSON.stringify(envelope.manifest)))
    throw corrupt('does not fit its checksum')
  return envelope.manifest as unknown as CheckpointManifest
}

/** The manifest in a folder; undefined where there is none. */
export async function readManifest(storage: CheckpointStorage, folder: string): Promise<CheckpointManifest | undefined> {
  const path = inFolder(folder, MANIFEST_NAME)
  let bytes: Uint8Array
  try {
    bytes = await storage.read(path)
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_CHECKPOINT_FILE_MISSING') return undefined
    throw error
  }
  return decodeManifest(bytes, `${storage.description}/${path}`)
}

export function inFolder(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
