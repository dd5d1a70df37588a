import type { FastifyPluginAsync } from 'fastify'
import { presenceCommands } from './commands.ts'
import type { Leases } from './leases.ts'
import { presenceRoutes } from './routes.ts'
import type { PresenceService } from './service.ts'
import type { Typing } from './typing.ts'

export const presence: FastifyPluginAsync<{ presence: PresenceService, leases: Leases, typing: Typing }> = async (app, { presence, leases, typing }) => {
  presenceCommands(app.commands, presence)
  await app.register(presenceRoutes, { presence })
  leases.start()
  app.addHook('onClose', async () => {
    typing.close()
    await leases.stop()
  })
}
