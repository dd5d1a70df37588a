import type { FastifyPluginAsync } from 'fastify'
import { receiptCommands } from './commands.ts'
import { receiptRoutes } from './routes.ts'
import type { ReceiptsService } from './service.ts'

export const receipts: FastifyPluginAsync<{ receipts: ReceiptsService }> = async (app, options) => {
  receiptCommands(app.commands, options.receipts)
  await app.register(receiptRoutes, options)
}
