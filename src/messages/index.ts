import type { FastifyPluginAsync } from 'fastify'
import { messageCommands } from './commands.ts'
import { messageRoutes } from './routes.ts'
import type { MessagesService } from './service.ts'

export const messages: FastifyPluginAsync<{ messages: MessagesService }> = async (app, options) => {
  messageCommands(app.commands, options.messages)
  await app.register(messageRoutes, options)
}
