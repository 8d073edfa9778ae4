/** The hand-written loop of one query. */
import { cpuUs } from '../events/progress.js'
import { OpenedEvents } from '../events/opened-events.js'
import { runLoop } from '../loops/all-loops.js'
import { exactLine, type Row } from '../oracle/canonical-rows.js'
import { hashLine } from '../queries/result-board.js'
import type { ComparedQuery } from '../queries/result-columns.js'
import type { QueryMeasurement } from './query-measurement.js'

export function measureLoop(query: ComparedQuery, buffer: SharedArrayBuffer, count: number): QueryMeasurement {
  const events = new OpenedEvents(buffer)
  let results = 0
  let halfMs = 0
  let halfCpuUs = 0
  const beganMs = performance.now()
  runLoop(
    query,
    events,
    () => void results++,
    () => {
      halfMs = performance.now()
      halfCpuUs = cpuUs()
    },
  )
  const endMs = performance.now()
  const endCpuUs = cpuUs()
  return {
    eventsPerSecond: (count / 2 / (endMs - halfMs)) * 1000,
    coldEventsPerSecond: (count / (endMs - beganMs)) * 1000,
    cpuSecondsPerMillionEvents: (endCpuUs - halfCpuUs) / (count / 2),
    peakBytes: process.resourceUsage().maxRSS * 1024,
    eventsBytes: buffer.byteLength,
    results,
  }
}

export interface LoopChecksum {
  readonly rows: number
  readonly checksum: number
}

export function checksumLoop(query: ComparedQuery, buffer: SharedArrayBuffer): LoopChecksum {
  const lineOf = exactLine(query)
  let rows = 0
  let sum = 0
  runLoop(query, new OpenedEvents(buffer), (row) => {
    rows++
    sum = (sum + hashLine(lineOf(row as unknown as Row))) | 0
  })
  return { rows, checksum: sum >>> 0 }
}
