import type { EventData, EventName } from '../contract.ts'

/** An event, as it comes. With a revision it is durable, and belongs to the chain of its chat. */
export type EventFrame<Name extends EventName = EventName> = {
  [N in Name]: { type: N, chatId?: string, previousRevision?: number, revision?: number, data: EventData<N> }
}[Name]

/** What the server answers to a command: `re` is the command's id. */
export interface ReplyFrame { re: number | string, type: string, data?: unknown, error?: ErrorData }
export interface ErrorData { code: string, message: string, retryable: boolean, retryAfterMs?: number, details?: unknown }

export type ServerFrame = EventFrame | ReplyFrame

export const isReply = (frame: ServerFrame): frame is ReplyFrame => 're' in frame
