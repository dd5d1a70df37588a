import type { Chat, Message } from '../contract.ts'
import type { ChatState, ClientState } from './state.ts'

/** What has become of the store. Between two of a chat nothing is missing, unless `reset` says so. */
export type StoreEvent =
  /** New (`previous` is null), or changed: as it is now, whatever has happened to it meanwhile. */
  | { type: 'message', chatId: string, message: Message, previous: Message | null }
  /** It may not be seen any more: cleared, hidden, or gone by the chat's retention. */
  | { type: 'message_gone', chatId: string, message: Message }
  /** It is new here, or something of it has changed beside its messages. */
  | { type: 'chat', chatId: string, chat: Chat }
  | { type: 'chat_gone', chatId: string }
  /** Too much has happened while we were away: of what came before what is here now, nothing is told. */
  | { type: 'reset', chatId: string }

/** What leads from one state to the next. What is loaded of a history is no event. */
export function changesOf (before: ClientState, after: ClientState): StoreEvent[] {
  const events: StoreEvent[] = []
  if (before.chats === after.chats) return events
  for (const chatId of before.chats.keys()) if (!after.chats.has(chatId)) events.push({ type: 'chat_gone', chatId })
  for (const [chatId, chat] of after.chats) if (chat !== before.chats.get(chatId)) addChanges(events, before.chats.get(chatId), chat)
  return events
}

function addChanges (events: StoreEvent[], before: ChatState | undefined, after: ChatState): void {
  const { chatId, chat, head, messages, membership, participants, watermarks, loaded } = after
  if (!loaded || !chat) return
  if (!before?.loaded || before.chat !== chat || before.membership !== membership || before.participants !== participants || before.watermarks !== watermarks || before.head.readSeq !== head.readSeq) {
    events.push({ type: 'chat', chatId, chat })
  }
  if (!before?.loaded || before.messages === messages) return
  if (after.fromSeq > before.fromSeq) events.push({ type: 'reset', chatId })
  for (const [seq, message] of before.messages) if (!messages.has(seq) && seq >= after.fromSeq) events.push({ type: 'message_gone', chatId, message })
  for (const [seq, message] of [...messages].sort(([a], [b]) => a - b)) {
    const previous = before.messages.get(seq) ?? null
    if (previous !== message && (previous || seq >= before.fromSeq)) events.push({ type: 'message', chatId, message, previous })
  }
}
