import type { FastifyPluginAsync } from 'fastify'
import { operatorRoutes } from './routes.ts'
import type { OperatorService } from './service.ts'

/** For the page `/admin`, and whoever else wants to know how it goes. */
export const operator: FastifyPluginAsync<{ operator: OperatorService }> = async (app, { operator }) => {
  await app.register(operatorRoutes, { operator })
}
