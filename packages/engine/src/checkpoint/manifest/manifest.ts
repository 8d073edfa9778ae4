/**
 * The manifest of a checkpoint: everything one has to know to restore it, but for the state itself. Plain data. It is written last and
 * atomically: a checkpoint without one does not exist.
 */
import type { CheckpointMode, SnapshotFigures } from '../protocol.js'

/** Raised with every change that an older reader would misunderstand. */
export const MANIFEST_VERSION = 1

/** Why nothing comes after it: the input ended, the job was stopped (it can go on), or it was drained (everything open has fired). */
export type FinalKind = 'finished' | 'stopped' | 'drained'

export interface CheckpointManifest {
  readonly formatVersion: number
  /** Version of Sluice that wrote it. */
  readonly sluice: string
  readonly job: string
  readonly run: string
  readonly attempt: number
  readonly id: number
  readonly kind: 'checkpoint' | 'savepoint'
  /** `unaligned` also where it began aligned: there may be records of channels in it. */
  readonly mode: CheckpointMode
  /** undefined: the job went on. */
  readonly final?: FinalKind | undefined
  /** Ms since the epoch. */
  readonly startedMs: number
  readonly completedMs: number
  readonly keyGroups: number
  readonly workers: number
  /** Values of the job's params by name; secret ones as `***`, and nothing from which they could be guessed. */
  readonly params: Readonly<Record<string, unknown>>
  readonly operators: readonly ManifestOperator[]
  readonly edges: readonly ManifestEdge[]
  readonly tasks: readonly ManifestTask[]
}

export interface ManifestOperator {
  readonly name: string
  /** `OperatorSpec.kind`. */
  readonly kind: string
  /** Canonical JSON of what it was declared with. */
  readonly options: string
  /** Names of the operators in front of it, by input. */
  readonly inputs: readonly string[]
  readonly parallelism: number
}

export interface ManifestEdge {
  /** `from.port -> to[input]`. */
  readonly name: string
  readonly partitioning: string
}

export interface ManifestTask {
  readonly name: string
  /** Names of its operators. */
  readonly operators: readonly string[]
  readonly subtasks: readonly ManifestSubtask[]
}

export interface ManifestSubtask {
  /** In the attempt that wrote it. */
  readonly id: number
  readonly index: number
  /** Empty where it had no state; later there may be several, some of them of older checkpoints. */
  readonly files: readonly ManifestFile[]
  readonly figures: SnapshotFigures
}

export interface ManifestFile {
  /** Relative to the folder of the manifest. */
  readonly path: string
  readonly bytes: number
  /** CRC-32 of the index of its blocks. */
  readonly checksum: number
}

/** Every file once. */
export function filesOf(manifest: CheckpointManifest): readonly ManifestFile[] {
  const files = manifest.tasks.flatMap((task) => task.subtasks.flatMap((subtask) => subtask.files))
  return [...new Map(files.map((file) => [file.path, file])).values()]
}

/** Sizes of all files together. */
export function bytesOf(manifest: CheckpointManifest): number {
  return filesOf(manifest).reduce((sum, file) => sum + file.bytes, 0)
}

/** `task (subtask 1)`, as messages and the log call it. */
export function subtaskName(task: string, index: number): string {
  return `${task} (subtask ${index})`
}
