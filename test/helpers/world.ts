// Chats and messages by REST, as tests need them: one line each.
import type { ChatView, Message } from '../../src/contract.ts'
import { request } from './live.ts'
import type { Parley } from './parley.ts'

type Api = Pick<Parley, 'url' | 'token'>

/** A group with an owner and others. Its id. */
export async function makeGroup (parley: Api, owner: string, others: string[] = [], more: object = {}): Promise<string> {
  const { chat } = await request<ChatView>(parley, owner, 'POST', '/sessions', { type: 'GROUP', name: 'Friends', participantIds: others, ...more })
  return chat.id
}

/** The DIRECT chat of two people. Its id. */
export async function makeDirect (parley: Api, userId: string, targetUserId: string): Promise<string> {
  const { chat } = await request<ChatView>(parley, userId, 'POST', '/sessions', { type: 'DIRECT', targetUserId })
  return chat.id
}

export async function send (parley: Api, userId: string, chatId: string, content: string, more: object = {}): Promise<Message> {
  return (await sendAny(parley, userId, chatId, { content, ...more })).message
}

/** With whatever body. */
export async function sendAny (parley: Api, userId: string, chatId: string, body: object): Promise<{ message: Message, duplicate: boolean }> {
  return request(parley, userId, 'POST', `/sessions/${chatId}/messages`, body)
}

export async function history (parley: Api, userId: string, chatId: string, query = ''): Promise<Message[]> {
  return (await request<{ data: Message[] }>(parley, userId, 'GET', `/sessions/${chatId}/messages${query}`)).data
}
