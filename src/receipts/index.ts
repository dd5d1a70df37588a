import type { FastifyPluginAsync } from 'fastify'
import { receiptCommands } from './commands.ts'
import type { Deliveries } from './deliveries.ts'
import type { Marks } from './marks.ts'
import { receiptRoutes } from './routes.ts'
import type { ReceiptsService } from './service.ts'

export const receipts: FastifyPluginAsync<{ receipts: ReceiptsService, marks: Marks, deliveries: Deliveries }> = async (app, { receipts, marks, deliveries }) => {
  receiptCommands(app.commands, receipts)
  await app.register(receiptRoutes, { receipts })
  app.addHook('onClose', async () => {
    await deliveries.flush()
    await marks.drain()
  })
}
