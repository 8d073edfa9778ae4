/** Records over TCP, with real sockets: what clients can do to a source, and what the source does to clients. */
import { connect as connectTls } from 'node:tls'
import { createServer } from 'node:net'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/job/define-job.js'
import { fromTcp } from '../../src/ingress/from-tcp.js'
import type { Source } from '../../src/source/source.js'
import { discard } from '../../src/sink/discard.js'
import { driveSource } from './drive-source.js'
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from './loopback-certificate.js'
import { tcpClient } from './tcp-client.js'

const numbers = (count: number, from = 0): string => Array.from({ length: count }, (_, at) => `${from + at}\n`).join('')
const range = (count: number, from = 0): string[] => Array.from({ length: count }, (_, at) => String(from + at))

function prefixed(message: Uint8Array): Buffer {
  const header = Buffer.alloc(4)
  header.writeUInt32BE(message.length)
  return Buffer.concat([header, message])
}

describe('formats', () => {
  test('lines, one byte at a time, with characters of several bytes', async () => {
    const source = await driveSource(fromTcp({ port: 0 }))
    const client = await tcpClient(source.listening.port)
    for (const byte of Buffer.from('été\r\n日本 🦆\n\nlast\n')) await client.send(Uint8Array.of(byte))
    await source.took(4)
    expect(source.records).toEqual(['été', '日本 🦆', '', 'last'])
  })

  test('JSON by line, converted and checked against its schema', async () => {
    const schema = z.object({ id: z.number(), at: z.date() })
    const source = await driveSource(fromTcp({ port: 0, format: 'jsonLines', schema }))
    const client = await tcpClient(source.listening.port)
    await client.send('{"id":1,"at":"2026-01-01T00:00:00Z"}\n\n{"id":2,"at":"2026-01-02T00:00:00Z"}\n')
    await source.took(2)
    expect(source.records).toEqual([
      { id: 1, at: new Date('2026-01-01T00:00:00Z') },
      { id: 2, at: new Date('2026-01-02T00:00:00Z') },
    ])
  })

  test('messages with their length', async () => {
    const source = await driveSource(fromTcp({ port: 0, format: 'lengthPrefixed' }))
    const client = await tcpClient(source.listening.port)
    const messages = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(100_000, 7)]
    await client.send(Buffer.concat(messages.map(prefixed)))
    await source.took(3)
    expect(source.records).toEqual(messages.map((message) => new Uint8Array(message)))
  })

  test('bytes as they come', async () => {
    const source = await driveSource(fromTcp({ port: 0, format: 'bytes', messageBytesMax: 1_000 }))
    const client = await tcpClient(source.listening.port)
    const sent = Buffer.alloc(10_000, 'abc')
    await client.send(sent)
    await source.took(10)
    client.end()
    await client.closed
    expect(Buffer.concat(source.records as Uint8Array[])).toEqual(sent)
  })

  test('a format of the user, which may make many records of a message or none', async () => {
    const format = {
      framing: 'lengthPrefixed' as const,
      decode: (message: Uint8Array): readonly number[] => {
        if (message[0] === 255) throw new Error('255 is no number of mine')
        return Array.from({ length: message[0] ?? 0 }, (_, at) => at)
      },
    }
    const source = await driveSource(fromTcp({ port: 0, format, onInvalid: 'deadLetter', queue: { records: 3 } }))
    const client = await tcpClient(source.listening.port)
    await client.send(Buffer.concat([10, 0, 255, 2].map((n) => prefixed(Uint8Array.of(n)))))
    await source.took(12)
    expect(source.records).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    expect(source.deadLetters).toMatchObject([{ input: Uint8Array.of(255), reason: '255 is no number of mine' }])
    expect(source.deadLetters[0]?.position).toMatch(/^127\.0\.0\.1:\d+ message 3$/)
  })

  test('types', () => {
    expectTypeOf(fromTcp({ port: 0 }).spec).toBeObject()
    expectTypeOf(fromTcp({ port: 0 })).toEqualTypeOf<Source<string>>()
    expectTypeOf(fromTcp({ port: 0, format: 'lengthPrefixed' })).toEqualTypeOf<Source<Uint8Array>>()
    expectTypeOf(fromTcp({ port: 0, format: { framing: 'lines', decode: () => [1] } })).toEqualTypeOf<Source<number>>()
    const schema = z.object({ id: z.number() })
    defineJob({ name: 'types' }, (job) => {
      const stream = job.source('in', fromTcp({ port: 0, format: 'jsonLines', schema }))
      stream.filter(({ id }) => id > 0).sink('out', discard())
    })
  })
})

