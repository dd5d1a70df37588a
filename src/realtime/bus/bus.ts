import type { Frame } from '../frames.ts'
import type { Topic } from './topics.ts'

/**
 * Carries frames between the processes of one deployment, the publishing one included. It may lose, repeat and reorder
 * them: PostgreSQL is the truth, and the hub notices and repairs. What a process publishes is heard by itself at once, whatever
 * becomes of the link to the others.
 */
export interface Bus {
  publish (frames: Frame[]): void
  subscribe (listener: (frame: Frame) => void): void
  /**
   * From now on somebody here wants to hear of these topics.
   * @returns when everything that is said of them is heard (or the link is lost, and what is missed will be looked for); undefined: it is already
   */
  follow (topics: Topic[]): Promise<void> | undefined
  /** Nobody here wants to any longer. */
  unfollow (topics: Topic[]): void
  /** Whether what the others publish is heard now. While it is not, the newest heads are asked for (see `Sweep`). */
  readonly isUp: boolean
  /** The link is there (again): what was said before was not heard. */
  onUp (listener: () => void): void
  /** Connects, and goes on trying to. Resolves when the link is up; without it after a while. */
  start (): Promise<void>
  close (): Promise<void>
}
