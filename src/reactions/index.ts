import type { FastifyPluginAsync } from 'fastify'
import { reactionCommands } from './commands.ts'
import type { Reactions } from './grouped.ts'
import { reactionRoutes } from './routes.ts'
import type { ReactionsService } from './service.ts'

export const reactions: FastifyPluginAsync<{ reactions: ReactionsService, grouped: Reactions }> = async (app, { reactions, grouped }) => {
  reactionCommands(app.commands, reactions)
  await app.register(reactionRoutes, { reactions })
  app.addHook('onClose', () => grouped.drain())
}
