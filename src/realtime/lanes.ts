interface Lane {
  /** Settles when everything in the lane has. */
  tail: Promise<unknown>
  /** Settles when everything up to the last task that had to be alone has. */
  barrier: Promise<unknown>
}

/**
 * Keeps the commands of one socket in order for each chat, and lets different chats go side by side. A `pipelined` task
 * starts as soon as the last one that is not has ended: sends keep their order in the writer's queue, and need not wait
 * for each other's commit.
 */
export class Lanes {
  /** Most sockets have nothing under way, and then none. */
  #lanes: Map<string, Lane> | undefined

  async run<Result> (key: string, pipelined: boolean, task: () => Promise<Result>): Promise<Result> {
    const lanes = this.#lanes ??= new Map<string, Lane>()
    const lane = lanes.get(key) ?? { tail: Promise.resolve(), barrier: Promise.resolve() }
    const result = (pipelined ? lane.barrier : lane.tail).then(task)
    const tail = Promise.allSettled([lane.tail, result])
    const next = { tail, barrier: pipelined ? lane.barrier : tail }
    lanes.set(key, next)
    void tail.then(() => {
      if (lanes.get(key) === next) lanes.delete(key)
      if (lanes.size === 0 && this.#lanes === lanes) this.#lanes = undefined
    })
    return result
  }
}
