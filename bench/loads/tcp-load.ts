/**
 * Load over TCP: a tenth of the connections write as much as they can, the others now and then, with the time, so that it shows what those that ask for little
 * have to wait. A process of its own.
 */
import { connect, type Socket } from 'node:net'
import { loadOptions, say } from './load.js'

const TICK_MS = 10
const HEAVY_SHARE = 0.1
const LINE_BYTES = 4_096
const { port, connections, seconds, rate } = loadOptions()
const padding = 'x'.repeat(LINE_BYTES)
let next = 0
let errors = 0
let stopped = false

async function open(): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => errors++)
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

const sockets: Socket[] = []
for (let at = 0; at < connections; at++) sockets.push(await open())
const heavy = sockets.slice(0, Math.ceil(connections * HEAVY_SHARE))
const light = sockets.slice(heavy.length)
/** Time in which a connection waited for the other side, over all. */
let blockedMs = 0
const startMs = performance.now()
const written: number[] = Array.from({ length: seconds }, () => 0)

function line(sentMs: number): string {
  const second = Math.min(seconds - 1, Math.floor((performance.now() - startMs) / 1000))
  written[second] = (written[second] ?? 0) + 1
  return `${next++} ${sentMs} ${padding}\n`
}

for (const socket of heavy) {
  const write = (): void => {
    while (!stopped && socket.write(line(0)));
    const sinceMs = performance.now()
    if (!stopped)
      socket.once('drain', () => {
        blockedMs += performance.now() - sinceMs
        write()
      })
  }
  write()
}
let asked = 0
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startMs
    for (const due = Math.floor((elapsedMs * rate) / 1000); asked < due; asked++) light[asked % light.length]?.write(line(Date.now()))
    if (elapsedMs < seconds * 1000) return
    clearInterval(timer)
    resolve()
  }, TICK_MS)
})
stopped = true
const blockedShare = blockedMs / (heavy.length * seconds * 1000)
// To the last byte: the other side closes when it has read it.
await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve).end())))
say({
  sent: next,
  accepted: '',
  statuses: {},
  errors,
  p50: null,
  p99: null,
  acceptedPerSecond: written,
  refusedPerSecond: written.map(() => 0),
  p99PerSecond: [],
  blockedShare,
})
