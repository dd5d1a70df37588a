import type { FastifyPluginAsync } from 'fastify'
import { administrationRoutes, type AdministrationServices } from './routes.ts'

export const administration: FastifyPluginAsync<AdministrationServices> = async (app, services) => {
  await app.register(administrationRoutes, services)
}
