// What the checker wants to know, once everything has healed and everybody rests.
import { setTimeout as pause } from 'node:timers/promises'
import { likenessOf } from '../../helpers/live.ts'
import { token } from '../../helpers/parley.ts'
import type { DatabaseFacts, Evidence, Likeness, MessageRow } from '../check/evidence.ts'
import { keepsTooMuch } from '../check/holdings.ts'
import type { Stock } from '../helpers/probe.ts'
import { insist } from './insist.ts'
import type { Person } from './person.ts'
import type { Node, Place } from './place.ts'

const MAX_LOOKS = 40
const LOOK_EVERY_MS = 500
const ASK_EVERY_MS = 250
/** People whose stores are compared at the same time. */
const AT_ONCE = 8
/** So that nothing of ours stays open on a node that is about to be looked at. */
const headers = { connection: 'close' }

export async function databaseFacts ({ postgres, crowd }: Pick<Place, 'postgres' | 'crowd'>): Promise<DatabaseFacts> {
  return postgres.sql(async client => {
    const rows = async <Row>(text: string) => (await client.query(text, [crowd.chatIds])).rows as Row[]
    return {
      messages: await rows<MessageRow>(`SELECT m.chat_id || '.' || m.seq AS id, m.chat_id AS "chatId", m.seq, m.revision, m.sender_id AS "senderId", m.client_message_id AS key, chat.message_json(m) AS message
        FROM chat.chat_message m WHERE m.chat_id = ANY ($1)`),
      heads: await rows('SELECT h.chat_id AS "chatId", h.last_seq AS "lastSeq", h.last_revision AS "lastRevision" FROM chat.chat_head h WHERE h.chat_id = ANY ($1)'),
      revisions: await rows(`SELECT r.chat_id AS "chatId", r.revision, r.row FROM (
          SELECT m.chat_id, m.revision, 'message ' || m.seq AS row FROM chat.chat_message m UNION ALL SELECT p.chat_id, p.revision, 'participant ' || p.user_id FROM chat.chat_participant p
          UNION ALL SELECT c.id, c.revision, 'the chat' FROM chat.chat_session c) r WHERE r.chat_id = ANY ($1)`),
      miscounted: (await rows<{ id: string }>(`SELECT h.chat_id AS id FROM chat.chat_head h WHERE h.chat_id = ANY ($1) AND (
          h.member_count <> (SELECT count(*) FROM chat.chat_participant p WHERE p.chat_id = h.chat_id AND p.state = 'JOINED')
          OR h.last_ordinal <> (SELECT count(*) FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.type <> 'SYSTEM')
          OR EXISTS (SELECT FROM chat.chat_participant p WHERE p.chat_id = h.chat_id
            AND p.sent_count <> (SELECT count(*) FROM chat.chat_message m WHERE m.chat_id = h.chat_id AND m.sender_id = p.user_id AND m.type <> 'SYSTEM')))`)).map(({ id }) => id),
      hidden: (await rows<{ what: string }>("SELECT h.user_id || ' ' || h.chat_id || '.' || h.seq AS what FROM chat.message_hidden h WHERE h.chat_id = ANY ($1)")).map(({ what }) => what),
      watermarks: await rows('SELECT p.chat_id AS "chatId", p.user_id AS "userId", p.read_seq AS "readSeq" FROM chat.chat_participant p WHERE p.chat_id = ANY ($1)'),
    }
  })
}

/** Everything that everybody's client holds, against what any of the nodes says; and once more when all have come back. */
export async function likenesses ({ postgres, nodes, crowd }: Pick<Place, 'postgres' | 'nodes' | 'crowd'>): Promise<Likeness[]> {
  const all: Likeness[] = []
  const judged = new Map<Person, Awaited<ReturnType<typeof likenessOf>>>()
  const left = [...crowd.people.entries()]
  await Promise.all(Array.from({ length: AT_ONCE }, () => postgres.sql(async sql => {
    for (let next = left.pop(); next; next = left.pop()) {
      const [number, person] = next
      const { url } = (nodes[(number + 1) % nodes.length] as Node).process // not the one that the client is at
      const likeness = await likenessOf({ url, token, headers, app: { db: { pool: sql } } }, person.userId)
      judged.set(person, likeness)
      all.push({ who: person.userId, ...await likeness(person.client, 'live') })
    }
  })))
  const closed = crowd.people.map(({ client }) => new Promise<void>(resolve => client.on('closed', () => resolve())))
  for (const { line } of crowd.people) line.cut()
  await Promise.all(closed)
  await crowd.whenSynced()
  await Promise.all([...judged].map(async ([{ userId, client }, likeness]) => all.push({ who: `${userId}, back again,`, ...await likeness(client, 'back') })))
  await crowd.whenSynced() // what they have asked for is answered before it is looked at
  return all
}

/** What people of the first group are told of each other and of the visitors, who have gone: as soon as it is right, or as it is when it should be. */
export async function presences ({ nodes, crowd }: Pick<Place, 'nodes' | 'crowd'>, withinMs: number): Promise<Evidence['presences']> {
  const observers = crowd.people.slice(0, nodes.length) // one on each node
  const deadline = Date.now() + withinMs
  for (;;) {
    const all = (await Promise.all(observers.map(observer => presencesSeenBy(observer, observers, crowd.visitors)))).flat()
    if (all.every(({ expected, found }) => expected === found) || Date.now() > deadline) return all
    await pause(ASK_EVERY_MS)
  }
}

async function presencesSeenBy ({ userId, client }: Person, here: Person[], gone: Person[]): Promise<Evidence['presences']> {
  const expected = new Map([...here.map(person => [person.userId, 'ONLINE'] as const), ...gone.map(person => [person.userId, 'OFFLINE'] as const)])
  const { data } = await insist(() => client.command('get_presence', { userIds: [...expected.keys()] }))
  const found = new Map(data.map(presence => [presence.userId, presence.status]))
  return [...expected].map(([of, is]) => ({ of, seenBy: userId, expected: is, found: found.get(of) ?? 'nothing' }))
}

/** With everybody here and nothing to do. */
async function takeStock ({ nodes, crowd }: Pick<Place, 'nodes' | 'crowd'>): Promise<Stock[]> {
  await crowd.whenSynced()
  const stock: Stock[] = []
  for (const { process } of nodes) stock.push(await process.glance())
  return stock
}

/** When what was still to come to an end has (notices rest for a second), and it is no more than before; or as it is after many looks. */
export async function settledStock (place: Pick<Place, 'nodes' | 'crowd'>, base: Stock[] | null = null): Promise<Stock[]> {
  for (let looks = 1; ; looks++) {
    const stock = await takeStock(place)
    if (!base || looks === MAX_LOOKS || stock.every((now, node) => keepsTooMuch({ node, base: base[node] as Stock, now }).length === 0)) return stock
    await pause(LOOK_EVERY_MS)
  }
}
