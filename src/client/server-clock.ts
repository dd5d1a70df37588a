/**
 * What the server's clock says, about. The device's own may be wrong, and may jump: it counts only for as long as the server
 * has not said anything, and time goes on by a clock that cannot be set.
 */
export class ServerClock {
  #offset = Date.now() - performance.now()

  /** @param at what the server has said just now */
  set (at: string): void {
    this.#offset = Date.parse(at) - performance.now()
  }

  /** In milliseconds since 1970. */
  now (): number {
    return this.#offset + performance.now()
  }
}
