/** What the `sluice` binary starts. The process ends when its command has: open handles of user code do not hold it. */
import { main } from './main.js'

const status = await main(process.argv.slice(2))
// Pipes may still hold data: end when it is out.
await Promise.all([drained(process.stdout), drained(process.stderr)])
process.exit(status)

function drained(stream: NodeJS.WriteStream): Promise<void> {
  return stream.destroyed || stream.writableLength === 0 ? Promise.resolve() : new Promise((done) => stream.write('', () => done()))
}
