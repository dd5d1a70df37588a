import type { FastifyPluginAsync } from 'fastify'
import { blockCommands } from './commands.ts'
import { blockRoutes } from './routes.ts'
import type { BlocksService } from './service.ts'

export const blocks: FastifyPluginAsync<{ blocks: BlocksService }> = async (app, options) => {
  blockCommands(app.commands, options.blocks)
  await app.register(blockRoutes, options)
}
