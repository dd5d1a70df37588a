import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { createClient } from '../../client/parley.ts'
import type { Person } from '../../demo/people.ts'

export type Chat = ReturnType<typeof createClient>
export type ChatSummary = ReturnType<Chat['chats']>[number]
export type LocalMessage = ReturnType<Chat['messages']>[number]
export type Attachment = LocalMessage['attachments'][number]

/** The client of one of the people; the server has tokens for them where the demonstration is on. */
export function startChat (userId: Person): Chat {
  return createClient({ url: location.origin, token: () => fetchToken(userId) })
}

async function fetchToken (userId: Person): Promise<string> {
  const response = await fetch('/demo/token', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ userId }) })
  if (!response.ok) throw new Error(`No token for ${userId}: ${response.status}`)
  return (await response.json() as { token: string }).token
}

export const ChatContext = createContext<Chat | null>(null)

export function useChat (): Chat {
  const chat = useContext(ChatContext)
  if (!chat) throw new Error('There is no client above')
  return chat
}

/** Draws again whenever the store, or the connection, has changed. */
export function useChanges (chat: Chat): void {
  const [, setVersion] = useState(0)
  useEffect(() => {
    const again = (): void => setVersion(version => version + 1)
    const off = [chat.on('change', again), chat.on('status', again)]
    return () => { for (const each of off) each() }
  }, [chat])
}

/** What somebody is called. */
export function nameIn (chat: Chat, userId: string | null): string {
  if (userId === null) return 'Somebody'
  return userId === chat.userId ? 'You' : chat.user(userId).displayName ?? userId
}
