import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../plugins/database.ts'
import { awaited, deleteObject, deleteUnsentBefore, forgetGarbage, isUsed, listGarbage, lockObject, type Garbage } from './cleaning-queries.ts'
import { keyOfObject, UPLOADS, uploadOf } from './keys.ts'
import type { Storage } from './storage/storage.ts'

/** Unsent uploads are kept so long; and nothing that is under way takes longer. */
const KEPT_HOURS = 24
const AT_ONCE = 1_000
const GARBAGE_AT_ONCE = 100

export interface CleaningDependencies {
  db: Database
  storage: Storage
  /** Of what is being received. */
  tmpDir: string
  log: FastifyBaseLogger
}

/**
 * What takes bytes away. Whatever deletes an attachment leaves a note of what may have lost its last user (a trigger does, in
 * the same transaction); the notes are gone through after the commit, here and now or by the job.
 */
export class Cleaning {
  readonly #db: Database
  readonly #storage: Storage
  readonly #tmpDir: string
  readonly #log: FastifyBaseLogger
  #underWay: Promise<void> | undefined
  #again = false
  #isStopped = false

  constructor ({ db, storage, tmpDir, log }: CleaningDependencies) {
    this.#db = db
    this.#storage = storage
    this.#tmpDir = tmpDir
    this.#log = log
  }

  /** Files have been let go of, and that is committed: they go soon. What fails is left to the job. */
  soon (): void {
    this.#again = true
    if (this.#isStopped) return
    this.#underWay ??= this.#run().finally(() => { this.#underWay = undefined })
  }

  async stop (): Promise<void> {
    this.#isStopped = true
    await this.#underWay
  }

  async #run (): Promise<void> {
    try {
      while (this.#again && !this.#isStopped) {
        this.#again = false
        await this.collect()
      }
    } catch (err) {
      this.#log.warn({ err }, 'files could not be removed yet')
    }
  }

  /** Goes through all notes. @returns how many files have gone */
  async collect (signal?: AbortSignal): Promise<number> {
    let removed = 0
    for (;;) {
      const garbage = await listGarbage(this.#db, GARBAGE_AT_ONCE)
      for (const each of garbage) {
        signal?.throwIfAborted()
        if (await this.#remove(each)) removed++
      }
      if (garbage.length === 0) return removed // (fewer than asked for says nothing: notes of the same file come as one)
    }
  }

  async #remove (garbage: Garbage): Promise<boolean> {
    const upload = uploadOf(garbage.key)
    return this.#db.transaction(async tx => {
      const goes = upload === undefined ? await lockObject(tx, garbage.key) && !await isUsed(tx, garbage.key) : !(await awaited(tx, [upload])).has(upload)
      if (goes) await this.#storage.remove(upload === undefined ? keyOfObject(garbage.key) : garbage.key)
      if (goes && upload === undefined) await deleteObject(tx, garbage.key)
      await forgetGarbage(tx, garbage)
      return goes
    })
  }

  /** What nobody has sent, what has been let go of, and what was left behind by a process that was killed. */
  async sweep (signal: AbortSignal): Promise<{ unsent: number, files: number, strays: number }> {
    let unsent = 0
    for (let gone = AT_ONCE; gone === AT_ONCE; unsent += gone) {
      signal.throwIfAborted()
      gone = await deleteUnsentBefore(this.#db, KEPT_HOURS, AT_ONCE)
    }
    const files = await this.collect(signal)
    const strays = await this.#removeStrays(signal) + await this.sweepReceived()
    return { unsent, files, strays }
  }

  /** Uploads to the store that nobody waits for: a client may have put them there after they were given up. */
  async #removeStrays (signal: AbortSignal): Promise<number> {
    let strays = 0
    for await (const { key, changedAt } of this.#storage.list(UPLOADS)) {
      signal.throwIfAborted()
      const id = uploadOf(key)
      if (!isOld(changedAt) || (id !== undefined && (await awaited(this.#db, [id])).has(id))) continue
      await this.#storage.remove(key)
      strays++
    }
    return strays
  }

  /** What a process that was killed has received, and will not go on with. */
  async sweepReceived (): Promise<number> {
    let strays = 0
    for (const name of await readdir(this.#tmpDir).catch(ifNone)) {
      const path = join(this.#tmpDir, name)
      const found = await stat(path).catch(() => undefined) // done with, meanwhile
      if (!found || !isOld(found.mtime)) continue
      await rm(path, { recursive: true, force: true })
      strays++
    }
    return strays
  }
}

function isOld (changedAt: Date): boolean {
  return changedAt.getTime() < Date.now() - KEPT_HOURS * 3_600_000
}

function ifNone (error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