describe('pressure', () => {
  test('where the job takes nothing the client waits, and everything arrives afterwards, in order', async () => {
    const source = await driveSource(fromTcp({ port: 0, queue: { records: 500, bytes: '64kb' }, messageBytesMax: '8kb' }), { held: true })
    const client = await tcpClient(source.listening.port)
    const count = 200_000
    const line = (n: number): string => `${n} ${'x'.repeat(100)}\n`
    let sent = 0
    const write = (): void => {
      while (sent < count && client.socket.write(line(sent++)));
    }
    client.socket.on('drain', write)
    write()
    await expect.poll(() => source.gauges['paused']).toBe(1)
    // What the client could send stands still: TCP's window is closed.
    let before = -1
    let stands = 0
    const standing = (): number => {
      stands = sent === before ? stands + 1 : 0
      before = sent
      return stands
    }
    await expect.poll(standing, { interval: 20, timeout: 30_000 }).toBeGreaterThan(20)
    // The buffers of the system and ours, and not half of it all.
    expect(sent).toBeLessThan(count / 2)
    expect(source.records.length).toBeLessThanOrEqual(500)
    source.flow()
    await source.took(count)
    expect(source.records.map((record) => Number.parseInt(record as string, 10))).toEqual(Array.from({ length: count }, (_, n) => n))
  })

  test('clients that wait for room are served in turn', async () => {
    const source = await driveSource(fromTcp({ port: 0, queue: { records: 10 } }), { held: true })
    const clients = await Promise.all(Array.from({ length: 5 }, () => tcpClient(source.listening.port)))
    for (const [at, client] of clients.entries()) await client.send(Array.from({ length: 100 }, () => `${at}\n`).join(''))
    await expect.poll(() => source.gauges['paused']).toBe(5)
    source.flow()
    await source.took(500)
    for (const [at] of clients.entries()) {
      // Behind a tenth of all, each of them has sent something.
      expect(source.records.slice(0, 100)).toContain(String(at))
      expect(source.records.filter((record) => record === String(at))).toHaveLength(100)
    }
  })

  test('a thousand connections at once', async () => {
    const source = await driveSource(fromTcp({ port: 0, queue: { records: 100 } }))
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => tcpClient(source.listening.port)))
    await Promise.all(clients.map((client, at) => client.send(numbers(10, at * 10))))
    await source.took(10_000)
    expect(new Set(source.records).size).toBe(10_000)
    expect(source.counts['connections']).toBe(1_000)
    expect(source.counts['accepted']).toBe(10_000)
  })

  test('a connection beyond the limit is closed, and another may come when one has gone', async () => {
    const source = await driveSource(fromTcp({ port: 0, connectionsMax: 2 }))
    const [first] = await Promise.all([tcpClient(source.listening.port), tcpClient(source.listening.port)])
    const third = await tcpClient(source.listening.port)
    await third.closed
    expect(source.counts).toMatchObject({ connections: 2, connectionsRefused: 1 })
    await first?.send('1\n')
    await source.took(1)
    first?.end()
    await first?.closed
    await expect
      .poll(async () => {
        const again = await tcpClient(source.listening.port)
        await again.send('2\n')
        return source.records.length
      })
      .toBeGreaterThan(1)
  })
})

