/** TLS: both versions of HTTP on one port, chosen by ALPN; a client that does not finish its handshake is not waited for. */
import { connect as connectHttp2 } from 'node:http2'
import { request } from 'node:https'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { fromHttp, fromTcp } from '../../src/index.js'
import { driveSource } from './drive-source.js'
import { testCertificate } from './test-certificate.js'

const ca = testCertificate.cert

test.each([
  ['fromHttp', fromHttp({ port: 0, path: '/in', tls: { key: 'server.key', cert: testCertificate.cert } })],
  ['fromTcp', fromTcp({ port: 0, tls: { key: testCertificate.key, cert: 'server.pem' } })],
])('%s does not take the name of a file for a key or a certificate', async (_name, source) => {
  await expect(driveSource(source)).rejects.toMatchObject({
    code: 'SLUICE_OPTIONS_INVALID',
    message: expect.stringMatching(/^tls: key and cert cannot be used: (?!.*server)/) as string,
  })
})

test('HTTP/1.1 and HTTP/2 over TLS; what is not TLS is no request', async () => {
  const source = await driveSource(fromHttp({ port: 0, path: '/in', tls: testCertificate, headersTimeout: 3_000 }))
  const { url, port } = source.listening
  expect(url).toBe(`https://127.0.0.1:${port}/in`)
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sending = request(url, { method: 'POST', ca, headers: { 'content-type': 'application/json' }, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    sending.on('error', reject)
    sending.end('[1,2]')
  })
  expect(status).toBe(200)

  const session = connectHttp2(new URL(url).origin, { ca })
  onTestFinished(() => session.destroy())
  const answered = await new Promise<unknown>((resolve, reject) => {
    session.on('error', reject)
    const stream = session.request({ ':method': 'POST', ':path': '/in', 'content-type': 'application/json' })
    stream.on('error', reject)
    stream.on('response', (headers) => resolve(headers[':status']))
    stream.resume()
    stream.end('3')
  })
  expect([session.alpnProtocol, answered]).toEqual(['h2', 200])

  const closed = await Promise.all(
    ['POST /in HTTP/1.1\r\ncontent-length: 1\r\n\r\n4', ''].map(
      (text) =>
        new Promise<string>((resolve) => {
          let answer = ''
          const socket = connect(port, '127.0.0.1', () => socket.write(text))
          socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
          socket.on('error', () => undefined)
          socket.on('close', () => resolve(answer))
        }),
    ),
  )
  expect(closed.join('')).not.toContain('200')
  expect(source.records).toEqual([1, 2, 3])
})
