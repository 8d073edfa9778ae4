/** Questions to a process that answers each message with one. */
import type { ChildProcess, Serializable } from 'node:child_process'

export function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const left = (): void => reject(new Error('a process of the benchmark has ended'))
    child.once('exit', left)
    child.once('message', (message) => {
      child.off('exit', left)
      resolve(message)
    })
  })
}

export function askChild(child: ChildProcess, question: Serializable): Promise<unknown> {
  const answer = nextMessage(child)
  child.send(question)
  return answer
}
