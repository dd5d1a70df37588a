import jwt from '@fastify/jwt'
import fp from 'fastify-plugin'
import { createRemoteJWKSet, exportSPKI, decodeProtectedHeader, errors as joseErrors } from 'jose'
import { createPublicKey } from 'node:crypto'
import { createVerifier, type Algorithm } from 'fast-jwt'
import { Type, type Static } from 'typebox'
import type { Config } from '../config.ts'
import { ApiError } from '../errors.ts'
import { assertStorable } from '../json.ts'
import { Nullable, UserId } from '../primitives.ts'
import { compile } from './validation.ts'

const Claims = Type.Object({
  sub: UserId,
  exp: Type.Number(),
  iat: Type.Optional(Type.Number()),
  name: Type.Optional(Nullable(Type.String())),
  picture: Type.Optional(Nullable(Type.String())),
  role: Type.Optional(Nullable(Type.String())),
})
type Claims = Static<typeof Claims>
const checkClaims = compile(Claims, 'token')

/** Tokens whose signature need not be computed again: as many users are at it at once. */
const VERIFIED_MAX = 1_000

/** The end of what RFC 3339 can say: a token that is meant to last for ever may name a later one. */
const LAST_TIME = Date.parse('9999-12-31T23:59:59Z')

/** Who a token says is there. Times in milliseconds. */
export interface Identity {
  userId: string
  displayName: string | null
  avatarUrl: string | null
  role: string | null
  issuedAt: number | null
  expiresAt: number
}

declare module 'fastify' {
  interface FastifyInstance {
    /** @throws {ApiError} TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED */
    verifyToken: (token: string | undefined) => Promise<Identity>
  }
  interface FastifyRequest {
    /** Who asks, on the routes that need a token. */
    identity: Identity
  }
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken (header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
}

/** The key's own kind decides what may be used with it: a token cannot choose its algorithm. */
function algorithmsOf (jwtConfig: Config['jwt']): Algorithm[] {
  if (jwtConfig.secret) return ['HS256']
  if (!jwtConfig.publicKey) return ['RS256', 'ES256', 'EdDSA']
  switch (createPublicKey(jwtConfig.publicKey).asymmetricKeyType) {
    case 'rsa': return ['RS256']
    case 'ec': return ['ES256']
    default: return ['EdDSA']
  }
}

/** Why a token has no key in a JWKS that is there. */
const OF_THE_TOKEN = [joseErrors.JWKSNoMatchingKey, joseErrors.JWKSMultipleMatchingKeys, joseErrors.JOSENotSupported]

function keySource ({ secret, publicKey, jwksUrl }: Config['jwt']): (token: string) => Promise<string> {
  const fixed = secret ?? publicKey
  if (fixed !== null) return async () => fixed
  if (jwksUrl === null) throw new Error('No key for tokens is set')
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  return async token => exportSPKI(await keys(decodeProtectedHeader(token)).catch((cause: unknown) => {
    if (OF_THE_TOKEN.some(kind => cause instanceof kind)) throw cause
    throw new ApiError('OVERLOADED', '', { cause }) // the keys cannot be had now: nothing is known about the token
  }))
}

/** Verifies tokens that the application has issued: HS256 by secret; RS256, ES256 or EdDSA by public key or JWKS. */
export const auth = fp<{ config: Config }>(async (app, { config }) => {
  const keyOf = keySource(config.jwt)
  const verification = {
    algorithms: algorithmsOf(config.jwt),
    // (what is allowed is looked at only where the claim is there)
    requiredClaims: ['sub', 'exp', ...(config.jwt.issuer ? ['iss'] : []), ...(config.jwt.audience ? ['aud'] : [])],
    ...(config.jwt.issuer && { allowedIss: config.jwt.issuer }),
    ...(config.jwt.audience && { allowedAud: config.jwt.audience }),
  }
  const fixed = config.jwt.secret ?? config.jwt.publicKey
  // Where there is no key yet, one that fits the algorithms cannot be given either: both come with each token.
  await app.register(jwt, { secret: { public: fixed ?? 'by JWKS', private: '' }, ...(fixed !== null && { verify: verification }) })

  /** With a key that stays, what has been verified stays so until it ends. */
  const verifyFixed = fixed === null ? undefined : createVerifier({ ...verification, key: fixed, cache: VERIFIED_MAX })

  app.decorate('verifyToken', async (token: string | undefined): Promise<Identity> => {
    if (!token) throw new ApiError('TOKEN_MISSING')
    const claims = await verify(token)
    return {
      userId: claims.sub,
      displayName: claims.name ? Array.from(claims.name).slice(0, 256).join('') : null,
      avatarUrl: claims.picture && claims.picture.length <= 2048 ? claims.picture : null,
      role: claims.role ?? null,
      issuedAt: claims.iat === undefined ? null : claims.iat * 1000,
      expiresAt: Math.min(claims.exp * 1000, LAST_TIME),
    }
  })

  // Set by the hook of the routes that need a token (app.ts); there is nobody before it.
  app.decorateRequest('identity', null as unknown as Identity)

  async function verify (token: string): Promise<Claims> {
    try {
      const claims = checkClaims(verifyFixed ? verifyFixed(token) : await app.jwt.verify<Claims>(token, { ...verification, key: await keyOf(token) }))
      assertStorable(claims)
      return claims
    } catch (cause) {
      if (cause instanceof ApiError && cause.retryable) throw cause
      const expired = cause instanceof Error && 'code' in cause && cause.code === 'FAST_JWT_EXPIRED'
      throw new ApiError(expired ? 'TOKEN_EXPIRED' : 'TOKEN_INVALID', '', { cause })
    }
  }
}, { name: 'auth' })
