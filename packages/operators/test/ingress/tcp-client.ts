/** A client of TCP that tests hold in their hands. */
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface TcpClient {
  readonly socket: Socket
  /** Settles when the bytes have left this process. */
  send(data: string | Uint8Array): Promise<void>
  /** Sends the end. */
  end(): void
  /** Settles when the other side has closed. */
  readonly closed: Promise<void>
}

export async function tcpClient(port: number, host = '127.0.0.1'): Promise<TcpClient> {
  const socket = connect({ port, host, noDelay: true })
  socket.on('error', () => undefined)
  socket.resume()
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return {
    socket,
    closed,
    send: (data) => new Promise((resolve) => socket.write(data, () => resolve())),
    end: () => void socket.end(),
  }
}
