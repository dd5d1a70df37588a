import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { AuditPage, ListAudit } from './schemas.ts'
import type { AuditService } from './service.ts'

export const audit: FastifyPluginAsyncTypebox<{ audit: AuditService }> = async (app, { audit }) => {
  app.get('/admin/audit', { schema: list }, request => audit.list(request.query))
}

const list = {
  tags: ['admin'],
  operationId: 'admin_get_audit',
  errors: codes('ROLE_REQUIRED'),
  summary: 'What administrators have done',
  description: 'Newest first. Every call of a route below /admin, by the application’s server (keyId) or an administrator (userId), that was not refused for who called or what it looked like.',
  querystring: ListAudit,
  response: { 200: AuditPage },
}
