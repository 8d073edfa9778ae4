/** Parameters of jobs that are measured: shared memory for the notes of meters, and how long to measure. */
import { z } from 'zod'

export const meterParams = {
  board: z.instanceof(SharedArrayBuffer),
  span: z.object({ warmMs: z.number(), warmRecords: z.number().optional(), measureMs: z.number() }),
}
