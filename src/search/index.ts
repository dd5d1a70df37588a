import type { FastifyPluginAsync } from 'fastify'
import { searchCommands } from './commands.ts'
import { Indexer } from './indexer.ts'
import { searchRoutes } from './routes.ts'
import type { SearchService } from './service.ts'

export const search: FastifyPluginAsync<{ search: SearchService, indexer: Indexer }> = async (app, { search, indexer }) => {
  searchCommands(app.commands, search)
  await app.register(searchRoutes, { search })
  app.addHook('onReady', async () => indexer.start())
  app.addHook('onClose', () => indexer.stop())
}
