import type { Queryable } from '../plugins/database.ts'
import type { MessageKey } from '../messages/message-id.ts'
import { drawerOf, partOf, wordOf } from './postings.ts'
import { TOP, type Level } from './segments.ts'

/** A chat that is to be searched, and in which stretch: low <= seq < below. */
export interface Stretch {
  chatId: string
  low: number
  below: number
  /** Milliseconds. No message of the stretch is newer. */
  newestAt: number
}

export interface ScopeOptions {
  /** One chat, or all that the user is in. */
  chatId: string | undefined
  from: string | undefined
  to: string | undefined
  /** What sorts before this hit is on an earlier page. */
  after: Position | undefined
}

/** Newest first; of the same millisecond, by chat. */
export interface Position { at: number, chatId: string, seq: number }

export interface Scope { stretches: Stretch[], blocked: string[] }

/** As chat.viewer has it, but without the one who only looks at a stream. */
const MINE = `SELECT p.chat_id, h, chat.bound(h, p) AS bound, (SELECT chat.blocked_by($1)) AS blocked
  FROM chat.chat_participant p JOIN chat.chat_head h ON h.chat_id = p.chat_id JOIN chat.chat_session c ON c.id = p.chat_id
  WHERE p.user_id = $1 AND p.state = 'JOINED' AND c.deleted_at IS NULL`

/** What of which chats the user may see; undefined: they are not in the chat. */
export async function searchScope (db: Queryable, userId: string, { chatId, from, to, after }: ScopeOptions): Promise<Scope | undefined> {
  const values: unknown[] = [userId]
  const value = (given: unknown) => `$${values.push(given)}`
  // Only what is asked for stands in the statement: PostgreSQL keeps no plan of one in which most is often null.
  const chats = chatId === undefined ? MINE : `SELECT (x.c).id AS chat_id, x.h, x.bound, x.blocked FROM chat.viewer(${value(chatId)}, $1) x`
  const seqAt = (at: string, rest = '') => `chat.seq_at(v.chat_id, (v.h).last_seq, ${at}::timestamptz${rest})`
  const low = ['v.bound + 1', ...(from === undefined ? [] : [seqAt(value(from))])]
  const below = ['(v.h).last_seq + 1', ...(to === undefined ? [] : [seqAt(value(to))])]
  if (after) {
    const [at, chat, seq] = [value(new Date(after.at).toISOString()), `${value(after.chatId)}::uuid`, `${value(after.seq)}::integer`]
    below.push(`CASE WHEN v.chat_id = ${chat} THEN ${seq} ELSE ${seqAt(at, `, v.chat_id > ${chat}`)} END`)
  }
  const rows = await db.query<Stretch & { blocked: string[] }>({
    name: `search.scope${chatId === undefined ? '' : '.chat'}${from === undefined ? '' : '.from'}${to === undefined ? '' : '.to'}${after ? '.after' : ''}`,
    text: `SELECT v.chat_id AS "chatId", greatest(${low.join()}) AS low, least(${below.join()}) AS below, v.blocked, (extract(epoch FROM (v.h).last_message_at) * 1000)::float8 AS "newestAt"
           FROM (${chats}) v`,
  }, values)
  if (chatId !== undefined && rows.length === 0) return undefined
  return { blocked: rows[0]?.blocked ?? [], stretches: rows.filter(({ low, below }) => low < below).map(({ blocked, ...stretch }) => stretch) }
}

/** What all hits have, and what they may not. */
export interface Wanted {
  userId: string
  blocked: string[]
  terms: string[]
  /** Hashes of keys that every hit has. */
  probes: number[]
  /** undefined: all. */
  types: readonly string[] | undefined
  senderId: string | undefined
  isRanked: boolean
}

/** Where hits may be: in a segment, with the lists of the probes, of which none is empty; or in messages of no segment whose texts have all terms: then `lists` are their seqs. `n` counts the stretches from 1. */
export type CandidateRow = { n: number, lists: string } & ({ level: Level, number: number } | { level: null, number: null })

export async function loadCandidates (db: Queryable, { terms, probes }: Wanted, stretches: Stretch[]): Promise<CandidateRow[]> {
  return db.query<CandidateRow>({
    name: 'search.candidates',
    text: 'SELECT c.n, c.level, c.number, c.lists FROM chat.search_candidates($1, $2, $3, $4, $5, $6, $7) c',
  }, [
    stretches.map(({ chatId }) => chatId), stretches.map(({ low }) => low), stretches.map(({ below }) => below),
    probes.map(probe => partOf(probe, TOP)), probes.map(drawerOf), probes.map(wordOf), terms.map(like),
  ])
}

/** What is shown of a hit: JSON, and the text that the snippet is cut from. */
export interface Shown { message: string, content: string, senderId: string, sender: string }

export type HitRow = { n: number, at: number, score: number } & (Shown | { [Field in keyof Shown]: null })

/** Those of the messages that are hits; the newest of them, as many as are `whole`, with what is shown of them. `n` counts the messages from 1. */
export async function loadHits (db: Queryable, { userId, blocked, terms, types, senderId, isRanked }: Wanted, messages: MessageKey[], whole: number): Promise<HitRow[]> {
  return db.query<HitRow>({
    name: 'search.hits',
    text: `SELECT s.n, (extract(epoch FROM s.created_at) * 1000)::float8 AS at, s.score, s.message, s.content, s.sender_id AS "senderId", s.sender
           FROM chat.search_hits($1, $2, $3, $4, $5, $6::chat.message_type[], $7, $8, $9) s`,
  }, [userId, blocked, messages.map(({ chatId }) => chatId), messages.map(({ seq }) => seq), terms.map(like), types ?? null, senderId ?? null, isRanked ? terms.map(term => term.trim()) : null, whole])
}

/** A folded term has neither % nor _ nor a backslash: they are punctuation. */
function like (term: string): string {
  return `%${term}%`
}

/** Of a message that has just been written in this transaction. Without it the process would do so a moment later. */
export async function writeKeys (db: Queryable, { chatId, seq }: MessageKey, folded: string): Promise<void> {
  await db.query({ name: 'search.writeKeys', text: 'UPDATE chat.message_search SET keys = $3 WHERE chat_id = $1 AND seq = $2' }, [chatId, seq, folded])
}
