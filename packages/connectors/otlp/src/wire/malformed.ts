/** What cannot be decoded: the reason, for the client that sent it. */
export class MalformedTelemetry extends Error {
  override readonly name: string = 'MalformedTelemetry'
}

export function malformed(reason: string): never {
  throw new MalformedTelemetry(reason)
}
