// Holds what was recorded against what must be true, whatever has happened. Pure: evidence in, violations out. The numbers are those of docs/faults.md.
import { isDeepStrictEqual } from 'node:util'
import type { Message } from '../../../src/contract.ts'
import type { ChatEvent, DatabaseFacts, Evidence, Likeness, MessageRow, Operation, Sighting, WireCommand } from './evidence.ts'
import { stalled } from './outages.ts'
import { keepsTooMuch } from './holdings.ts'
import { staysOf, type Stay } from './stays.ts'

export const RULES = {
  1: 'every acknowledged change is there once, as it was acknowledged',
  2: 'nothing is there twice, and nothing that nobody wanted',
  3: 'seqs have no hole, revisions are unique and not above their head',
  4: 'every client holds what the database says',
  5: 'no revision or watermark has gone back',
  6: 'who was removed has heard nothing more',
  7: 'every command has ended within 10 s',
  8: 'presence is right',
  9: 'nothing is kept of what is over',
} as const

export type Rule = keyof typeof RULES
export interface Violation { rule: Rule, what: string }

/** Of our own clocks: the event loop of the clients is busy, too. */
const LEEWAY_MS = 500

export function check (evidence: Evidence): Violation[] {
  const { operations, database } = evidence
  const found: Record<Rule, string[]> = {
    1: [...lost(operations, database), ...undone(operations, database)],
    2: strangers(operations, database),
    3: numbers(database),
    4: evidence.likenesses.flatMap(unlike),
    5: backwards(evidence.sightings),
    6: leaks(evidence),
    7: [...evidence.surprises, ...evidence.commands.flatMap(command => unanswered(command, evidence))],
    8: evidence.presences.filter(({ expected, found }) => found !== expected).map(({ of, seenBy, expected, found }) => `${of} is ${expected}, and ${seenBy} is told ${found}`),
    9: evidence.holdings.flatMap(keepsTooMuch),
  }
  return Object.entries(found).flatMap(([rule, whats]) => whats.map(what => ({ rule: Number(rule) as Rule, what })))
}

/** Sends that were acknowledged, and answers about messages: the newest answer is what the message is, unless more may have happened to it. */
function lost (operations: Operation[], { messages }: DatabaseFacts): string[] {
  const byId = new Map(messages.map(row => [row.id, row]))
  const byKey = Map.groupBy(messages, ({ key }) => key)
  const answered = operations.filter(({ outcome, message }) => outcome === 'ok' && message)
  const uncertain = new Set(operations.filter(({ lostAttempts }) => lostAttempts > 0).map(({ messageId }) => messageId))
  const sends = answered.flatMap(({ kind, key, message }) => {
    if (kind !== 'send') return []
    const there = byKey.get(key ?? null) ?? []
    const [row] = there
    return there.length === 1 && row?.id === message?.id && row?.seq === message?.seq ? [] : `${key} was acknowledged as ${message?.id}, and is ${there.map(({ id }) => id).join(', ') || 'nowhere'}`
  })
  const answers = [...Map.groupBy(answered, ({ message }) => message?.id)].flatMap(([id = '', about]) => {
    const newest = about.reduce((newest, each) => (each.message?.revision ?? 0) > (newest.message?.revision ?? 0) ? each : newest)
    return differs(newest, byId.get(id), uncertain.has(id))
  })
  return [...sends, ...answers]
}

function differs ({ kind, userId, message: told }: Operation, row: MessageRow | undefined, isUncertain: boolean): string[] {
  if (!told) return []
  const what = `${kind} of ${told.id} by ${userId}, acknowledged with revision ${told.revision}`
  if (!row) return [`${what}: the message is not there`]
  const now = row.message
  if (row.revision < told.revision) return [`${what}: the message is at ${row.revision}`]
  if (row.revision > told.revision) return isUncertain ? [] : [`${what}: something that nobody has asked for has brought it to ${row.revision}`]
  return same(now) === same(told) ? [] : [`${what}: told ${same(told)}, is ${same(now)}`]
}

