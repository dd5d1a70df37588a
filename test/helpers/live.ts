// Clients of a running server, and whether what they hold is what the server says.
import { setTimeout as after } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import type { Test } from 'tap'
import { WebSocket as WsSocket } from 'ws'
import { createClient, type Client, type ClientOptions } from '../../src/client/client.ts'
import { bound, type ChatState, type ClientState } from '../../src/client/state.ts'
import type { Changes, Chat, Head, Me, Membership, Message, Participant, Synced, Watermark } from '../../src/contract.ts'
import { assertExchange, routeAt } from './contract.ts'
import type { Parley } from './parley.ts'

/** Until a client that does not get there is compared as it is, so that the difference is seen. */
const PATIENCE_MS = 30_000
/** Deliveries come within 250 ms of what was fetched. */
const WRITTEN_BEHIND_MS = 300
const ASKED_AGAIN = 3
const MAX_SEQ = 2_147_483_647

/** A client that is connected and has synced. */
export async function startClient (t: Test, parley: Parley, userId: string, options: Partial<ClientOptions> = {}): Promise<Client> {
  const client = newClient(t, parley, userId, options)
  client.start()
  await client.whenSynced()
  return client
}

export function newClient (t: Pick<Test, 'teardown'>, parley: Pick<Parley, 'wsUrl' | 'token'>, userId: string, options: Partial<ClientOptions> = {}): Client {
  const client = createClient({ url: parley.wsUrl, token: () => parley.token(userId), ...options })
  t.teardown(() => client.stop())
  return client
}

/** Sockets that can be cut as a network cuts them: no close frame, no warning. */
export function cuttable (): { WebSocket: NonNullable<ClientOptions['WebSocket']>, cut: () => void } {
  let last: WsSocket | undefined
  const WebSocket = class extends WsSocket {
    constructor (url: string, protocols: string[]) {
      super(url, protocols)
      last = this
    }
  }
  return { WebSocket: WebSocket as unknown as NonNullable<ClientOptions['WebSocket']>, cut: () => last?.terminate() }
}

const LEAKY = [
  'message_received', 'message_edited', 'message_deleted', 'reaction_added', 'reaction_removed', 'message_pinned', 'message_unpinned', 'participant_joined', 'participant_left', 'participant_updated',
] as const

/**
 * Gathers the messages that the server sends although the user may not see them: the store would drop them in silence.
 * What users have hidden from themselves is theirs to drop. For clients that are connected and up to date: one that syncs
 * may know of a clearing or a block before the server's sockets do.
 */
export function leaksTo (client: Client): string[] {
  const leaks: string[] = []
  /** Since when the client has known whom it blocks: what was said before may still have been on its way. */
  const blockedSince = new Map<string, number>()
  const noteBlocks = () => {
    for (const userId of blockedSince.keys()) if (!client.state.blocks.has(userId)) blockedSince.delete(userId)
    for (const userId of client.state.blocks) if (!blockedSince.has(userId)) blockedSince.set(userId, Date.now())
  }
  client.on('inbox_updated', noteBlocks)
  for (const type of LEAKY) {
    client.on(type, ({ data: { message } }: { data: { message?: Message } }) => {
      const chat = message && client.state.chats.get(message.chatId)
      if (!chat) return
      if (message.seq <= bound(chat)) leaks.push(`${message.id} is below the bound`)
      noteBlocks()
      const saidAt = Date.parse(message.deletedAt ?? message.editedAt ?? message.createdAt)
      if (saidAt > (blockedSince.get(message.senderId ?? '') ?? Infinity) && !message.fromBlocked) leaks.push(`${message.id} is from somebody who is blocked`)
    })
  }
  return leaks
}

export class RequestError extends Error {
  readonly status: number
  readonly code: string

  constructor (status: number, code: string, message: string) {
    super(`${status} ${code}: ${message}`)
    this.status = status
    this.code = code
  }
}

/** Where requests go, and by whose leave. */
export type Asked = Pick<Parley, 'url' | 'token'> & { headers?: Record<string, string> }

