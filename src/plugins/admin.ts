import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'

/** Who acts as an administrator. Without a user: the application's server, by a key of SERVER_API_KEY. */
export interface Admin {
  userId: string | null
  /** Which key it was: the beginning of its digest, which tells nothing of the key. */
  keyId: string | null
}

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Lets the application's server in, which has no token and is no user, on routes below `/admin` alone.
     * @returns whether it is the server that asks; else the token decides
     */
    admitServer: (request: FastifyRequest, token: string | undefined) => boolean
  }
  interface FastifyRequest {
    /** On routes behind `requireAdmin`. */
    admin: Admin
  }
}

const ADMIN_ROUTE = /^\/api\/v1\/chat\/admin\//
const KEY_ID_LENGTH = 12

/** Keys are compared by their digests, and each with all: how long it takes says nothing of them. */
const digest = (key: string): Buffer => createHash('sha256').update(key).digest()

export const isAdminRoute = (url: string): boolean => ADMIN_ROUTE.test(url)

export const admin = fp<{ config: Pick<Config, 'serverApiKeys'> }>(async (app, { config }) => {
  const keys = config.serverApiKeys.map(digest)
  // Set by `admitServer` and `requireAdmin`; there is nobody before them.
  app.decorateRequest('admin', null as unknown as Admin)

  app.decorate('admitServer', (request, token) => {
    if (token === undefined || !isAdminRoute(request.routeOptions.url ?? '')) return false
    const given = digest(token)
    if (keys.filter(key => timingSafeEqual(key, given)).length === 0) return false
    request.admin = { userId: null, keyId: given.toString('hex').slice(0, KEY_ID_LENGTH) }
    return true
  })
}, { name: 'admin' })

/** The `onRequest` hook of every route below `/admin` (`audit/record.ts` sees to it); `request.admin` says who it is. @throws {ApiError} ROLE_REQUIRED */
export async function requireAdmin (request: FastifyRequest): Promise<void> {
  if (request.admin !== null) return
  if (request.identity.role !== 'admin') throw new ApiError('ROLE_REQUIRED')
  request.admin = { userId: request.identity.userId, keyId: null }
}