function same ({ content, deletedAt, editedAt, reactions }: Pick<Message, 'content' | 'deletedAt' | 'editedAt' | 'reactions'>): string {
  return JSON.stringify([content, deletedAt, editedAt, reactions.map(({ emoji, count }) => [emoji, count])])
}

/** What was acknowledged and is no message: hidden for me, read up to. */
function undone (operations: Operation[], { hidden, watermarks }: DatabaseFacts): string[] {
  const isHidden = new Set(hidden)
  const readSeq = new Map(watermarks.map(({ chatId, userId, readSeq }) => [`${userId} ${chatId}`, readSeq]))
  return operations.filter(({ outcome }) => outcome === 'ok').flatMap(({ kind, userId, chatId, messageId, readSeq: told = 0 }) => {
    if (kind === 'hide' && !isHidden.has(`${userId} ${messageId}`)) return [`${userId} has hidden ${messageId}, and it is not`]
    const is = readSeq.get(`${userId} ${chatId}`) ?? 0
    return kind === 'read' && is < told ? [`${userId} has read ${chatId} up to ${told}, and stands at ${is}`] : []
  })
}

function strangers (operations: Operation[], { messages }: DatabaseFacts): string[] {
  const texts = messages.filter(({ message }) => message.type === 'TEXT')
  const wanted = new Map(operations.filter(({ kind }) => kind === 'send').map(send => [send.key ?? null, send]))
  const contents = Map.groupBy(texts.filter(({ message }) => message.content !== null), ({ message }) => message.content)
  return [
    ...[...Map.groupBy(texts, ({ key }) => key)].filter(([, rows]) => rows.length > 1).map(([key, rows]) => `${key} is there as ${rows.map(({ id }) => id).join(' and ')}`),
    ...[...contents].filter(([, rows]) => rows.length > 1).map(([content, rows]) => `"${content}" is there as ${rows.map(({ id }) => id).join(' and ')}`),
    ...texts.flatMap(({ id, key }) => {
      const send = wanted.get(key)
      if (!send) return [`${id} was sent by nobody`]
      return send.outcome === 'fail' ? [`${id} was refused with ${send.code}, and is there`] : []
    }),
  ]
}

function numbers ({ messages, heads, revisions, miscounted }: DatabaseFacts): string[] {
  const seqs = Map.groupBy(messages, ({ chatId }) => chatId)
  const rows = Map.groupBy(revisions, ({ chatId }) => chatId)
  const wrong = miscounted.map(chatId => `${chatId}: its counters are not what is there`)
  return wrong.concat(heads.flatMap(({ chatId, lastSeq, lastRevision }) => {
    const has = (seqs.get(chatId) ?? []).map(({ seq }) => seq).sort((a, b) => a - b)
    const ofChat = rows.get(chatId) ?? []
    const twice = [...Map.groupBy(ofChat, ({ revision }) => revision)].filter(([, same]) => same.length > 1)
    return [
      ...has.length === lastSeq && has.every((seq, index) => seq === index + 1) ? [] : [`${chatId}: its seqs are ${ranges(has)}, its head says ${lastSeq}`],
      ...twice.map(([revision, same]) => `${chatId}: revision ${revision} is that of ${same.map(({ row }) => row).join(' and ')}`),
      ...ofChat.filter(({ revision }) => revision > lastRevision).map(({ revision, row }) => `${chatId}: ${row} is at ${revision}, above its head at ${lastRevision}`),
      ...untimely(seqs.get(chatId) ?? []),
    ]
  }))
}

/** Time goes with the seqs. */
function untimely (messages: MessageRow[]): string[] {
  const inOrder = messages.toSorted((a, b) => a.seq - b.seq)
  return inOrder.filter(({ message }, index) => message.createdAt < (inOrder[index - 1]?.message.createdAt ?? '')).map(({ id }) => `${id} is from before the message before it`)
}

