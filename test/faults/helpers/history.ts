// What the clients were told, to be held against the database when the storm is over.
import type { Message } from '../../../src/contract.ts'
import { Answers } from './answers.ts'

/** A change of a message that a client asked for, once or several times, and was answered in the end. */
export interface Acknowledged {
  kind: 'send' | 'edit' | 'delete' | 'react' | 'unreact'
  userId: string
  /** Of a send. */
  clientMessageId?: string
  /** As the answer says it is. */
  message: Message
}

export class History extends Answers {
  readonly acknowledged: Acknowledged[] = []
  /** Messages of which it is not known whether something more has happened to them: asked for, lost, and refused when asked again. */
  readonly uncertain = new Set<string>()
  /** What no client may ever see. */
  readonly violations: string[] = []
  /** By kind: how often something was answered, refused, or asked again. */
  readonly counts = new Map<string, { done: number, refused: number, repeated: number }>()

  count (kind: string, what: 'done' | 'refused' | 'repeated'): void {
    const counts = this.counts.get(kind) ?? { done: 0, refused: 0, repeated: 0 }
    counts[what]++
    this.counts.set(kind, counts)
  }
}
