import type { FastifyPluginAsync } from 'fastify'
import type { Cleaning } from './cleaning.ts'
import { mediaJobs } from './jobs.ts'
import { mediaRoutes, type MediaRoutesOptions } from './routes.ts'

export const media: FastifyPluginAsync<MediaRoutesOptions & { cleaning: Cleaning }> = async (app, { cleaning, ...options }) => {
  mediaJobs(app.jobs, cleaning)
  await app.register(mediaRoutes, options)
}
