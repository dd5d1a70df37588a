import { Type } from 'typebox'
import { compile } from '../../plugins/validation.ts'
import { ChatId, Count, Nullable, Revision, Seq, UserId } from '../../primitives.ts'
import { InboxUpdate } from '../../sync/schemas.ts'
import { encodeChat, encodeFleeting, type ChatFrame, type FleetingFrame, type Frame } from '../frames.ts'
import { encodeFrame, plainFrame, textHeader } from '../protocol.ts'

// What goes from node to node: `P`, a version, which node says it, the history of the database that it is about; then for each
// frame the lengths of its two parts, a header for the hub, and the bytes that the sockets are given, as they are. Nobody looks into
// these to hand them on. A payload of another version (during a rolling update) or of another history (another deployment on the
// same Redis, or the time before a failover) is passed over: the sweep brings what is durable.

const MAGIC = 0x50
const VERSION = 1
const NODE_BYTES = 16
const EPOCH_BYTES = 8
const PREFIX_BYTES = 2 + NODE_BYTES + EPOCH_BYTES
const LENGTHS_BYTES = 8

const Facts = Type.Object({ seq: Seq, senderId: Nullable(UserId) })
const EventType = Type.String({ pattern: '^[a-z_]{1,40}$' })
const checkKind = compile(Type.Object({ kind: Type.Enum(['chat', 'inbox', 'fleeting', 'hint', 'expel', 'viewers', 'hears']) }), 'header')
const checkChat = compile(Type.Object({
  kind: Type.Literal('chat'),
  chatId: ChatId,
  type: EventType,
  previousRevision: Revision,
  revision: Revision,
  at: Type.Optional(Type.Number()),
  message: Type.Optional(Facts),
  threadRoot: Type.Optional(Facts),
  joined: Type.Optional(Type.Object({ userIds: Type.Array(UserId), bound: Seq })),
  left: Type.Optional(Type.Array(UserId)),
  memberCount: Type.Optional(Count),
  closed: Type.Optional(Type.Literal(true)),
}), 'header')
const checkInbox = compile(Type.Object({ kind: Type.Literal('inbox'), userId: UserId, previousRevision: Revision, revision: Revision }), 'header')
const checkUpdate = compile(InboxUpdate, 'inbox')
const checkFleeting = compile(Type.Object({
  kind: Type.Literal('fleeting'),
  type: EventType,
  chatId: Type.Optional(ChatId),
  userIds: Type.Optional(Type.Array(UserId)),
  audience: Type.Optional(Type.Enum(['followers', 'viewers', 'few'])),
  actorId: Type.Optional(UserId),
  toActor: Type.Optional(Type.Boolean()),
  hiddenFrom: Type.Optional(Type.Array(UserId)),
}), 'header')
const checkHint = compile(Type.Object({ kind: Type.Literal('hint'), chatId: Type.Optional(ChatId), userId: Type.Optional(UserId), revision: Revision }), 'header')
const checkExpel = compile(Type.Object({ kind: Type.Literal('expel'), userId: UserId, code: Type.Integer({ minimum: 4000, maximum: 4999 }) }), 'header')
const checkViewers = compile(Type.Object({ kind: Type.Literal('viewers'), chatId: ChatId, node: Type.String({ format: 'uuid' }), count: Count }), 'header')

/** Not for the hub: the node hears these topics now, by their hashes. */
export interface Announcement { kind: 'hears', topics: number[] }

/** What nodes say to each other. */
export type Said = Frame | Announcement

/** Who says something, about which history. */
export class Sender {
  readonly #prefix = Buffer.alloc(PREFIX_BYTES)

  /** @param node a UUID @param epoch hexadecimal */
  constructor (node: string, epoch: string) {
    this.#prefix[0] = MAGIC
    this.#prefix[1] = VERSION
    this.#prefix.write(node.replaceAll('-', ''), 2, 'hex')
    this.#prefix.write(epoch.slice(0, 2 * EPOCH_BYTES), 2 + NODE_BYTES, 'hex')
  }

