/** The methods of Buffer that skip the checks of `write` and `toString`; there since Node 0.x, missing in the types. */
import type { Buffer } from 'node:buffer'

export interface NativeBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, start: number, length?: number): number
}
