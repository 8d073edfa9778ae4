/**
 * Loaded in front of the process under test and in each of its threads: kills the process right before or behind a call of the file system, which SLUICE_CHAOS_CALL
 * names as JSON: { call, path, at, when }. Calls are counted per thread.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { promises } = fs
const { call, path, at, when } = JSON.parse(process.env.SLUICE_CHAOS_CALL)
const pattern = new RegExp(path)
let count = 0

/** Whether this call is the one. */
function isIt(name, of) {
  return name === call && pattern.test(String(of)) && ++count === at
}

function die(name, of) {
  fs.writeSync(2, `{"event":"chaos.killed","call":${JSON.stringify(`${when} ${name} ${of}`)}}\n`)
  process.kill(process.pid, 'SIGKILL')
  // Nothing else runs on this thread until the signal has arrived.
  for (;;);
}

function around(name, run, pathOf) {
  return async function (...args) {
    const of = pathOf.call(this, args)
    const dies = isIt(name, of)
    if (dies && when === 'before') die(name, of)
    const result = await run.apply(this, args)
    if (dies) die(name, of)
    return result
  }
}

const paths = new WeakMap()
const open = promises.open
for (const name of ['rename', 'rm', 'mkdir']) promises[name] = around(name, promises[name], (args) => args.at(name === 'rename' ? 1 : 0))
promises.open = around(
  'open',
  async (...args) => {
    const handle = await open(...args)
    paths.set(handle, args[0])
    for (const name of ['sync', 'write', 'truncate']) handle[name] = around(name, handle[name].bind(handle), () => paths.get(handle))
    return handle
  },
  (args) => args[0],
)
syncBuiltinESMExports()
