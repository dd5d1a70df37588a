import type { CommandName, EventName } from '../contract.ts'

// What no schema says: the words around them.

/** Of the contract, not of the program: what breaks a client raises the first number. */
export const VERSION = '1.0.0'

export const TAGS: Record<string, string> = {
  chats: 'Chats, who is in them, and what I have set for myself in each. DIRECT: two people, one chat a pair. GROUP. SUPPORT: a user and whoever of the agents takes it. STREAM: public.',
  messages: 'Sending, history, threads, edits, deletion, forwarding. A message has a number in its chat: 1, 2, 3 … without a hole, in the order of commits.',
  receipts: 'What has been delivered and read, and exact unread counts.',
  reactions: 'Reactions to messages.',
  pins: 'Messages that are pinned for all.',
  media: 'Files: by a form, or by a URL to upload to. They are read with the token, or by URLs that are good for five minutes.',
  search: 'Full-text search in any script.',
  sync: 'How a client that was away comes to what the server says, without a gap.',
  presence: 'Who is online, and what they say of themselves.',
  users: 'Me, and people with whom I share a chat.',
  blocks: 'Whom I do not want to hear from.',
  support: 'For agents (`role` of the token: `agent`): the queue of support chats.',
  moderation: 'Telling the administrators of a message.',
  admin: "For administrators (`role` of the token: `admin`) and the application's own server, with its key.",
  connection: 'The socket itself: who it is, and whether it is alive.',
}

/** Commands that no route has. Those that one has take its words. */
export const SOCKET_ONLY: Partial<Record<CommandName, { tag: string, summary: string, description?: string }>> = {
  authenticate: { tag: 'connection', summary: 'Say who I am, or renew the token', description: 'Within 10 s, where neither the header nor a subprotocol has said it. Later with a new token of the same user.' },
  ping: { tag: 'connection', summary: 'Is anybody there?', description: 'For browsers, which cannot send a ping of the protocol.' },
  join_chat: { tag: 'presence', summary: 'I am looking at this chat', description: 'Until leave_chat, or the end of the socket: typing, viewers, and no `unread_message` for it. A STREAM is followed only so. It changes no membership.' },
  leave_chat: { tag: 'presence', summary: 'I am not looking any more', description: 'To leave the chat itself: `leave_membership`.' },
  leave_membership: { tag: 'chats', summary: 'Leave a chat', description: 'A GROUP is left, a DIRECT chat cleared and unlisted, as by `DELETE /sessions/{chatId}`.' },
  send_media: { tag: 'messages', summary: 'Send files', description: 'As send_message, with files that were uploaded to the chat before.' },
  get_messages: { tag: 'messages', summary: 'A message, or a page of the history' },
  user_online: { tag: 'presence', summary: 'I am online', description: 'As presence_update with ONLINE.' },
  user_offline: { tag: 'presence', summary: 'Show me as offline', description: 'As presence_update with INVISIBLE: the socket stays.' },
  typing_start: { tag: 'presence', summary: 'I have begun to type', description: 'To be renewed within 3 s. Without an id there is no reply.' },
  typing_stop: { tag: 'presence', summary: 'I have stopped typing' },
  typing_indicator: { tag: 'presence', summary: 'I am typing, or have stopped' },
}

export const EVENTS: Record<EventName, { tag: string, summary: string }> = {
  authenticated: { tag: 'connection', summary: 'Signed in by the header or a subprotocol: everything that is committed from now on will come' },
  token_expiring: { tag: 'connection', summary: 'Send `authenticate` with a new token within this time' },
  error: { tag: 'connection', summary: 'A frame that named no id was refused' },
  message_received: { tag: 'messages', summary: 'A new message, to every connection of every participant, the sender’s too' },
  message_edited: { tag: 'messages', summary: 'A message says something else now (or has been restored)' },
  message_deleted: { tag: 'messages', summary: 'A message was deleted for everyone' },
  history_trimmed: { tag: 'messages', summary: 'Messages below this seq have gone, by the chat’s retention' },
  message_pinned: { tag: 'pins', summary: 'A message was pinned' },
  message_unpinned: { tag: 'pins', summary: 'A message is no longer pinned' },
  reaction_added: { tag: 'reactions', summary: 'Somebody reacted to a message' },
  reaction_removed: { tag: 'reactions', summary: 'Somebody took a reaction back' },
  chat_created: { tag: 'chats', summary: 'A chat that I am in is new' },
  chat_updated: { tag: 'chats', summary: 'Its name, picture, settings, labels, request or support status have changed' },
  chat_deleted: { tag: 'chats', summary: 'A chat was deleted for everyone' },
  participant_joined: { tag: 'chats', summary: 'People are in the chat now: a thousand of them in one frame' },
  participant_left: { tag: 'chats', summary: 'People are not in the chat any more' },
  participant_updated: { tag: 'chats', summary: 'Roles, labels, bans or silences have changed' },
  changes: { tag: 'sync', summary: 'What was missed of a chat, repaired by the server: to be applied as the reply of `changes`' },
  revision_skipped: { tag: 'sync', summary: 'Something has changed that is not for me to see; only the numbers go on' },
  inbox_updated: { tag: 'sync', summary: 'Something of mine alone: memberships, hidden messages, blocks, settings' },
  user_updated: { tag: 'users', summary: 'Somebody has another name or picture' },
  messages_read: { tag: 'receipts', summary: 'Somebody has read up to here' },
  messages_delivered: { tag: 'receipts', summary: 'Somebody has got everything up to here' },
  unread_message: { tag: 'receipts', summary: 'News in a chat that I am not looking at: at most one a second and chat' },
  user_typing: { tag: 'presence', summary: 'Somebody is typing' },
  user_stopped_typing: { tag: 'presence', summary: 'They have stopped, or said nothing for 3 s' },
  user_joined_chat: { tag: 'presence', summary: 'Somebody has begun to look at the chat' },
  user_left_chat: { tag: 'presence', summary: 'Somebody does not look at the chat any more' },
  viewer_count: { tag: 'presence', summary: 'How many look at the chat: instead of comings and goings, above 200' },
  user_online: { tag: 'presence', summary: 'Somebody came online' },
  user_offline: { tag: 'presence', summary: 'The last device of somebody has gone' },
  presence_update: { tag: 'presence', summary: 'Somebody says something else of themselves' },
}

/** Close codes: what each means, and what to do. */
export const CLOSES: [codes: string, meaning: string, then: string][] = [
  ['4000 · 4001 · 4002', 'an error of ours · the server goes away · this socket reads too slowly', 'come back after a random time, and sync'],
  ['4101 · 4102 · 4103', 'the token has expired · the database has another history · too many commands', 'mend it (another token, a full sync, patience), then come back'],
  ['4400 · 4401 · 4403 · 4409 · 4426', 'not the protocol · invalid token · banned · a newer socket took the place · unknown subprotocol', 'do not come back by yourself'],
  ['1009', 'the frame was too large', 'do not send it again'],
]
