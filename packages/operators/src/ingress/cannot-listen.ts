/** Why an address cannot be listened on, in words that say what to do. Pure. */
import { SluiceError } from '@sluice/engine'

export function cannotListen({ host, port }: { readonly host: string; readonly port: number }, error: NodeJS.ErrnoException): SluiceError {
  const [message, hint] = inWords(host, port, error)
  return new SluiceError('SLUICE_SOURCE_FAILED', message, { cause: error, hint })
}

function inWords(host: string, port: number, error: NodeJS.ErrnoException): readonly [string, string] {
  switch (error.code) {
    case 'EADDRINUSE':
      return [
        `Port ${port} of ${host} is in use.`,
        'Another process or another source listens there: stop it, or choose another port; 0 lets the system choose.',
      ]
    case 'EACCES':
      return [`It is not allowed to listen on ${host}:${port}.`, 'Ports below 1024 need rights: choose a higher one.']
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return [`This machine has no address ${host}.`, "Listen on '127.0.0.1', '0.0.0.0' or an address of the machine."]
    default:
      return [`Cannot listen on ${host}:${port}: ${error.message}`, 'See the cause.']
  }
}
