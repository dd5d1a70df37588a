import { Type, type Static } from 'typebox'
import { parseJson } from '../../json.ts'
import { compile } from '../../plugins/validation.ts'
import { ChatId, Count, Input, Revision, UserId } from '../../primitives.ts'
import type { ExpelFrame, FleetingFrame, Frame, ViewersFrame } from '../frames.ts'

/** PostgreSQL takes payloads of less than 8,000 bytes. */
const MAX_PAYLOAD_BYTES = 7_900
/** What a payload says around its hints. */
const ENVELOPE_BYTES = 100
/** So many chats and inboxes may wait for the link. Beyond that it is the sweep that finds what has changed. */
const MAX_WAITING = 20_000
/** What is fleeting is worth nothing later: so much of it may wait. */
const MAX_FLEETING_BYTES = 256 * 1024

/** A frame that is not kept, as it goes by NOTIFY. */
const Fleeting = Input({
  type: Type.String({ pattern: '^[a-z_]{1,40}$' }),
  data: Type.Object({}),
  chatId: Type.Optional(ChatId),
  userIds: Type.Optional(Type.Array(UserId)),
  audience: Type.Optional(Type.Enum(['followers', 'viewers', 'few'])),
  actorId: Type.Optional(UserId),
  toActor: Type.Optional(Type.Boolean()),
  hiddenFrom: Type.Optional(Type.Array(UserId)),
})
const Expel = Type.Object({ userId: UserId, code: Type.Integer({ minimum: 4000, maximum: 4999 }) })
const Viewers = Type.Object({ chatId: ChatId, node: Type.String({ format: 'uuid' }), count: Count })

/** One notification: up to where chats (`c`) and inboxes (`i`) have come, what is fleeting (`f`) or ends sockets (`x`), and how many look at chats (`v`). */
const Payload = Type.Object({
  node: Type.String(),
  c: Type.Optional(Type.Array(Type.Tuple([ChatId, Revision]))),
  i: Type.Optional(Type.Array(Type.Tuple([UserId, Revision]))),
  f: Type.Optional(Type.Array(Fleeting)),
  x: Type.Optional(Type.Array(Expel)),
  v: Type.Optional(Type.Array(Viewers)),
})
const checkPayload = compile(Payload, 'notification')

/** @throws {ApiError} VALIDATION_FAILED */
export function decodeHints (payload: string): { node: string, frames: Frame[] } {
  const { node, c = [], i = [], f = [], x = [], v = [] } = checkPayload(parseJson(payload))
  return {
    node,
    frames: [
      ...c.map(([chatId, revision]): Frame => ({ kind: 'hint', chatId, revision })),
      ...i.map(([userId, revision]): Frame => ({ kind: 'hint', userId, revision })),
      ...f.map(({ data, ...fleeting }: Static<typeof Fleeting>): Frame => ({ kind: 'fleeting', data: JSON.stringify(data), ...fleeting } as FleetingFrame)),
      ...x.map((expel): Frame => ({ kind: 'expel', ...expel })),
      ...v.map((viewers): Frame => ({ kind: 'viewers', ...viewers })),
    ],
  }
}

type Section = 'c' | 'i' | 'f' | 'x' | 'v'

/** What is to be said next: of each chat and inbox only the newest revision. Bounded, however long nothing can be said. */
export class Hints {
  readonly #chats = new Map<string, number>()
  readonly #inboxes = new Map<string, number>()
  /** Of each chat what was said last. */
  readonly #viewers = new Map<string, ViewersFrame>()
  #expelled: ExpelFrame[] = []
  #fleeting: string[] = []
  #fleetingBytes = 0

  get isEmpty (): boolean {
    return this.#chats.size + this.#inboxes.size + this.#viewers.size + this.#expelled.length + this.#fleeting.length === 0
  }

