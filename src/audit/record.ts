import type { FastifyInstance, FastifyRequest } from 'fastify'
import { v7 as uuidv7 } from 'uuid'
import { isAdminRoute, requireAdmin } from '../plugins/admin.ts'
import { completeEntry, insertEntry } from './queries.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the entry that is to be completed. */
    auditId: string | null
  }
  interface FastifyContextConfig {
    /** A page asks for it every few seconds: an entry each would bury all others. */
    isWatching?: boolean
  }
}

/** What people say, and what they are called: an entry outlives both, and names only that it was given. */
const SAID = new Set(['content', 'metadata', 'data', 'displayName', 'avatarUrl', 'name', 'description', 'note', 'secret'])
/** Of a longer list the beginning, and how long it was. */
const LIST_MAX = 100

/**
 * Every route below `/admin` is an administrator's, and leaves an entry, unless it is only watched: nothing that a route could forget. It is written before the handler
 * is called, by itself: without an entry nothing is done. Who is refused for what they are, or for a malformed request, leaves none.
 */
export function recordAdmin (app: FastifyInstance): void {
  async function begin (request: FastifyRequest): Promise<void> {
    const { method, routeOptions: { url = '' }, params, query, body } = request
    const id = uuidv7()
    const action = `${method} ${url.slice(url.indexOf('/admin/')).replace(/:(\w+)/g, '{$1}')}`
    await insertEntry(app.db, { ...request.admin, id, action, target: targetOf(params as Record<string, string>), details: detailsOf({ ...query as object, ...body as object }) as Record<string, unknown> })
    request.auditId = id
  }

  app.decorateRequest('auditId', null)
  app.addHook('onRoute', route => {
    if (!isAdminRoute(route.url)) return
    const hooks = [route.preHandler ?? []].flat()
    const first = [route.onRequest ?? []].flat()
    if (first.includes(requireAdmin)) return // a HEAD route is made of its GET
    route.onRequest = [requireAdmin, ...first]
    if (!route.config?.isWatching) route.preHandler = [...hooks, begin]
  })
  app.addHook('onSend', async (request, reply) => {
    if (request.auditId === null) return
    // What has been done is done: the entry stays, without its end.
    await completeEntry(app.db, request.auditId, reply.statusCode).catch((err: unknown) => request.log.error({ err, auditId: request.auditId }, 'an audit entry could not be completed'))
  })
}

function targetOf (params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, name === 'userId' ? value : value.toLowerCase()]))
}

function detailsOf (value: unknown): unknown {
  if (Array.isArray(value)) return value.length > LIST_MAX ? [...value.slice(0, LIST_MAX).map(detailsOf), { of: value.length }] : value.map(detailsOf)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, SAID.has(key) ? each !== null : detailsOf(each)]))
}
