import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { codes } from '../errors.ts'
import { UserRef } from '../primitives.ts'
import { Me, UpdateMe, User } from './schemas.ts'
import type { UsersService } from './service.ts'

export const userRoutes: FastifyPluginAsyncTypebox<{ users: UsersService }> = async (app, { users }) => {
  app.get('/me', { schema: me }, request => users.me(request.identity.userId))
  app.patch('/me', { schema: updateMe }, request => users.update(request.identity, request.body))
  app.get('/users/:userId', { schema: getUser }, request => users.get(request.identity.userId, request.params.userId))
}

const me = {
  tags: ['users'],
  operationId: 'get_me',
  summary: 'Me, with my settings',
  response: { 200: Me },
}
const updateMe = {
  tags: ['users'],
  operationId: 'update_me',
  summary: 'Change my settings',
  description: 'Also displayName and avatarUrl, where my token does not say them: the application’s word on them is the last.',
  body: UpdateMe,
  response: { 200: Me },
}
const getUser = {
  tags: ['users'],
  operationId: 'get_user',
  errors: codes('USER_NOT_FOUND'),
  summary: 'A user with whom I share a chat',
  params: UserRef,
  response: { 200: User },
}
