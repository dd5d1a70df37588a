import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { join } from 'node:path'
import { ApiError, codes } from '../errors.ts'
import { sendFile } from './download.ts'
import { receiveBytes } from './receive.ts'
import { closing, FileContent, ON_ITS_WAY_MS } from './routes.ts'
import { TicketQuery } from './schemas.ts'
import type { MediaService } from './service.ts'
import type { Storage } from './storage/storage.ts'
import type { Ticket, Tickets } from './tickets.ts'

export interface SignedRoutesOptions {
  media: MediaService
  storage: Storage
  tickets: () => Promise<Tickets>
  /** As with a token of that user, issued then. @throws {ApiError} USER_BANNED, TOKEN_INVALID */
  admit: (userId: string, issuedAt: number) => Promise<void>
}

/** For those who have a URL instead of a token. It is asked anew each time whether its user may. */
export const signedRoutes: FastifyPluginAsyncTypebox<SignedRoutesOptions> = async (app, { media, storage, tickets, admit }) => {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', async () => undefined) // its handler reads it, whatever it is

  async function admitted (text: string | undefined): Promise<Ticket> {
    if (!text) throw new ApiError('TOKEN_MISSING')
    const ticket = (await tickets()).read(text)
    await admit(ticket.userId, ticket.issuedAt)
    return ticket
  }

  app.get('/media/signed', { schema: get, handlerTimeout: ON_ITS_WAY_MS }, async (request, reply) => {
    const { use, id, userId } = await admitted(request.query.ticket)
    if (use === 'upload') throw new ApiError('TOKEN_INVALID')
    return sendFile(storage, await media.file(userId, id, use), request, reply)
  })

  app.put('/media/signed', { schema: put, handlerTimeout: ON_ITS_WAY_MS }, async (request, reply) => {
    const ticket = await admitted(request.query.ticket)
    if (ticket.use !== 'upload') throw new ApiError('TOKEN_INVALID')
    const { size: announced } = await media.awaitedUpload(ticket)
    await media.inFolder(ticket.userId, async dir => {
      const path = join(dir, 'upload')
      const { size } = await receiveBytes(request.raw, path, announced)
      if (size !== announced) throw new ApiError('VALIDATION_FAILED', `The file has ${size} bytes, not ${announced}`)
      await media.awaitedUpload(ticket) // somebody else may have been quicker
      await media.takeUpload(ticket.id, path)
    }).catch(error => closing(request, reply, error))
    return reply.code(204).send()
  })
}

const tags = ['media']
const security: never[] = []
const get = { tags, operationId: 'get_signed_media', errors: codes('MEDIA_NOT_FOUND'), security, summary: 'A file, by a URL of POST /media/urls', querystring: TicketQuery, response: { 200: FileContent, 206: FileContent } }
const put = { tags, operationId: 'put_signed_media', errors: codes('MEDIA_NOT_FOUND', 'ATTACHMENT_USED', 'TOO_LARGE'), security, summary: 'The bytes of an upload, by a URL of POST /media/upload-url', querystring: TicketQuery, response: { 204: { description: 'Done', type: 'null' } } }
