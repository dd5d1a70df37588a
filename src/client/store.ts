/**
 * The store of one user: what comes from the server in, the next state out; no input, no output, no time. What the state
 * lacks, it says itself (`inboxStale`; a chat's `stale` and `veiled`): `replica.ts` reads that and asks the server.
 *
 * The inbox is a chain like a chat: its revision moves over events without a gap, and by `sync`. While a sync is under way
 * its events wait, since the sync may be older than they are.
 */
import type { Changes, InboxUpdate, Membership, Message, Synced, Watermark } from '../contract.ts'
import { applyCreated, applyFrame, applyOlder, applyRepair, applyReply, type HistoryPage } from './chat-chain.ts'
import { reviewed, withHead, withHidden, withMessages, withOwnMembership, withWatermarks } from './chat-rows.ts'
import type { EventFrame } from './frames.ts'
import { EMPTY_STATE, emptyChat, isBehindBound, unloadedStream, type ChatState, type ClientState } from './state.ts'

/** After (re)connecting: everything that is here may be old. A history that is not ours is forgotten. */
export function resumed (state: ClientState, { userId, epoch }: { userId: string, epoch: string }): ClientState {
  const known = state.userId === userId && state.epoch === epoch ? state : EMPTY_STATE
  const chats = [...known.chats.values()].map((chat): [string, ChatState] => [chat.chatId, { ...chat, stale: true, held: [], older: null }])
  return { ...known, userId, epoch, inboxStale: true, heldInbox: [], chats: new Map([...chats, ...state.userId === userId ? streamsOf(state) : []]) }
}

/** Somebody who was not looking has missed what nobody told them: a STREAM begins anew. */
function streamsOf ({ chats }: ClientState): [string, ChatState][] {
  return [...chats.values()].filter(chat => chat.isStream).map(({ chatId }) => [chatId, unloadedStream(chatId)])
}

/** The user looks at a STREAM. */
export function withStream (state: ClientState, chatId: string): ClientState {
  return state.chats.has(chatId) ? state : withChat(state, unloadedStream(chatId))
}

/** Applies an event. */
export function apply (state: ClientState, frame: EventFrame): ClientState {
  if (frame.type === 'inbox_updated') return applyInbox(state, frame.data)
  if (frame.chatId === undefined) return state
  if (frame.type === 'chat_deleted') return withoutChats(state, [frame.chatId])
  if (frame.type === 'chat_created') return applyChatCreated(state, frame)
  if (state.chats.get(frame.chatId)?.isStream && frame.type === 'participant_left' && frame.data.participants.some(({ userId }) => userId === state.userId)) {
    return withoutChats(state, [frame.chatId])
  }
  return inChat(state, frame.chatId, chat => {
    if (frame.type === 'changes') return applyRepair(chat, frame, state)
    if (frame.type === 'messages_read') return withWatermarks(chat, [{ ...frame.data, deliveredSeq: frame.data.readSeq }], state)
    if (frame.type === 'messages_delivered') return withWatermarks(chat, [{ ...frame.data, readSeq: 0 }], state)
    return frame.revision === undefined ? chat : applyFrame(chat, frame, state)
  })
}

/** The chat's own frame and that of the inbox, which brings the membership, come in any order. */
function applyChatCreated (state: ClientState, frame: EventFrame<'chat_created'>): ClientState {
  const { id } = frame.data.chat
  const known = state.chats.has(id) ? state : withChat(state, emptyChat(id))
  return inChat(known, id, chat => chat.loaded ? applyFrame(chat, frame, state) : applyCreated(chat, frame.data, state))
}

/** Applies the answer to `changes`. */
export function applyChanges (state: ClientState, changes: Changes): ClientState {
  return inChat(state, changes.chatId, chat => applyReply(chat, changes, state))
}

/** Puts in a message that the server has acknowledged. The cursor stays: what lies between has still to come. */
export function applyAcknowledged (state: ClientState, message: Message): ClientState {
  return inChat(state, message.chatId, chat => chat.loaded ? withMessages(chat, [message], state) : chat)
}

export function applyWatermark (state: ClientState, chatId: string, watermark: Watermark): ClientState {
  return inChat(state, chatId, chat => withWatermarks(chat, [watermark], state))
}

/** A page of older messages is going to be asked for: changes to them are kept until it has come. */
export function startOlder (state: ClientState, chatId: string): ClientState {
  return inChat(state, chatId, chat => ({ ...chat, older: new Map() }))
}

/** @param page null: it has not come */
export function finishOlder (state: ClientState, chatId: string, before: number, page: HistoryPage | null): ClientState {
  return inChat(state, chatId, chat => page ? applyOlder(chat, before, page, state) : { ...chat, older: null })
}

/** Messages that are loaded already, read again because some need not be redacted any more. */
export function applyUnveiled (state: ClientState, chatId: string, messages: Message[]): ClientState {
  return inChat(state, chatId, chat => reviewed(withMessages(chat, messages, state), state))
}

