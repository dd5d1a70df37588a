import type { FastifyPluginAsync } from 'fastify'
import { syncCommands } from './commands.ts'
import { syncRoutes } from './routes.ts'
import type { SyncService } from './service.ts'

export const sync: FastifyPluginAsync<{ sync: SyncService }> = async (app, options) => {
  syncCommands(app.commands, options.sync)
  await app.register(syncRoutes, options)
}
