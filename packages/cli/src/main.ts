/** The command line from arguments to exit status. What a command needs is loaded when it is asked for, so that `--help` is instant. Main thread. */
import { readCommandLine } from './arguments/command-line.js'

/**
 * Runs one command and resolves with the exit status: 0 finished, 1 failed, 2 wrong usage or wrong job, 130 stopped by a signal.
 *
 * @param argv The arguments after the program's name.
 * @example
 * process.exitCode = await main(['plan', 'orders.ts'])
 */
export async function main(argv: readonly string[]): Promise<number> {
  const line = readCommandLine(argv, { writeOut: (text) => process.stdout.write(text), writeError: (text) => process.stderr.write(text) })
  switch (line.command) {
    case 'exit':
      return line.status
    case 'run': {
      const { runCommand } = await import('./run/run-command.js')
      return runCommand(line.args)
    }
    case 'plan': {
      const { planCommand } = await import('./plan/plan-command.js')
      return planCommand(line.args)
    }
    case 'savepoint': {
      const { savepointCommand } = await import('./control/control-commands.js')
      return savepointCommand(line.args)
    }
    case 'stop': {
      const { stopCommand } = await import('./control/control-commands.js')
      return stopCommand(line.args)
    }
    case 'status': {
      const { statusCommand } = await import('./control/control-commands.js')
      return statusCommand(line.args)
    }
    case 'checkpoints': {
      const { checkpointsCommand } = await import('./checkpoints/checkpoints-command.js')
      return checkpointsCommand(line.args)
    }
  }
}
