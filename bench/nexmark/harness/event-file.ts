/** Packed events kept on disk: making them takes microseconds each, reading them back some bytes per nanosecond. */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, readSync, renameSync, writeFileSync } from 'node:fs'
import { LAYOUT_VERSION } from '../events/layout.js'
import { packEvents } from '../events/pack-events.js'
import type { GeneratorOptions } from '../generator/model.js'

const FOLDER = new URL('../../../.cache/nexmark/', import.meta.url)
const READ_BYTES = 1 << 28

export interface EventFileOptions extends Pick<GeneratorOptions, 'flavour' | 'count'> {
  readonly groupSize: number
}

/** The events, made where no file has them yet. */
export function loadEvents(options: EventFileOptions): SharedArrayBuffer {
  const file = fileOf(options)
  return existsSync(file) ? read(file) : write(file, packEvents(options))
}

/** Makes the file where there is none, so that no measured process has to. */
export function ensureEvents(options: EventFileOptions): void {
  const file = fileOf(options)
  if (!existsSync(file)) write(file, packEvents(options))
}

function fileOf({ flavour, count, groupSize }: EventFileOptions): URL {
  return new URL(`v${LAYOUT_VERSION}-${flavour}-${count}-${groupSize}.bin`, FOLDER)
}

/** Under another name first: a file with its own name is whole. */
function write(file: URL, events: SharedArrayBuffer): SharedArrayBuffer {
  mkdirSync(FOLDER, { recursive: true })
  const part = new URL(`${file.href}.${process.pid}`)
  writeFileSync(part, new Uint8Array(events))
  renameSync(part, file)
  return events
}

function read(file: URL): SharedArrayBuffer {
  const descriptor = openSync(file, 'r')
  try {
    const events = new SharedArrayBuffer(fstatSync(descriptor).size)
    for (let at = 0; at < events.byteLength; ) {
      const length = Math.min(READ_BYTES, events.byteLength - at)
      const taken = readSync(descriptor, new Uint8Array(events, at, length))
      if (taken === 0) throw new Error(`${file.pathname} ends early; delete it`)
      at += taken
    }
    return events
  } finally {
    closeSync(descriptor)
  }
}
