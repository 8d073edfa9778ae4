/** Which servers a thread has: sources of one run that listen on the same address share one. It is opened with the first of them and closed with the last. */
import { SluiceError } from '@sluice/engine'
import { HttpListener, type ListenerSettings } from './http-listener.js'

interface Shared {
  readonly settings: ListenerSettings
  readonly opening: Promise<HttpListener>
  users: number
}

/** By the signal of the thread's sources, which is one for each run and attempt. */
const threads: WeakMap<AbortSignal, Map<string, Shared>> = new WeakMap()

/** @throws SLUICE_OPTIONS_INVALID where another source says other things of the same server; SLUICE_SOURCE_FAILED where it cannot be opened */
export async function shareListener(
  signal: AbortSignal,
  settings: ListenerSettings,
  operator: string,
): Promise<{ readonly listener: HttpListener; readonly release: () => Promise<void> }> {
  let listeners = threads.get(signal)
  if (listeners === undefined) threads.set(signal, (listeners = new Map<string, Shared>()))
  const own = listeners
  const address = `${settings.host}:${settings.port}`
  const found = own.get(address)
  const shared = found ?? { settings, opening: HttpListener.open(settings), users: 0 }
  const differs = differenceOf(shared.settings, settings)
  if (differs !== undefined) {
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${operator} gives ${address} another ${differs} than a source that listens there.`, {
      operator,
      hint: 'Sources on one port share its server: give them the same options.',
    })
  }
  own.set(address, shared)
  shared.users++
  let released = false
  const release = async (): Promise<void> => {
    if (released) return
    released = true
    if (--shared.users > 0) return
    if (own.get(address) === shared) own.delete(address)
    await (await shared.opening).close()
  }
  try {
    return { listener: await shared.opening, release }
  } catch (error) {
    own.delete(address)
    throw error
  }
}

/** The first option of the server in which two sources differ. */
function differenceOf(left: ListenerSettings, right: ListenerSettings): string | undefined {
  if (left.headerBytesMax !== right.headerBytesMax) return 'headerBytesMax'
  if (left.headersTimeoutMs !== right.headersTimeoutMs) return 'headersTimeout'
  if (left.connectionsMax !== right.connectionsMax) return 'connectionsMax'
  const [own, other] = [left.tls, right.tls]
  if (String(own?.key) !== String(other?.key) || String(own?.cert) !== String(other?.cert)) return 'tls'
  return undefined
}