  add (frame: Frame): void {
    if (frame.kind === 'chat') raise(this.#chats, frame.chatId, frame.revision)
    else if (frame.kind === 'inbox') raise(this.#inboxes, frame.userId, frame.revision)
    else if (frame.kind === 'expel') this.#expelled.push(frame)
    else if (frame.kind === 'fleeting') this.#addFleeting(frame)
    else if (frame.kind === 'viewers') this.#addViewers(frame)
    else if (frame.chatId !== undefined) raise(this.#chats, frame.chatId, frame.revision)
    else raise(this.#inboxes, frame.userId, frame.revision)
  }

  /** Empties it. @returns payloads, each small enough */
  take (node: string): string[] {
    const items: [Section, string][] = [
      ...this.#expelled.map(({ userId, code }): [Section, string] => ['x', JSON.stringify({ userId, code })]),
      ...[...this.#chats].map((hint): [Section, string] => ['c', JSON.stringify(hint)]),
      ...[...this.#inboxes].map((hint): [Section, string] => ['i', JSON.stringify(hint)]),
      ...[...this.#viewers.values()].map(({ kind: _, ...viewers }): [Section, string] => ['v', JSON.stringify(viewers)]),
      ...this.#fleeting.map((fleeting): [Section, string] => ['f', fleeting]),
    ]
    this.#chats.clear()
    this.#inboxes.clear()
    this.#viewers.clear()
    this.#expelled = []
    this.#fleeting = []
    this.#fleetingBytes = 0
    return pack(node, items)
  }

  #addViewers (frame: ViewersFrame): void {
    if (this.#viewers.has(frame.chatId) || this.#viewers.size < MAX_WAITING) this.#viewers.set(frame.chatId, frame)
  }

  /** The people it is for may be more than fit: then it is said in several parts. What does not fit at all is left out: nobody keeps it. */
  #addFleeting ({ kind: _, encoded: __, data, userIds, ...rest }: FleetingFrame): void {
    const beginning = `{"data":${data},${JSON.stringify(rest).slice(1, -1)}`
    const room = MAX_PAYLOAD_BYTES - ENVELOPE_BYTES - Buffer.byteLength(beginning)
    for (const some of userIds ? pieces(userIds, room - 16) : [undefined]) {
      const text = some === undefined ? `${beginning}}` : `${beginning},"userIds":[${some}]}`
      const bytes = Buffer.byteLength(text)
      if (bytes > MAX_PAYLOAD_BYTES - ENVELOPE_BYTES || this.#fleetingBytes + bytes > MAX_FLEETING_BYTES) return
      this.#fleeting.push(text)
      this.#fleetingBytes += bytes
    }
  }
}

function raise (revisions: Map<string, number>, id: string, revision: number): void {
  const before = revisions.get(id)
  if (before === undefined && revisions.size >= MAX_WAITING) return
  revisions.set(id, Math.max(before ?? 0, revision))
}

/** The ids as JSON, in lists of no more bytes than that. */
function pieces (userIds: string[], maxBytes: number): string[] {
  const lists: string[] = []
  let list = ''
  for (const userId of userIds) {
    const next = JSON.stringify(userId)
    if (list !== '' && Buffer.byteLength(list) + Buffer.byteLength(next) >= maxBytes) {
      lists.push(list)
      list = ''
    }
    list = list === '' ? next : `${list},${next}`
  }
  return list === '' ? lists : [...lists, list]
}

function pack (node: string, items: [Section, string][]): string[] {
  const payloads: string[] = []
  let sections = new Map<Section, string[]>()
  let bytes = 0
  const finish = () => {
    if (sections.size > 0) payloads.push(`{"node":"${node}",${[...sections].map(([name, texts]) => `"${name}":[${texts.join(',')}]`).join(',')}}`)
    sections = new Map()
    bytes = 0
  }
  for (const [section, text] of items) {
    const length = Buffer.byteLength(text) + 1
    if (bytes + length > MAX_PAYLOAD_BYTES - ENVELOPE_BYTES) finish()
    const texts = sections.get(section) ?? []
    if (texts.length === 0) sections.set(section, texts)
    texts.push(text)
    bytes += length
  }
  finish()
  return payloads
}
