import type { FastifyPluginAsync } from 'fastify'

/**
 * For whoever restarts the process (live) and whoever sends it traffic (ready: it reaches its database and is not going away).
 * Without its bus it serves all the same, only later: that it says beside.
 */
export const health: FastifyPluginAsync = async app => {
  let isClosing = false
  app.addHook('preClose', async () => { isClosing = true })

  app.get('/health/live', { schema: { hide: true } }, async () => ({ status: 'live' }))
  app.get('/health/ready', { schema: { hide: true } }, async (request, reply) => {
    if (isClosing) return reply.code(503).send({ status: 'closing' })
    try {
      await app.db.query({ name: 'health.ready', text: 'SELECT 1' }, [])
      return { status: 'ready', bus: app.bus.isUp ? 'up' : 'down' }
    } catch (err) {
      request.log.warn({ err }, 'not ready')
      return reply.code(503).send({ status: 'database unavailable' })
    }
  })
}
