import type { FastifyPluginAsync } from 'fastify'
import { userCommands } from './commands.ts'
import { userRoutes } from './routes.ts'
import type { UsersService } from './service.ts'

export const users: FastifyPluginAsync<{ users: UsersService }> = async (app, options) => {
  userCommands(app.commands, options.users)
  await app.register(userRoutes, options)
}
