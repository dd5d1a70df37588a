import type { Frame } from '../frames.ts'

/**
 * Carries frames between the processes of one deployment, the publishing one included. It may lose, repeat and reorder
 * them: PostgreSQL is the truth, and the hub notices and repairs.
 */
export interface Bus {
  publish (frames: Frame[]): void
  subscribe (listener: (frame: Frame) => void): void
  close (): Promise<void>
}
