import type { Frame } from '../frames.ts'

/** What a node asks to hear of: a chat that somebody there follows, a user who has a socket there, itself, or what every node hears. */
export type Topic = `chat:${string}` | `user:${string}` | `node:${string}` | 'all'

export const chatTopic = (chatId: string): Topic => `chat:${chatId}`
export const userTopic = (userId: string): Topic => `user:${userId}`

/** As many names as a Redis Cluster can spread over its servers; every topic of a partition lies on the same one. */
export const PARTITIONS = 128

/** Up to so many people are told each by their own topic; of more, every node looks for those it has. */
const FEW = 4

/** Where a frame is said: each topic, and the frame as it is for those who hear of it there. */
export function saidOn (frame: Frame): [Topic, Frame][] {
  switch (frame.kind) {
    // Who is brought in may be on a node that does not follow the chat yet.
    case 'chat': return [[chatTopic(frame.chatId), frame], ...frame.joined ? [['all', frame] as [Topic, Frame]] : []]
    case 'viewers': return [[chatTopic(frame.chatId), frame]]
    case 'inbox': return [[userTopic(frame.userId), frame]]
    case 'expel': return [[userTopic(frame.userId), frame]]
    case 'hint': return [[frame.chatId === undefined ? userTopic(frame.userId) : chatTopic(frame.chatId), frame]]
    case 'fleeting':
      if (frame.userIds && frame.userIds.length > FEW) return [['all', frame]]
      if (frame.userIds) return frame.userIds.map(userId => [userTopic(userId), { ...frame, userIds: [userId] }])
      return frame.chatId === undefined ? [] : [[chatTopic(frame.chatId), frame]]
  }
}

/** FNV-1a, of 32 bits. */
export function hashOf (topic: Topic): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < topic.length; at++) hash = Math.imul(hash ^ topic.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

export function partitionOf (topic: Topic): number {
  return hashOf(topic) % PARTITIONS
}
