import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { diskStorage } from '../media/storage/disk.ts'
import { s3Storage } from '../media/storage/s3.ts'
import type { Storage } from '../media/storage/storage.ts'

declare module 'fastify' {
  interface FastifyInstance { storage: Storage }
}

/** Where files lie: STORAGE. */
export const storage = fp<{ config: Config }>(async (app, { config: { media } }) => {
  const storage = media.s3 === null ? diskStorage(media.dir) : s3Storage(media.s3)
  app.decorate('storage', storage)
  app.addHook('onClose', () => storage.close())
}, { name: 'storage' })
