/**
 * A reporter for vitest: names the test files whose process ended before they did, and how it ended. Vitest itself says only that some
 * process exited.
 */
import { subscribe } from 'node:diagnostics_channel'
import { relative } from 'node:path'

export default class LostTestFiles {
  #running = new Set()
  #ends = []

  onInit() {
    subscribe('child_process', ({ process: child }) => {
      child.once('exit', (code, signal) => {
        const isFork = child.spawnargs.some((argument) => argument.endsWith('vitest/dist/workers/forks.js'))
        // Vitest ends the process of a finished file by SIGTERM.
        if (isFork && signal !== 'SIGTERM') this.#ends.push(`process ${child.pid}: ${signal ?? `exit code ${code}`}`)
      })
    })
  }

  onTestModuleStart({ moduleId }) {
    this.#running.add(moduleId)
  }

  onTestModuleEnd({ moduleId }) {
    this.#running.delete(moduleId)
  }

  onTestRunEnd() {
    if (this.#running.size === 0) return
    for (const file of this.#running) console.error(`Not finished: ${relative(process.cwd(), file)}`)
    for (const end of this.#ends) console.error(`A process of tests ended early: ${end}`)
  }
}
