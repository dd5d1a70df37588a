import type { FastifyPluginAsync } from 'fastify'
import { messageAdminRoutes } from './admin-routes.ts'
import { messageCommands } from './commands.ts'
import { messageJobs } from './jobs.ts'
import type { RecoveryService } from './recovery.ts'
import type { RetentionService } from './retention.ts'
import { messageRoutes } from './routes.ts'
import type { MessagesService } from './service.ts'
import type { ThreadsService } from './threads.ts'

export const messages: FastifyPluginAsync<{ messages: MessagesService, threads: ThreadsService, recovery: RecoveryService, retention: RetentionService }> = async (app, options) => {
  messageCommands(app.commands, options)
  messageJobs(app.jobs, options.retention)
  await app.register(messageRoutes, options)
  await app.register(messageAdminRoutes, options)
}
