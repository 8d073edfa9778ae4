/** The headroom of a job as a sentence. Pure. */
import type { Headroom } from '@sluice/engine'
import { formatRecordRate, formatShare } from '../format/units.js'

/** `load`: what is carried, now or at most. "headroom 60 %: 4 k rec/s, flow control would start at about 10 k rec/s (estimated: write (subtask 0) is used most)". */
export function headroomInWords({ headroom, how, limitedBy, recordsPerSecondMax }: Headroom, load: number): string {
  const share = `headroom ${formatShare(headroom)}`
  if (headroom === 0)
    return `${share}: ${how === 'measured' ? 'flow control starts' : 'what is used most is full'} at ${formatRecordRate(recordsPerSecondMax)} (${how}: ${limitedBy})`
  const starts = how === 'measured' ? 'flow control started at' : 'flow control would start at about'
  return `${share}: ${formatRecordRate(load)}, ${starts} ${formatRecordRate(recordsPerSecondMax)} (${how}: ${limitedBy} is used most)`
}
