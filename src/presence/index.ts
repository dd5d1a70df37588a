import type { FastifyPluginAsync } from 'fastify'
import { presenceCommands } from './commands.ts'
import type { Leases } from './leases.ts'
import { presenceRoutes } from './routes.ts'
import type { PresenceService } from './service.ts'
import type { Typing } from './typing.ts'
import type { Viewers } from './viewers.ts'

export const presence: FastifyPluginAsync<{ presence: PresenceService, leases: Leases, typing: Typing, viewers: Viewers }> = async (app, { presence, leases, typing, viewers }) => {
  presenceCommands(app.commands, presence)
  await app.register(presenceRoutes, { presence })
  leases.start()
  app.addHook('onClose', async () => {
    typing.close()
    viewers.close()
    await leases.stop()
  })
}
