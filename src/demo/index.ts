import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { signToken } from '../development.ts'
import { nameOf, PEOPLE } from './people.ts'

/** The page asks for the next one by itself. */
const TOKEN_HOURS = 1

/** A page to look at, `/`, and tokens for the people in it, for whoever asks. Nothing of it is there unless `DEMO` is on. */
export const demo: FastifyPluginAsyncTypebox<{ config: Config }> = async (app, { config: { demo, jwt } }) => {
  const { secret } = jwt
  if (!demo || secret === null) return

  app.page('/', 'chat')
  app.post('/demo/token', { schema: { hide: true, body: Type.Object({ userId: Type.Enum([...PEOPLE]) }, { additionalProperties: false }) } }, async request => {
    const { userId } = request.body
    return { token: signToken({ ...jwt, secret }, { sub: userId, name: nameOf(userId), hours: TOKEN_HOURS }) }
  })
}