describe('clients that leave', () => {
  test('a message that the connection ends in is not taken, and that is said', async () => {
    const source = await driveSource(fromTcp({ port: 0 }))
    const client = await tcpClient(source.listening.port)
    await client.send(`${numbers(3)}half`)
    await source.took(3)
    client.end()
    await client.closed
    await expect.poll(() => source.log).toHaveLength(1)
    expect(source.records).toEqual(range(3))
    expect(source.drops).toEqual({ incomplete: 1 })
    expect(source.log[0]).toMatch(/^a client left in the middle of a message: 127\.0\.0\.1:\d+ after 3 records$/)
  })

  test('a client that ends at the end of a line is nothing to speak of', async () => {
    const source = await driveSource(fromTcp({ port: 0 }))
    const client = await tcpClient(source.listening.port)
    await client.send(numbers(3))
    client.end()
    await client.closed
    await source.took(3)
    expect({ log: source.log, drops: source.drops }).toEqual({ log: [], drops: {} })
  })

  test('what was read of a client that is gone goes to the job, and a reset is no failure', async () => {
    const source = await driveSource(fromTcp({ port: 0, queue: { records: 10 } }), { held: true })
    const client = await tcpClient(source.listening.port)
    await client.send(numbers(30))
    client.end()
    const reset = await tcpClient(source.listening.port)
    await reset.send('x')
    reset.socket.resetAndDestroy()
    source.flow()
    await source.took(30)
    expect(source.records.slice(0, 30)).toEqual(range(30))
    expect(source.failure()).toBeUndefined()
  })

  test('many clients that leave badly are one line of the log', async () => {
    const source = await driveSource(fromTcp({ port: 0 }))
    for (let at = 0; at < 20; at++) {
      const client = await tcpClient(source.listening.port)
      await client.send('half')
      client.end()
      await client.closed
    }
    await expect.poll(() => source.drops).toEqual({ incomplete: 20 })
    await source.stop()
    expect(source.log).toHaveLength(2)
    expect(source.log[1]).toMatch(/^19 clients left in the middle of a message, the last one: /)
  })
})

describe('what cannot be taken', () => {
  const schema = z.object({ id: z.number() })
  const sent = '{"id":1}\n{"id":"x"}\nnot json\n{"id":2}\n'

  test('close: what came before it is taken, and nothing behind it', async () => {
    const source = await driveSource(fromTcp({ port: 0, format: 'jsonLines', schema }))
    const client = await tcpClient(source.listening.port)
    await client.send(sent)
    await client.closed
    await source.took(1)
    expect(source.records).toEqual([{ id: 1 }])
    expect(source.drops).toEqual({ invalid: 1 })
    expect(source.log[0]).toMatch(/^a client sent what cannot be taken: 127\.0\.0\.1:\d+ after 1 record: line 2: .*id/)
    // Others are none the worse.
    await (await tcpClient(source.listening.port)).send('{"id":3}\n')
    await source.took(2)
  })

  test('drop and deadLetter go on', async () => {
    for (const onInvalid of ['drop', 'deadLetter'] as const) {
      const source = await driveSource(fromTcp({ port: 0, format: 'jsonLines', schema, onInvalid }))
      const client = await tcpClient(source.listening.port)
      await client.send(sent)
      await source.took(2)
      expect(source.records).toEqual([{ id: 1 }, { id: 2 }])
      expect(source.dropped).toBe(onInvalid === 'drop' ? 2 : 0)
      expect(source.deadLetters.map(({ position }) => position?.replace(/^\S+ /, ''))).toEqual(
        onInvalid === 'drop' ? [] : ['line 2', 'line 3'],
      )
    }
  })

  test('fail fails the job, with where it stood', async () => {
    const source = await driveSource(fromTcp({ port: 0, format: 'jsonLines', schema, onInvalid: 'fail' }))
    const client = await tcpClient(source.listening.port)
    await client.send(sent)
    await client.closed
    await expect.poll(source.failure).toMatchObject({ code: 'SLUICE_RECORD_INVALID' })
    expect((source.failure() as Error).message).toMatch(/^A client of input, 127\.0\.0\.1:\d+ line 2: /)
  })

  test('a line without an end, and a length that is a lie', async () => {
    const lines = await driveSource(fromTcp({ port: 0, messageBytesMax: 1_000 }))
    const endless = await tcpClient(lines.listening.port)
    await endless.send(`1\n${'x'.repeat(1_001)}`)
    await endless.closed
    expect(lines.records).toEqual(['1'])
    expect(lines.drops).toEqual({ tooLong: 1 })
    expect(lines.log[0]).toContain('a line has more than 1000 bytes')
    const lengths = await driveSource(fromTcp({ port: 0, format: 'lengthPrefixed' }))
    const liar = await tcpClient(lengths.listening.port)
    await liar.send(Buffer.concat([prefixed(Buffer.from('1')), Buffer.from([0xff, 0xff, 0xff, 0xff])]))
    await liar.closed
    expect(lengths.records).toHaveLength(1)
    expect(lengths.drops).toEqual({ tooLong: 1 })
  })

  test('text that is not UTF-8', async () => {
    const source = await driveSource(fromTcp({ port: 0, onInvalid: 'drop' }))
    const client = await tcpClient(source.listening.port)
    await client.send(Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from('b\n')]))
    await source.took(2)
    expect(source.records).toEqual(['a', 'b'])
    expect(source.dropped).toBe(1)
  })

  test('silence ends a connection, and time in which the job does not read is none', async () => {
    const source = await driveSource(fromTcp({ port: 0, idleTimeout: '1s', queue: { records: 1 } }), { held: true })
    const waiting = await tcpClient(source.listening.port)
    await waiting.send(numbers(100))
    const silent = await tcpClient(source.listening.port)
    await silent.closed
    expect(source.log[0]).toMatch(/^a client fell silent: .* not a byte came in 1000 ms$/)
    source.flow()
    await source.took(100)
    expect(source.records).toEqual(range(100))
    await waiting.closed
  })
})