/** A REST request, held against the document where the server is one of this process. @throws {RequestError} */
export async function request<Body = unknown> ({ url, token, headers }: Asked, userId: string, method: string, path: string, body?: object): Promise<Body> {
  const response = await fetch(`${url}/api/v1/chat${path}`, {
    method,
    headers: { ...headers, authorization: `Bearer ${token(userId)}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const data = text ? JSON.parse(text) : undefined
  const route = routeAt(url, method, path)
  if (route) assertExchange(route, response.status, data, body)
  if (!response.ok) throw new RequestError(response.status, data.code, data.message)
  return data
}

/** What one user may see, in plain values that can be compared. */
export interface Projection { me: Me | null, blocks: string[], invitations: Record<string, Membership>, chats: Record<string, ChatProjection> }
export interface ChatProjection {
  chat: Chat | null
  head: Omit<Head, 'unreadCount' | 'mentionCount'>
  membership: Membership | null
  participants: Record<string, Participant>
  watermarks: Record<string, Watermark>
  messages: Message[]
}

/** The same, as the server says it now, by REST: nothing of the client has a hand in it. */
export interface Truth extends Projection { inboxRevision: number }

type Reset = Extract<Changes, { reset: true }>

/** A server by its address, and a way past it to the database. */
export type Judge = Asked & { app: { db: { pool: Pick<pg.ClientBase, 'query'> } } }

export async function truthOf (parley: Asked, userId: string): Promise<Truth> {
  const get = <Body>(path: string) => request<Body>(parley, userId, 'GET', path)
  const chats: Truth['chats'] = {}
  const pages: Synced[] = []
  for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)?.nextCursor ?? null) {
    pages.push(await request<Synced>(parley, userId, 'POST', '/sync', cursor ? { cursor } : {}))
  }
  const memberships = pages.flatMap(page => page.memberships)
  for (const { chatId } of pages.flatMap(page => page.heads)) {
    const { chat, head, participants, watermarks } = await get<Reset>(`/sessions/${chatId}/changes?since=0`)
    const messages: Message[] = []
    for (let before: string | null = String(MAX_SEQ); before !== null;) {
      const page: { data: Message[], nextCursor: string | null } = await get(`/sessions/${chatId}/messages?before=${before}&limit=100`)
      messages.unshift(...page.data)
      before = page.nextCursor
    }
    chats[chatId] = {
      chat, head: withoutUnread(head), participants: byUser(participants), watermarks: byUser(watermarks), messages, membership: memberships.find(each => each.chatId === chatId) ?? null,
    }
  }
  const invitations = Object.fromEntries((pages[0]?.invitations ?? []).map(each => [each.chatId, each]))
  return { invitations, inboxRevision: pages[0]?.inboxRevision ?? 0, me: await get<Me>('/me'), blocks: pages[0]?.blocks?.toSorted() ?? [], chats }
}

export function projectionOf (state: ClientState): Projection {
  const chats = [...state.chats.values()].map((chat): [string, ChatProjection] => [chat.chatId, {
    chat: chat.chat,
    head: withoutUnread(chat.head),
    membership: chat.membership,
    participants: Object.fromEntries(chat.participants),
    watermarks: Object.fromEntries(chat.watermarks),
    messages: [...chat.messages.values()].sort((a, b) => a.seq - b.seq),
  }])
  return { me: state.me, invitations: Object.fromEntries(state.invitations), blocks: [...state.blocks].sort(), chats: Object.fromEntries(chats) }
}

/** Who blocks the user: what was seen of them before may stay with the user's clients, and is told to nobody who comes new. */
async function blockersOf ({ app }: Judge, userId: string): Promise<string[]> {
  const { rows } = await app.db.pool.query<{ id: string }>('SELECT user_id AS id FROM chat.user_block WHERE blocked_user_id = $1', [userId])
  return rows.map(({ id }) => id)
}

function withoutWatermarksOf (userIds: string[], { chats, ...rest }: Projection): Projection {
  const without = (chat: ChatProjection) => ({ ...chat, watermarks: Object.fromEntries(Object.entries(chat.watermarks).filter(([userId]) => !userIds.includes(userId))) })
  return { ...rest, chats: Object.fromEntries(Object.entries(chats).map(([chatId, chat]) => [chatId, without(chat)])) }
}

/**
 * Waits until the user's clients have come as far as the server stands now, and compares everything that they hold with
 * what the server says. Nothing else may be going on but deliveries, which are written a moment behind what was fetched: what differs is asked for again.
 */
export async function sameAsServer (t: Test, parley: Judge, userId: string, ...clients: Client[]): Promise<Truth> {
  let truth = await truthOf(parley, userId)
  const blockers = await blockersOf(parley, userId)
  for (const [index, client] of clients.entries()) {
    let { found, wanted } = await comparable(truth, blockers, client)
    for (let again = 0; again < ASKED_AGAIN && !isDeepStrictEqual(found, wanted); again++) {
      await after(WRITTEN_BEHIND_MS)
      truth = await truthOf(parley, userId);
      ({ found, wanted } = await comparable(truth, blockers, client))
    }
    const name = clients.length > 1 ? `${userId}, client ${index + 1}` : userId
    if (isDeepStrictEqual(found, wanted)) t.pass(`${name}: the store is what the server says`)
    else t.strictSame(found, wanted, `${name}: the store is what the server says`) // slow on much data, but shows the difference
  }
  return truth
}

/**
 * What the server says of a user, to be held against their client: now, and again when it has come back.
 * @returns what the client holds, and what it should; once it has come that far, or after a while. `live`: how far others have read is left out. That is
 * told by events that nobody keeps, and what of it got lost comes when the client comes back.
 */
export async function likenessOf (parley: Judge, userId: string): Promise<(client: Client, when: 'live' | 'back') => Promise<{ found: object, wanted: object }>> {
  const truth = await truthOf(parley, userId)
  const blockers = await blockersOf(parley, userId)
  const others = Object.values(truth.chats).flatMap(({ watermarks }) => Object.keys(watermarks)).filter(id => id !== userId)
  const own = { ...withoutWatermarksOf(others, truth), inboxRevision: truth.inboxRevision }
  return (client, when) => when === 'live' ? comparable(own, others, client) : comparable(truth, blockers, client)
}

async function comparable (truth: Truth, blockers: string[], client: Client): Promise<{ found: Truth, wanted: Truth }> {
  await Promise.race([reached(client, truth), after(PATIENCE_MS, undefined, { ref: false })])
  const { inboxRevision } = client.state
  return { found: { inboxRevision, ...withoutWatermarksOf(blockers, projectionOf(client.state)) }, wanted: { ...truth, chats: asFarAsLoaded(truth.chats, client) } }
}

function asFarAsLoaded (chats: Truth['chats'], { state }: Client): Truth['chats'] {
  return Object.fromEntries(Object.entries(chats).map(([chatId, chat]) =>
    [chatId, { ...chat, messages: chat.messages.filter(({ seq }) => seq >= (state.chats.get(chatId)?.fromSeq ?? 0)) }]))
}

async function reached (client: Client, truth: Truth): Promise<void> {
  await until(client, state => {
    const chatIds = Object.keys(truth.chats)
    return client.status === 'live' && state.inboxRevision >= truth.inboxRevision && state.chats.size === chatIds.length &&
      chatIds.every(chatId => hasReached(state.chats.get(chatId), truth.chats[chatId]))
  })
}

function hasReached (chat: ChatState | undefined, truth: ChatProjection | undefined): boolean {
  if (!chat?.loaded || !truth || chat.cursor < truth.head.lastRevision) return false
  return Object.values(truth.watermarks).every(({ userId, readSeq, deliveredSeq }) => {
    const here = chat.watermarks.get(userId)
    return here && here.readSeq >= readSeq && here.deliveredSeq >= deliveredSeq
  })
}

/** Until something is true of a client: looked at whenever it changes. */
export async function until (client: Client, condition: (state: ClientState) => boolean): Promise<void> {
  if (condition(client.state)) return
  await new Promise<void>(resolve => {
    const offs = (['state', 'status'] as const).map(name => client.on(name, () => {
      if (!condition(client.state)) return
      for (const off of offs) off()
      resolve()
    }))
  })
}

function byUser<Row extends { userId: string }> (rows: Row[]): Record<string, Row> {
  return Object.fromEntries(rows.map(row => [row.userId, row]))
}

function withoutUnread ({ unreadCount, mentionCount, ...head }: Head): ChatProjection['head'] {
  return head
}
