/** A value that attributes cannot have, in a record that is to be sent. */
class NotTelemetry extends TypeError {
  override readonly name: string = 'NotTelemetry'
}

export function notTelemetry(key: string, what: string): never {
  throw new NotTelemetry(`The value of ${JSON.stringify(key)} is ${what}, which OpenTelemetry does not have`)
}
