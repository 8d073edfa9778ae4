/** Why a request is refused: thrown on the way through a source, and answered at one place. */
import type { HttpError } from './http-types.js'

/** Where it was thrown says nothing, and finding that out was 8 % of the work of a thread that refuses most. */
class WithoutStack extends Error {
  constructor(message: string) {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message)
    Error.stackTraceLimit = stackTraceLimit
  }
}

export class HttpRefusal extends WithoutStack {
  readonly status: number
  readonly code: string
  readonly line: number | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    more: { readonly line?: number; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.line = more.line
    this.headers = more.headers ?? {}
  }

  get told(): HttpError {
    const { code, message, line } = this
    return line === undefined ? { code, message } : { code, message, line }
  }
}

/** The client has left: there is nobody to answer. */
export class ClientGone extends WithoutStack {
  constructor() {
    super('the client has left')
  }
}
