import type { FastifyPluginAsync } from 'fastify'
import { reactionCommands } from './commands.ts'
import { reactionRoutes } from './routes.ts'
import type { ReactionsService } from './service.ts'

export const reactions: FastifyPluginAsync<{ reactions: ReactionsService }> = async (app, options) => {
  reactionCommands(app.commands, options.reactions)
  await app.register(reactionRoutes, options)
}
