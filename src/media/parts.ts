import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import type { Storage } from './storage/storage.ts'
import { Cleaning } from './cleaning.ts'
import { urlKey } from './queries.ts'
import { mediaService, type MediaService } from './service.ts'
import { ticketsOf, type Tickets } from './tickets.ts'

export interface MediaParts {
  media: MediaService
  storage: Storage
  cleaning: Cleaning
  tickets: () => Promise<Tickets>
  limits: Config['media']
}

/** What the routes for who has a token, and for who has a signed URL, share. */
export async function mediaParts (app: FastifyInstance, { media: config }: Config): Promise<MediaParts> {
  const { db, storage, log } = app
  const tmpDir = join(config.dir, 'tmp') // beside the store of STORAGE=disk, which takes files by a rename
  const cleaning = new Cleaning({ db, storage, tmpDir, log })
  let made: Promise<Tickets> | undefined
  const tickets = () => {
    made ??= urlKey(db).then(ticketsOf, (error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
  app.addHook('onReady', async () => { await cleaning.sweepReceived() })
  app.addHook('onClose', () => cleaning.stop())
  return { media: mediaService({ db, storage, cleaning, config, tmpDir, tickets, log }), storage, cleaning, tickets, limits: config }
}
