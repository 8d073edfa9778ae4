/** The Buffer methods that read and write strings without an encoding to parse. Node has them on every supported version, its types leave them out. */
import type { Buffer } from 'node:buffer'

export interface NativeBuffer extends Buffer {
  utf8Slice(start: number, end: number): string
  hexSlice(start: number, end: number): string
  utf8Write(text: string, at: number, length?: number): number
}
