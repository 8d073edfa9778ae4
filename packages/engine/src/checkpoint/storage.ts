/**
 * Where checkpoints lie, behind an interface: a local directory, memory in a simulator, an object store later. Paths are relative to the
 * root, with `/`; nothing is ever written under a name twice. Every thread opens one of its own.
 */

/** A file that is written from its beginning to its end, by one writer. */
export interface StorageFile {
  /** Appends bytes, which stay as they are until it settles; one call at a time. */
  append(bytes: Uint8Array): Promise<void>
  /** Everything is durable, name included, when it settles. */
  finish(): Promise<void>
  /** Gives the file up and removes it; never fails. */
  discard(): Promise<void>
}

export interface CheckpointStorage {
  /** For messages: an absolute path, a URL. */
  readonly description: string
  /** Fails where the name is taken. Folders are made. */
  create(path: string): Promise<StorageFile>
  /**
   * Writes a small file whole and atomically: it is there with these bytes, durably, or it is not there. Where it fails that is not known: it may be called again with
   * the same bytes, and the file may be removed.
   */
  publish(path: string, bytes: Uint8Array): Promise<void>
  /** The bytes from `offset` on, `length` of them or all; fewer, or none, where the file ends before. Fails with `SLUICE_CHECKPOINT_FILE_MISSING` where there is no such file. */
  read(path: string, offset?: number, length?: number): Promise<Uint8Array>
  /** Names directly in a folder; empty where there is none. */
  list(folder: string): Promise<readonly string[]>
  /** Removes a file, or a folder with everything in it; nothing happens where there is none. */
  remove(path: string): Promise<void>
  close?(): Promise<void>
}
