import type { Readable } from 'node:stream'

/** Both ends included, from 0. */
export interface ByteRange { start: number, end: number }

export interface Stored { key: string, changedAt: Date }

export interface UploadTarget { url: string, headers: Record<string, string> }

/**
 * Where files lie, under keys: words of [a-z0-9-] with slashes between. It knows nothing of what they are, of who may see
 * them, or of when they are to go.
 */
export interface Storage {
  /** What can be done of `put` before it is known whether, and where, the file goes: so that it is done while it is looked at. */
  prepare: (path: string, size: number) => Promise<void>
  /**
   * The file at `path`, which the store may move away. Nobody ever sees a part of it; once it resolves it outlives a crash.
   * What has been there under the key is replaced.
   */
  put: (key: string, path: string) => Promise<void>
  /** In bytes; undefined: there is none. */
  size: (key: string) => Promise<number | undefined>
  /** undefined: there is none. */
  read: (key: string, range?: ByteRange) => Promise<Readable | undefined>
  /** The same for who does nothing but pipe it into a socket: its pieces do not stay what they are. */
  readToPipe: (key: string, range?: ByteRange) => Promise<Readable | undefined>
  /** It need not be there. */
  remove: (key: string) => Promise<void>
  /** All that lies below a folder, in any order. */
  list: (folder: string) => AsyncIterable<Stored>
  /** Where a client may put a file of this size by itself, by HTTP PUT, for so long; undefined: nowhere, it has to go through us. */
  uploadTarget: (key: string, options: { size: number, seconds: number }) => Promise<UploadTarget | undefined>
  close: () => Promise<void>
}
