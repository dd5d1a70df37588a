import { createHmac, timingSafeEqual } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { ApiError } from '../errors.ts'
import { compile } from '../plugins/validation.ts'
import { UserId } from '../primitives.ts'
import { AttachmentId } from './schemas.ts'

const Ticket = Type.Object({
  use: Type.Enum(['file', 'thumbnail', 'upload']),
  id: AttachmentId,
  userId: UserId,
  /** In milliseconds. */
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
})
export type Ticket = Static<typeof Ticket>

const check = compile(Ticket, 'ticket')

export type Tickets = ReturnType<typeof ticketsOf>

/** What a URL may carry instead of a token: who may do what with which file, until when. Whoever holds it is that user for it, as long as that user may. */
export function ticketsOf (key: string) {
  const signatureOf = (payload: string): Buffer => createHmac('sha256', key).update(payload).digest()

  return {
    issue ({ use, id, userId, seconds }: { use: Ticket['use'], id: string, userId: string, seconds: number }): { ticket: string, expiresAt: number } {
      const issuedAt = Date.now()
      const expiresAt = issuedAt + seconds * 1000
      const payload = Buffer.from(JSON.stringify({ use, id, userId, issuedAt, expiresAt } satisfies Ticket)).toString('base64url')
      return { ticket: `${payload}.${signatureOf(payload).toString('base64url')}`, expiresAt }
    },

    /** @throws {ApiError} TOKEN_INVALID, TOKEN_EXPIRED */
    read (text: string): Ticket {
      const [payload = '', signature = '', ...more] = text.split('.')
      const given = Buffer.from(signature, 'base64url')
      const right = signatureOf(payload)
      if (more.length > 0 || given.length !== right.length || !timingSafeEqual(given, right)) throw new ApiError('TOKEN_INVALID')
      const ticket = check(JSON.parse(Buffer.from(payload, 'base64url').toString()))
      if (ticket.expiresAt <= Date.now()) throw new ApiError('TOKEN_EXPIRED')
      return ticket
    },
  }
}
