import type { FastifyPluginAsync } from 'fastify'
import { userRoutes } from './routes.ts'
import type { UsersService } from './service.ts'

export const users: FastifyPluginAsync<{ users: UsersService }> = async (app, options) => {
  await app.register(userRoutes, options)
}
