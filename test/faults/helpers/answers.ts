/** Tells when everybody has been answered. */
export class Answers {
  #waiting: { users: Set<string>, resolve: () => void }[] = []

  /** Somebody has been answered. */
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
