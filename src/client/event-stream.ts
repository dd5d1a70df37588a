import { ClientError } from './errors.ts'

/** Whoever lets more than this wait is not going to catch up. */
const MAX_WAITING = 100_000

export interface EventStream<Event> {
  push: (event: Event) => void
  /** What waits is still given. */
  end: () => void
  /** For a `for await` loop; ends by EVENTS_OVERFLOW if it is too slow. */
  events: AsyncGenerator<Event, void>
}

/** Takes events from now on, whenever the loop begins. @param onEnd there is no use in pushing any more */
export function eventStream<Event> (onEnd: () => void): EventStream<Event> {
  let waiting: Event[] = []
  const given = { all: false }
  let wake = () => {}
  const end = () => {
    given.all = true
    onEnd()
    wake()
  }
  async function * give (): AsyncGenerator<Event, void> {
    try {
      while (waiting.length > 0 || !given.all) {
        if (waiting.length > MAX_WAITING) throw new ClientError('EVENTS_OVERFLOW', 'Too many events wait')
        const next = waiting
        waiting = []
        yield * next
        if (waiting.length === 0 && !given.all) await new Promise<void>(resolve => { wake = resolve })
      }
    } finally {
      end()
    }
  }
  return {
    push (event) {
      if (waiting.push(event) > MAX_WAITING) end()
      wake()
    },
    end,
    events: give(),
  }
}