describe('the listener', () => {
  test('TLS', async () => {
    const source = await driveSource(fromTcp({ port: 0, tls: { key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE } }))
    expect(source.listening.url).toBe(`tls://127.0.0.1:${source.listening.port}`)
    const socket = connectTls({ port: source.listening.port, host: '127.0.0.1', ca: LOOPBACK_CERTIFICATE, servername: 'localhost' })
    onTestFinished(() => void socket.destroy())
    await new Promise<void>((resolve) => socket.write(numbers(1_000), () => resolve()))
    await source.took(1_000)
    expect(source.records).toEqual(range(1_000))
    // Whoever speaks something else is closed, and nobody minds.
    const plain = await tcpClient(source.listening.port)
    await plain.send('hello\n')
    await plain.closed
    expect(source.failure()).toBeUndefined()
    // One that has not shaken hands does not hold up the end.
    await tcpClient(source.listening.port)
    await source.stop()
  })

  test('a stop closes connections and the port, and counts what the job did not take', async () => {
    const source = await driveSource(fromTcp({ port: 0, queue: { records: 10 } }), { held: true })
    const client = await tcpClient(source.listening.port)
    await client.send(numbers(5))
    const { port } = source.listening
    await expect.poll(() => source.counts['connections']).toBe(1)
    await source.stop()
    await client.closed
    expect(source.records.length + (source.drops['stopped'] ?? 0)).toBeLessThanOrEqual(5)
    await expect(tcpClient(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('a port that is in use', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => void server.close())
    const { port } = server.address() as { readonly port: number }
    await expect(driveSource(fromTcp({ port }))).rejects.toMatchObject({
      code: 'SLUICE_SOURCE_FAILED',
      message: `Port ${port} of 127.0.0.1 is in use.`,
    })
    await expect(driveSource(fromTcp({ port: 0, host: '203.0.113.7' }))).rejects.toMatchObject({
      message: 'This machine has no address 203.0.113.7.',
    })
  })

  test('two sources on one port are refused while the job is declared; on port 0 each has its own', () => {
    const job = (...ports: readonly number[]) =>
      defineJob({ name: 'ports' }, (builder) => {
        for (const [at, port] of ports.entries()) builder.source(`in-${at}`, fromTcp({ port })).sink(`out-${at}`, discard())
      }).declare({}, { collect: false })
    expect(() => job(9000, 9000)).toThrow('sources in-0 and in-1 both take every connection at 127.0.0.1:9000')
    expect(job(9000, 9001, 0, 0).nodes).toHaveLength(8)
  })

  test.each<[string, object]>([
    ['ports end at 65535', { port: 70_000 }],
    ['host is the address', { host: '' }],
    ['connectionsMax', { connectionsMax: 0 }],
    ['there would never be room for it', { messageBytesMax: '2mb', queue: { bytes: '1mb' } }],
    ['idleTimeout is 0', { idleTimeout: 0 }],
    ["format is 'xml'", { format: 'xml' }],
    ['format is a word, or', { format: { framing: 'lines' } }],
    ['gives bytes, which have no schema', { format: 'bytes', schema: z.string() }],
    ["onInvalid is 'skip'", { onInvalid: 'skip' }],
    ['tls takes { key, cert }', { tls: { key: 'k' } }],
    ['fromTcp has no option ack', { ack: 'checkpoint' }],
    ['queue of fromTcp has no option requests', { queue: { requests: 5 } }],
  ])('%s', (message, options) => {
    expect(() => fromTcp({ port: 0, ...options } as never)).toThrow(message)
  })
})
