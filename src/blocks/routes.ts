import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ChatRef, UserRef } from '../primitives.ts'
import { BlockChange, Blocks, commands } from './schemas.ts'
import type { BlocksService } from './service.ts'

export const blockRoutes: FastifyPluginAsyncTypebox<{ blocks: BlocksService }> = async (app, { blocks }) => {
  app.get('/blocks', { schema: list }, request => blocks.list(request.identity.userId))
  app.put('/blocks/:userId', { schema: block }, request => blocks.block(request.identity.userId, request.params))
  app.delete('/blocks/:userId', { schema: unblock }, request => blocks.unblock(request.identity.userId, request.params))
  app.post('/sessions/:chatId/block', { schema: blockPeer }, request => blocks.block(request.identity.userId, request.params))
  app.post('/sessions/:chatId/unblock', { schema: unblockPeer }, request => blocks.unblock(request.identity.userId, request.params))
}

const tags = ['blocks']
const response = { 200: BlockChange }
const list = { tags, operationId: 'get_blocks', summary: 'Whom I block', response: { 200: Blocks } }
const block = { tags, operationId: 'block_user', summary: 'Block somebody', params: UserRef, response }
const unblock = { tags, operationId: 'unblock_user', summary: 'Unblock somebody', params: UserRef, response }
const blockPeer = { tags, operationId: 'block_peer', errors: commands.block_user.errors, summary: 'Block the other one of a DIRECT chat', params: ChatRef, response }
const unblockPeer = { tags, operationId: 'unblock_peer', errors: commands.unblock_user.errors, summary: 'Unblock the other one of a DIRECT chat', params: ChatRef, response }
