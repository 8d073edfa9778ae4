import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { defineJob, fromReadable, toReadable } from 'sluice'
import { z } from 'zod'

/**
 * A Node stream in, another out: lines of a file, which may be compressed, numbered and compressed again. Nothing is read that the compressor has not asked
 * for: the highWaterMark of the file, the job's credit and gzip's own pace are one chain.
 */
export default defineJob(
  { name: 'bridges', params: z.object({ input: z.string().default('README.md'), output: z.string().default('lines.jsonl.gz') }) },
  (job, { input, output }) => {
    job
      .source(
        'lines',
        fromReadable(
          () => {
            const file = createReadStream(input)
            return input.endsWith('.gz') ? file.pipe(createGunzip()) : file
          },
          { format: 'lines', replayable: true },
        ),
      )
      .filter((line) => line !== '')
      .map((line) => ({ characters: line.length, line }))
      .sink(
        'compressed',
        toReadable((lines) => pipeline(lines, createGzip(), createWriteStream(output)), { format: 'bytes' }),
        { parallelism: 1 },
      )
  },
)
