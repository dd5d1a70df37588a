import { useEffect, useState } from 'preact/hooks'

/** `#<chatId>`, or `#<chatId>.<seq>` for a message of it, so that the browser's own "back" works. */
export interface Route { chatId: string | null, seq: number | null }

export const hashOf = (chatId: string | null, seq?: number): string => `#${chatId ?? ''}${seq === undefined ? '' : `.${seq}`}`

export function goTo (chatId: string | null, seq?: number): void {
  const hash = hashOf(chatId, seq)
  if (location.hash === hash) dispatchEvent(new HashChangeEvent('hashchange')) // to a message to which one has gone already
  else location.hash = hash
}

function read (): Route {
  const [chatId, seq] = location.hash.slice(1).split('.')
  return { chatId: chatId || null, seq: seq === undefined ? null : Number(seq) }
}

export function useRoute (): Route {
  const [route, setRoute] = useState(read)
  useEffect(() => {
    const onChange = (): void => setRoute(read())
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  return route
}
