import type { FastifyPluginAsync } from 'fastify'
import { supportCommands } from './commands.ts'
import { supportRoutes } from './routes.ts'
import type { SupportService } from './service.ts'

export const support: FastifyPluginAsync<{ support: SupportService }> = async (app, options) => {
  supportCommands(app.commands, options.support)
  await app.register(supportRoutes, options)
}