/**
 * Applies `sync`, all its pages at once. Each page is a snapshot of its own, later than the one before: the revision is
 * that of the first, and what changed in between is told by events, which have waited.
 */
export function applySynced (state: ClientState, pages: Synced[]): ClientState {
  const [first] = pages
  if (!first) return state
  let next: ClientState = { ...(first.reset ? { ...EMPTY_STATE, chats: new Map(streamsOf(state)) } : state), userId: state.userId, epoch: first.epoch, heldInbox: state.heldInbox }
  const heads = pages.flatMap(page => page.heads)
  const named = new Set(heads.map(head => head.chatId))
  next = withoutChats(next, [...next.chats.values()].filter(chat => !chat.isStream && !named.has(chat.chatId)).map(chat => chat.chatId))
  next = { ...next, invitations: new Map(first.invitations?.map(each => [each.chatId, each])) }
  for (const head of heads) next = inChat(next, head.chatId, chat => withHead(chat, head))
  next = withInbox(next, { memberships: pages.flatMap(page => page.memberships), hidden: pages.flatMap(page => page.hidden), ...(first.blocks && { blocks: first.blocks }), ...(first.user && { user: first.user }) })
  for (const head of heads) next = inChat(next, head.chatId, chat => withHead(chat, head))
  // In a chat whose membership was told before, and is not here: begin again.
  if (heads.some(head => !next.chats.has(head.chatId))) return { ...next, inboxRevision: 0 }
  return settled({ ...next, inboxRevision: first.inboxRevision, inboxStale: false })
}

function applyInbox (state: ClientState, update: InboxUpdate): ClientState {
  if (update.inboxRevision <= state.inboxRevision) return state
  if (state.inboxStale || update.previousInboxRevision > state.inboxRevision) {
    return { ...state, inboxStale: true, heldInbox: [...state.heldInbox, update] }
  }
  const next = withoutInvitations(withoutChats(state, update.removed), update.removed)
  return { ...withInbox(next, update), inboxRevision: update.inboxRevision }
}

function settled (state: ClientState): ClientState {
  return state.heldInbox.reduce(applyInbox, { ...state, heldInbox: [] })
}

function withInbox (state: ClientState, { memberships, hidden, blocks, user }: Pick<InboxUpdate, 'memberships' | 'hidden' | 'blocks' | 'user'>): ClientState {
  let next = memberships.reduce(withMembership, user ? { ...state, me: user } : state)
  for (const [chatId, seqs] of Map.groupBy(hidden, each => each.chatId)) {
    next = inChat(next, chatId, chat => withHidden(chat, seqs.map(each => seqOf(each.messageId))))
  }
  return blocks ? withBlocks(next, blocks) : next
}

function withMembership (state: ClientState, membership: Membership): ClientState {
  const { chatId, joinRevision } = membership
  if (membership.state === 'INVITED') return { ...state, invitations: new Map(state.invitations).set(chatId, membership) }
  const chat = state.chats.get(chatId) ?? emptyChat(chatId)
  if (chat.membership && chat.membership.inboxRevision >= membership.inboxRevision) return state
  // Joined again: what may be seen has changed, so nothing of what is here is kept.
  const joinedAgain = chat.membership ? joinRevision > chat.membership.joinRevision : chat.loaded && joinRevision > chat.cursor
  const kept = joinedAgain ? { ...emptyChat(chatId), held: chat.held, hidden: chat.hidden } : chat
  const next = withOwnMembership(kept, membership)
  return withChat(withoutInvitations(state, [chatId]), { ...next, stale: next.stale || isBehindBound(next) })
}

function withBlocks (state: ClientState, userIds: string[]): ClientState {
  const blocks = new Set(userIds)
  const next: ClientState = { ...state, blocks }
  const chats = [...state.chats.values()].map((chat): [string, ChatState] => [chat.chatId, reviewed(chat, next)])
  return { ...next, chats: new Map(chats) }
}

/** The server says that we are not in this chat. */
export function withoutChats (state: ClientState, chatIds: string[]): ClientState {
  if (!chatIds.some(chatId => state.chats.has(chatId))) return state
  const chats = new Map(state.chats)
  for (const chatId of chatIds) chats.delete(chatId)
  return { ...state, chats }
}

function withoutInvitations (state: ClientState, chatIds: string[]): ClientState {
  if (!chatIds.some(chatId => state.invitations.has(chatId))) return state
  return { ...state, invitations: new Map([...state.invitations].filter(([chatId]) => !chatIds.includes(chatId))) }
}

function withChat (state: ClientState, chat: ChatState): ClientState {
  return { ...state, chats: new Map(state.chats).set(chat.chatId, chat) }
}

function inChat (state: ClientState, chatId: string, change: (chat: ChatState) => ChatState): ClientState {
  const chat = state.chats.get(chatId)
  if (!chat) return state
  const next = change(chat)
  return next === chat ? state : withChat(state, next)
}

/** Message ids are opaque, but for this: what is hidden is told by id, and may not be here yet. */
function seqOf (messageId: string): number {
  return Number(messageId.slice(messageId.lastIndexOf('.') + 1))
}
