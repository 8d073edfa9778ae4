/**
 * HTTP requests of sinks. By undici, of which `fetch` is a part, without what `fetch` does beside: a request of 120 kB takes a sixth of the CPU time, and half of what
 * `node:http` takes. Connections are kept and shared by all sinks of a thread; they hold no process up. Loaded with the first request, and file by file: all of it takes a thread twice
 * the memory.
 */
import { createRequire } from 'node:module'
import { SluiceError } from '@sluice/engine'
import type { Agent, Dispatcher } from 'undici'
import { CallError } from './call-error.js'

export interface PostRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH'
  /** From `requestHeaders`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Ends the request, and the reading of its answer. */
  readonly signal: AbortSignal
}

export interface PostAnswer {
  readonly status: number
  /** Of 200 to 299. */
  readonly ok: boolean
  /** null: it has none. */
  header(name: string): string | null
  /** What comes in the answer, and no more than so many bytes of it. */
  read(bytesMax: number): Promise<Buffer>
  /** Nobody reads the answer: its connection is free when it has come, or closed where it is long. */
  leave(): void
}

interface Sender {
  readonly agent: Agent
  readonly request: Dispatcher['request']
}

let sender: Sender | undefined

/**
 * Redirects are not followed: they could take headers elsewhere, and what comes of them is no answer to what was sent.
 * @throws the reason of the signal; CallError where no answer came, without headers and the query of the URL
 */
export async function post(target: URL, { method, headers, body, signal }: PostRequest): Promise<PostAnswer> {
  sender ??= loadSender()
  const { origin, pathname, search } = target
  let response: Dispatcher.ResponseData<unknown>
  try {
    response = await sender.request.call(sender.agent, { origin, path: `${pathname}${search}`, method, headers, body, signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new CallError(`cannot send to ${origin}: ${reasonOf(error)}`, { retriable: true, cause: error })
  }
  const { statusCode } = response
  return {
    status: statusCode,
    ok: statusCode >= 200 && statusCode < 300,
    header: (name) => {
      const value = response.headers[name]
      return value === undefined ? null : String(value)
    },
    read: (bytesMax) => readAnswer(response.body, bytesMax),
    // It was an answer already; what happens to the rest of it says nothing of the request.
    leave: () => void response.body.dump({ limit: LEFT_BYTES_MAX }).catch(() => undefined),
  }
}

/** Bytes that are taken of an answer that nobody reads, so that its connection can be used again. */
const LEFT_BYTES_MAX = 64 << 10

function loadSender(): Sender {
  const load = createRequire(import.meta.url)
  const DispatcherAgent = load('undici/lib/dispatcher/agent.js') as typeof Agent
  return { agent: new DispatcherAgent(), request: load('undici/lib/api/api-request.js') as Dispatcher['request'] }
}

/** A name with several addresses fails with an error for each of them, and says nothing itself. */
function reasonOf(error: unknown): string {
  const [first = error] = error instanceof AggregateError ? (error.errors as unknown[]) : []
  return first instanceof Error ? first.message : String(first)
}

async function readAnswer(body: AsyncIterable<Buffer>, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= bytesMax) break
  }
  return Buffer.concat(chunks).subarray(0, bytesMax)
}

/**
 * Headers of a user with names in small letters, over those that count where he names none.
 * @param what whose they are, in messages. Values may be secrets and are not shown
 * @throws SLUICE_OPTIONS_INVALID
 */
export function requestHeaders(
  what: string,
  given: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  if (typeof (given as unknown) !== 'object' || given === null)
    throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what}: headers takes an object of names and values.`)
  const headers: Record<string, string> = { 'user-agent': 'sluice', ...defaults }
  for (const [name, value] of Object.entries(given)) {
    if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name))
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what}: ${JSON.stringify(name)} is no name of a header.`)
    if (typeof value !== 'string' || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new SluiceError('SLUICE_OPTIONS_INVALID', `${what}: the header ${name} has a value that cannot be sent.`, {
        hint: 'A line break at its end is a usual reason, where it was read from a file.',
      })
    headers[name.toLowerCase()] = value
  }
  return headers
}

export { parseRetryAfter } from './retry-rules.js'
