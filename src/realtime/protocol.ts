import { ApiError } from '../errors.ts'
import { encodeJson, SharedJson } from '../json.ts'

export const SUBPROTOCOL = 'parley.v1'
/** The subprotocol that carries a token, where a browser cannot set a header: `bearer.<jwt>`. Never selected, so never sent back. */
export const BEARER_PREFIX = 'bearer.'

/** 40xx: reconnect and sync. 41xx: mend something, then reconnect. 44xx: this socket stops. */
export const CLOSE = {
  INTERNAL: 4000,
  GOING_AWAY: 4001,
  TOO_SLOW: 4002,
  TOKEN_EXPIRED: 4101,
  EPOCH_CHANGED: 4102,
  RATE_LIMITED: 4103,
  NOT_THE_PROTOCOL: 4400,
  TOKEN_INVALID: 4401,
  BANNED: 4403,
  REPLACED: 4409,
  UNKNOWN_SUBPROTOCOL: 4426,
} as const

export const CLOSE_REASONS: Record<number, string> = Object.fromEntries(
  Object.entries(CLOSE).map(([name, code]) => [code, name.toLowerCase().replaceAll('_', ' ')]))

/** Before a token is known, nobody needs more than one frame of this size. */
export const MAX_FIRST_FRAME_BYTES = 8 * 1024
/** Above this, typing and presence are not added to what a socket has not taken yet; */
export const DROP_FLEETING_ABOVE_BYTES = 256 * 1024
/** above this, or when nothing has moved for so long, the socket is cut: its client comes back and syncs. */
export const CUT_ABOVE_BYTES = 1024 * 1024
export const CUT_STALLED_AFTER_MS = 10_000
/** How long before its end a token is announced to expire. */
export const EXPIRY_NOTICE_MS = 60_000
/** In chats of up to this many, all members see who is typing. */
export const FEW_MEMBERS = 20

export type CommandId = number | string

export const plainFrame = (type: string, data: string, chatId?: string): string =>
  chatId === undefined ? `{"type":"${type}","data":${data}}` : `{"type":"${type}","chatId":"${chatId}","data":${data}}`

/** A frame in one piece, or in several that go out one after the other. */
export type ReplyFrame = string | Buffer[]

/** The header of a whole text message from a server (RFC 6455, 5.2). */
export function textHeader (length: number): Buffer {
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  header[0] = 0x81
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127
  if (header.length === 4) header.writeUInt16BE(length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
  return header
}

/** What goes to many: encoded once, header included. */
export function encodeFrame (text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([textHeader(bytes.length), bytes])
}

export function encodeReply (re: CommandId, type: string, data: unknown): ReplyFrame {
  const start = `{"re":${JSON.stringify(re)},"type":"${type}","data":`
  return data instanceof SharedJson ? [Buffer.from(start), data.beginning.bytes, Buffer.from(`${data.rest}}`)] : `${start}${encodeJson(data)}}`
}

export function encodeError (re: CommandId | undefined, { code, message, retryable, retryAfterMs, details }: ApiError): string {
  return JSON.stringify({ ...(re !== undefined && { re }), type: 'error', error: { code, message, retryable, retryAfterMs, details } })
}
