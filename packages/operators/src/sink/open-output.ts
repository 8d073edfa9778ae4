/** Which output a path and a job ask for. */
import { CheckpointedFile } from './checkpointed-file.js'
import { CheckpointedParts } from './checkpointed-parts.js'
import type { SinkWriteContext } from './define-sink.js'
import type { FileOutput } from './file-output.js'
import { isFolderPath, isPipe } from './output-path.js'
import { PlainOutput } from './plain-output.js'

/** Opens the output of one subtask. `extension` is that of parts. */
export async function openOutput(path: string, extension: string, context: SinkWriteContext): Promise<FileOutput> {
  const { run } = context
  if (run === undefined || (await isPipe(path))) return PlainOutput.open(path, extension, context)
  return isFolderPath(path) ? CheckpointedParts.open(path, extension, context, run) : CheckpointedFile.open(path, context)
}
