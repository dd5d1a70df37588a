import type { FastifyPluginAsync } from 'fastify'
import { Notices } from './notices.ts'
import { noticesFor } from './queries.ts'

/** `unread_message`: nobody asks for it, so that there are no routes and no commands. */
export const notices: FastifyPluginAsync = async app => {
  const notices = new Notices({ hub: app.hub, log: app.log, read: addressees => noticesFor(app.db, addressees) })
  app.addHook('onClose', () => notices.close())
}
