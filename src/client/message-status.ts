import type { Message } from '../contract.ts'
import type { ChatState } from './state.ts'

/** Chats of more members tell nobody of the others' watermarks. */
export const MAX_TOLD = 256

/**
 * How far one's own message has come: read (or delivered) when it is so with everybody else in the chat whose watermark is
 * shown. Of those who block each other none is, nor of others in chats of more than 256: there a message is just sent.
 */
export function messageStatus ({ head, watermarks }: Pick<ChatState, 'head' | 'watermarks'>, { seq, senderId }: Pick<Message, 'seq' | 'senderId'>): 'sent' | 'delivered' | 'read' {
  const others = [...watermarks.values()].filter(({ userId }) => userId !== senderId)
  if (others.length === 0 || head.memberCount > MAX_TOLD) return 'sent'
  if (others.every(({ readSeq }) => readSeq >= seq)) return 'read'
  return others.every(({ deliveredSeq }) => deliveredSeq >= seq) ? 'delivered' : 'sent'
}
