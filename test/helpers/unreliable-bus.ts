import { MemoryBus } from '../../src/realtime/bus/memory.ts'
import type { Frame } from '../../src/realtime/frames.ts'

/** A bus that does to the frames what a bus may do: loses, repeats, reorders. */
export class UnreliableBus extends MemoryBus {
  /** What becomes of frames that were published together. */
  tamper: (frames: Frame[]) => Frame[] = frames => frames

  override publish (frames: Frame[]): void {
    super.publish(this.tamper(frames))
  }

  /** Loses all frames of these types (of inboxes: `inbox`), until `heal`. */
  lose (...types: string[]): void {
    this.tamper = frames => frames.filter(frame => !types.includes('type' in frame ? frame.type : frame.kind))
  }

  heal (): void {
    this.tamper = frames => frames
  }
}
