/** A message's id is its chat and its number there. It is opaque to clients, and the primary key to us. */
export interface MessageKey { chatId: string, seq: number }

const MAX_SEQ = 2_147_483_647

/** Of an id that has the right form (`MessageId` in `primitives.ts`). A number that no message can have becomes 0: no message has that either. */
export function parseMessageId (messageId: string): MessageKey {
  const dot = messageId.indexOf('.')
  const seq = Number(messageId.slice(dot + 1))
  return { chatId: messageId.slice(0, dot).toLowerCase(), seq: seq > MAX_SEQ ? 0 : seq }
}