/** 1–7, 9–12 */
function ranges (sorted: number[]): string {
  const parts: [number, number][] = []
  for (const each of sorted) {
    const last = parts.at(-1)
    if (last && each === last[1] + 1) last[1] = each
    else parts.push([each, each])
  }
  return parts.map(([from, to]) => from === to ? `${from}` : `${from}–${to}`).join(', ') || 'none'
}

function unlike ({ who, found, wanted }: Likeness): string[] {
  return isDeepStrictEqual(found, wanted) ? [] : differences(found, wanted).slice(0, 5).map(difference => `${who}: ${difference}`)
}

/** Where two values differ, by their paths. */
function differences (found: unknown, wanted: unknown, path = ''): string[] {
  if (isDeepStrictEqual(found, wanted)) return []
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
  if (!isObject(found) || !isObject(wanted)) return [`${path || 'all'} is ${brief(found)}, and should be ${brief(wanted)}`]
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])].flatMap(key => differences(found[key], wanted[key], path ? `${path}.${key}` : key))
}

const brief = (value: unknown) => JSON.stringify(value)?.slice(0, 120) ?? 'missing'

function backwards (sightings: Sighting[]): string[] {
  const highest = new Map<string, number>()
  return sightings.flatMap(({ who, what, value, once }) => {
    const key = `${who} ${what}`
    const before = highest.get(key) ?? -Infinity
    highest.set(key, Math.max(before, value))
    if (value < before) return [`${who}: ${what} went from ${before} back to ${value}`]
    return once && value === before ? [`${who}: ${what} came to ${value} twice`] : []
  })
}

/** A durable event belongs into a stay of the user's, by its revision; a fleeting one by its time, and a little more. */
function leaks (evidence: Pick<Evidence, 'events' | 'database' | 'busOutages' | 'stopped' | 'sweepMs' | 'patience'>): string[] {
  const stays = staysOf(evidence.database)
  return evidence.events.flatMap(event => {
    const { userId, chatId, type, revision, at } = event
    const own = stays.get(`${userId} ${chatId}`) // without any they have always been in it
    const isIn = !own || own.some(stay => revision === null ? mayHear(stay, event, evidence) : stay.fromRevision <= revision && revision <= stay.toRevision)
    return isIn ? [] : [`${userId} got ${type} of ${chatId}${revision === null ? ` at ${new Date(at).toISOString()}` : ` with revision ${revision}`}, and was in it ${own.map(told).join(', ') || 'never'}`]
  })
}

const told = ({ fromRevision, toRevision, to }: Stay) => toRevision === Infinity ? `from ${fromRevision} on` : `from ${fromRevision} to ${toRevision} (${new Date(to).toISOString()})`

function mayHear ({ from, to }: Stay, { at }: ChatEvent, { busOutages, stopped, sweepMs, patience }: Pick<Evidence, 'busOutages' | 'stopped' | 'sweepMs' | 'patience'>): boolean {
  const isCut = busOutages.some(outage => outage.from < at && outage.to > to)
  const allowed = patience.fleeting + LEEWAY_MS + (isCut ? sweepMs : 0) + stalled(stopped, to, at)
  return at >= from - LEEWAY_MS && at <= to + allowed
}

function unanswered ({ userId, node, type, sentAt, endedAt, end }: WireCommand, { stopped, patience }: Pick<Evidence, 'stopped' | 'patience'>): string[] {
  const what = `${type} of ${userId} to node ${node}`
  if (endedAt === null) return [`${what} was never answered (${end ?? 'nothing came'})`]
  const ms = endedAt - sentAt - stalled(stopped.filter(each => each.node === node), sentAt, endedAt)
  return ms > patience.answer + LEEWAY_MS ? [`${what} was answered (${end}) after ${Math.round(ms)} ms`] : []
}
