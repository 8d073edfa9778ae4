/** The Buffer methods that read and write strings without an encoding to parse. Node has them on every supported version, its types leave them out. */
import type { Buffer } from 'node:buffer'

export interface NativeBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
  latin1Write(text: string, at: number, length?: number): number
  ucs2Write(text: string, at: number, length?: number): number
  utf8Write(text: string, at: number, length?: number): number
}
