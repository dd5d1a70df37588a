import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { Overview } from './schemas.ts'
import type { OperatorService } from './service.ts'

export const operatorRoutes: FastifyPluginAsyncTypebox<{ operator: OperatorService }> = async (app, { operator }) => {
  app.get('/admin/overview', { schema: overview, config: { isWatching: true } }, () => operator.overview())
}

const overview = {
  tags: ['admin'],
  operationId: 'admin_get_overview',
  errors: codes('ROLE_REQUIRED'),
  summary: 'What happens now',
  description: 'Sockets, sends, deliveries, lag and slow readers of the process that answers; the database, its biggest chats, open reports, the bus. The page `/admin` shows it.',
  response: { 200: Overview },
}
