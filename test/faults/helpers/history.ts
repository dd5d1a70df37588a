// What the clients were told, to be held against the database when the storm is over.
import type { Message } from '../../../src/contract.ts'

/** A change of a message that a client asked for, once or several times, and was answered in the end. */
export interface Acknowledged {
  kind: 'send' | 'edit' | 'delete' | 'react' | 'unreact'
  userId: string
  /** Of a send. */
  clientMessageId?: string
  /** As the answer says it is. */
  message: Message
}

export class History {
  readonly acknowledged: Acknowledged[] = []
  /** Messages of which it is not known whether something more has happened to them: asked for, lost, and refused when asked again. */
  readonly uncertain = new Set<string>()
  /** What no client may ever see. */
  readonly violations: string[] = []
  /** By kind: how often something was answered, refused, or asked again. */
  readonly counts = new Map<string, { done: number, refused: number, repeated: number }>()
  #waiting: { users: Set<string>, resolve: () => void }[] = []

  count (kind: string, what: 'done' | 'refused' | 'repeated'): void {
    const counts = this.counts.get(kind) ?? { done: 0, refused: 0, repeated: 0 }
    counts[what]++
    this.counts.set(kind, counts)
  }

  /** Somebody has got an answer. */
  answered (userId: string): void {
    for (const each of this.#waiting) {
      each.users.delete(userId)
      if (each.users.size === 0) each.resolve()
    }
    this.#waiting = this.#waiting.filter(({ users }) => users.size > 0)
  }

  /** When each of these has been answered once more. */
  async next (userIds: string[]): Promise<void> {
    await new Promise<void>(resolve => this.#waiting.push({ users: new Set(userIds), resolve }))
  }
}
