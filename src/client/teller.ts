import type { Chat, Message } from '../contract.ts'
import { EMPTY_STATE, type ChatState, type ClientState } from './state.ts'

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

/** Tells what leads from one state to the next. What is loaded of a history is no event. */
export class Teller {
  #before: ClientState = EMPTY_STATE
  /** Of each chat that is loaded, the newest message that has been told. */
  readonly #told = new Map<string, number>()

  to (after: ClientState): StoreEvent[] {
    const events: StoreEvent[] = []
    const { chats } = this.#before
    this.#before = after
    if (chats === after.chats) return events
    for (const chatId of chats.keys()) {
      if (after.chats.has(chatId)) continue
      events.push({ type: 'chat_gone', chatId })
      this.#told.delete(chatId)
    }
    for (const [chatId, chat] of after.chats) if (chat !== chats.get(chatId)) this.#add(events, chats.get(chatId), chat)
    return events
  }

  #add (events: StoreEvent[], before: ChatState | undefined, after: ChatState): void {
    const { chatId, chat, head, messages, membership, participants, watermarks, loaded, cursor } = after
    if (!loaded || !chat) return
    const wasLoaded = before?.loaded
    if (!wasLoaded || before.chat !== chat || before.membership !== membership || before.participants !== participants || before.watermarks !== watermarks || before.head.readSeq !== head.readSeq) {
      events.push({ type: 'chat', chatId, chat })
    }
    if (wasLoaded && before.messages === messages && before.cursor === cursor) return
    const rows = [...messages.values()].sort((a, b) => a.seq - b.seq)
    const told = wasLoaded && this.#told.get(chatId)
    if (told === false || told === undefined) {
      this.#told.set(chatId, rows.findLast(({ revision }) => revision <= cursor)?.seq ?? head.lastSeq)
      return
    }
    if (after.fromSeq > before!.fromSeq) events.push({ type: 'reset', chatId })
    for (const [seq, message] of before!.messages) if (!messages.has(seq) && seq >= after.fromSeq) events.push({ type: 'message_gone', chatId, message })
    let isNext = true
    for (const message of rows) {
      const { seq, revision } = message
      const previous = before!.messages.get(seq)
      // What we have sent ourselves is here when it is acknowledged: others' messages may belong before it.
      if (seq > told) {
        isNext &&= revision <= cursor
        if (!isNext) continue
        events.push({ type: 'message', chatId, message, previous: null })
        this.#told.set(chatId, seq)
      } else if (previous && previous !== message) events.push({ type: 'message', chatId, message, previous })
    }
  }
}
