import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { UserRef } from '../primitives.ts'
import { User } from './schemas.ts'
import type { UsersService } from './service.ts'

export const userRoutes: FastifyPluginAsyncTypebox<{ users: UsersService }> = async (app, { users }) => {
  app.get('/me', { schema: me }, request => users.get(request.identity.userId, request.identity.userId))
  app.get('/users/:userId', { schema: getUser }, request => users.get(request.identity.userId, request.params.userId))
}

const me = {
  tags: ['users'],
  summary: 'Me, as others see me',
  response: { 200: User },
}
const getUser = {
  tags: ['users'],
  summary: 'A user with whom I share a chat',
  params: UserRef,
  response: { 200: User },
}