  envelope (parts: Buffer[]): Buffer {
    return Buffer.concat([this.#prefix, ...parts])
  }

  wrote (payload: Buffer): boolean {
    return payload.length >= PREFIX_BYTES && payload.compare(this.#prefix, 2, 2 + NODE_BYTES, 2, 2 + NODE_BYTES) === 0
  }

  /** Whether it is of a version, and about a history, that this node can make something of. */
  understands (payload: Buffer): boolean {
    return payload.length >= PREFIX_BYTES && payload.compare(this.#prefix, 0, 2, 0, 2) === 0 &&
      payload.compare(this.#prefix, 2 + NODE_BYTES, PREFIX_BYTES, 2 + NODE_BYTES, PREFIX_BYTES) === 0
  }
}

/** A frame as a part of an envelope. */
export function pack (frame: Said): Buffer {
  const { header, body } = split(frame)
  const headerBytes = Buffer.byteLength(header)
  const part = Buffer.allocUnsafe(LENGTHS_BYTES + headerBytes + body.length)
  part.writeUInt32BE(headerBytes, 0)
  part.writeUInt32BE(body.length, 4)
  part.write(header, LENGTHS_BYTES)
  part.set(body, LENGTHS_BYTES + headerBytes)
  return part
}

const NO_BODY = Buffer.alloc(0)
const HASH_BYTES = 4

function split (frame: Said): { header: string, body: Buffer } {
  switch (frame.kind) {
    case 'chat': {
      const { data: _, encoded: __, ...header } = frame
      return { header: JSON.stringify(header), body: encodeChat(frame) }
    }
    case 'fleeting': {
      const { data: _, encoded: __, ...header } = frame
      return { header: JSON.stringify(header), body: encodeFleeting(frame) }
    }
    case 'inbox': {
      const { update, ...header } = frame
      return { header: JSON.stringify(header), body: encodeFrame(plainFrame('inbox_updated', JSON.stringify(update))) }
    }
    case 'hears': {
      const body = Buffer.allocUnsafe(frame.topics.length * HASH_BYTES)
      for (const [index, hash] of frame.topics.entries()) body.writeUInt32BE(hash, index * HASH_BYTES)
      return { header: '{"kind":"hears"}', body }
    }
    default: return { header: JSON.stringify(frame), body: NO_BODY }
  }
}

/** The frames of an envelope that is understood. @throws {ApiError | SyntaxError | RangeError} if it is not whole, or says what cannot be */
export function unpack (payload: Buffer): Said[] {
  const frames: Said[] = []
  for (let at = PREFIX_BYTES; at < payload.length;) {
    const bodyAt = at + LENGTHS_BYTES + payload.readUInt32BE(at)
    const end = bodyAt + payload.readUInt32BE(at + 4)
    if (end > payload.length) throw new RangeError('A frame is cut off')
    frames.push(join(JSON.parse(payload.toString('utf8', at + LENGTHS_BYTES, bodyAt)), payload.subarray(bodyAt, end)))
    at = end
  }
  return frames
}

function join (header: unknown, body: Buffer): Said {
  switch (checkKind(header).kind) {
    case 'chat': return chatFrame(checkChat(header), whole(body))
    case 'fleeting': return fleetingFrame(checkFleeting(header), whole(body))
    case 'inbox': {
      const { data } = JSON.parse(textOf(whole(body))) as { data: unknown }
      return { ...checkInbox(header), update: checkUpdate(data) }
    }
    case 'hint': {
      const { kind, chatId, userId, revision } = checkHint(header)
      if (chatId !== undefined) return { kind, chatId, revision }
      if (userId !== undefined) return { kind, userId, revision }
      throw new RangeError('A hint of nothing')
    }
    case 'expel': return checkExpel(header)
    case 'viewers': return checkViewers(header)
    case 'hears': return { kind: 'hears', topics: Array.from({ length: Math.floor(body.length / HASH_BYTES) }, (_, index) => body.readUInt32BE(index * HASH_BYTES)) }
  }
}

/** One whole WebSocket message and nothing else: what follows it on a socket would be read wrongly otherwise. */
function whole (body: Buffer): Buffer {
  const header = textHeader(body.length - headerBytes(body.length))
  if (body.length < header.length || body.compare(header, 0, header.length, 0, header.length) !== 0) throw new RangeError('These are not the bytes of one frame')
  return Buffer.from(body) // what it came in with may be a large part of the link's memory
}

/** Of the header of a message that has so many bytes in all. */
function headerBytes (length: number): number {
  return length <= 127 ? 2 : length < 65_540 ? 4 : 10
}

function textOf (encoded: Buffer): string {
  return encoded.toString('utf8', headerBytes(encoded.length))
}

/** What `data` says is looked at only where somebody may not see it as it is. */
function chatFrame (header: Omit<ChatFrame, 'data' | 'encoded'>, encoded: Buffer): ChatFrame {
  return { ...header, encoded, get data () { return dataOf(encoded) } }
}

function fleetingFrame (header: Omit<FleetingFrame, 'data' | 'encoded'>, encoded: Buffer): FleetingFrame {
  return { ...header, encoded, get data () { return dataOf(encoded) } }
}

/** `data` is the last member of every event, and no member before it has a quote of its own to mislead: types, ids and numbers. */
function dataOf (encoded: Buffer): string {
  const text = textOf(encoded)
  return text.slice(text.indexOf('"data":') + '"data":'.length, -1)
}
