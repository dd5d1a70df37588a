import type { FastifyPluginAsync } from 'fastify'
import { messageAdminRoutes } from './admin-routes.ts'
import { messageCommands } from './commands.ts'
import type { RecoveryService } from './recovery.ts'
import { messageRoutes } from './routes.ts'
import type { MessagesService } from './service.ts'
import type { ThreadsService } from './threads.ts'

export const messages: FastifyPluginAsync<{ messages: MessagesService, threads: ThreadsService, recovery: RecoveryService }> = async (app, options) => {
  messageCommands(app.commands, options)
  await app.register(messageRoutes, options)
  await app.register(messageAdminRoutes, options)
}
