// Many people in groups and pairs, on all nodes, who write, read, edit, react, delete, hide, come and go.
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import { seeded } from '../../helpers/random-operations.ts'
import type { Balancer } from './balancer.ts'
import { insist } from './insist.ts'
import { Person } from './person.ts'
import { Recorder } from './recorder.ts'

export interface CrowdOptions {
  /** In front of all names of users: those of each crowd are its own. */
  name: string
  people: number
  seed: number
  /** Between what one person does and what they do next, at most. */
  paceMs: number
}

const MEMBERS = 20
/** One group of so many people each. */
const PEOPLE_A_GROUP = 12
/** In the group whose members stay: who see each other come and go. */
const VISITORS = 3
/** Everybody has to have been answered within this time, once all is well again. */
const PATIENCE_MS = 120_000

export class Crowd {
  readonly people: Person[] = []
  /** Of each node one who comes for a while and goes in the middle of it all; in one group with the first of the people. */
  readonly visitors: Person[] = []
  /** More connections of the first of the people, on all nodes. */
  readonly doubles: Person[] = []
  readonly recorder = new Recorder()
  readonly chatIds: string[] = []
  readonly #t: Pick<Test, 'teardown'>
  readonly #options: CrowdOptions
  readonly #balancer: Balancer
  readonly #random: () => number
  #stop = new AbortController()
  #lives: Promise<void>[] = []

  private constructor (t: Pick<Test, 'teardown'>, balancer: Balancer, options: CrowdOptions) {
    this.#t = t
    this.#balancer = balancer
    this.#options = options
    this.#random = seeded(options.seed)
  }

  /** Connected, in groups and DIRECT chats. */
  static async gather (t: Pick<Test, 'teardown'>, balancer: Balancer, options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(t, balancer, options)
    for (let number = 0; number < options.people; number++) crowd.people.push(crowd.#person(crowd.#userId(number), number))
    await crowd.whenSynced()
    await crowd.#makeChats()
    await crowd.whenSynced()
    return crowd
  }

  #userId (number: number): string {
    return `${this.#options.name}-${number}`
  }

  #person (userId: string, number: number): Person {
    const { seed, paceMs, people } = this.#options
    return new Person(this.#t, {
      userId,
      recorder: this.recorder,
      paceMs,
      random: seeded(seed * 1000 + number),
      choose: () => this.#balancer.addressFor(number),
      anybody: () => this.#userId(Math.floor(this.#random() * people)),
    })
  }

  async #makeChats (): Promise<void> {
    const { people } = this.#options
    const make = async (maker: number, data: Parameters<Person['client']['command']>[1] & object) => {
      const { client } = this.people[maker] as Person
      const { chat } = await insist(() => client.command('create_chat', data as never))
      this.chatIds.push(chat.id)
    }
    const visitors = Array.from({ length: VISITORS }, (_, number) => this.#userId(people + number))
    await make(0, { type: 'GROUP', name: 'Who stays', labels: { fixed: 'yes' }, participantIds: [1, 2, 3, 4, 5].map(number => this.#userId(number)).concat(visitors) })
    for (let group = 0; group * PEOPLE_A_GROUP < people; group++) {
      const participantIds = Array.from({ length: MEMBERS }, () => this.#userId(Math.floor(this.#random() * people)))
      await make(group, { type: 'GROUP', name: `Group ${group}`, participantIds, settings: { whoMayInvite: 'MEMBER' } })
    }
    await Promise.all(Array.from({ length: Math.floor(people / 2) }, (_, pair) => make(2 * pair, { type: 'DIRECT', targetUserId: this.#userId(2 * pair + 1) })))
  }

  /** Visitors come. */
  async visit (): Promise<void> {
    for (let number = 0; number < VISITORS; number++) this.visitors.push(this.#person(this.#userId(this.#options.people + number), number))
    await Promise.all(this.visitors.map(({ client }) => client.whenSynced()))
  }

  /** And go. */
  partWithVisitors (): void {
    for (const { client } of this.visitors) client.stop()
  }

  async double (connections: number): Promise<void> {
    for (let number = 0; number < connections; number++) this.doubles.push(this.#person(this.#userId(0), number))
    await Promise.all(this.doubles.map(({ client }) => client.whenSynced()))
  }

  /** Everybody goes about their business. */
  start (): void {
    this.#stop = new AbortController()
    this.#lives = this.people.map(person => person.live(this.#stop.signal))
  }

  /** Everybody finishes what they are at, until it is answered. */
  async rest (): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#lives)
  }

  /** When everybody has had an answer once more. */
  async getOn (): Promise<void> {
    const userIds = this.people.map(({ userId }) => userId)
    const [late, clear] = timeout(PATIENCE_MS)
    if (!await Promise.race([this.recorder.next(userIds).then(() => true), late])) this.recorder.surprises.push(`not everybody was answered within ${PATIENCE_MS} ms`)
    clear()
  }

  async whenSynced (): Promise<void> {
    await Promise.all(this.people.map(({ client }) => client.whenSynced()))
  }

  /** Everybody goes where they belong, which is not where faults have driven them. @returns whether somebody had to */
  sendHome (): boolean {
    const strays = this.people.filter(({ line }, number) => line.node !== this.#balancer.homeOf(number))
    for (const { line } of strays) if (line.node !== null) line.cut() // else it is on its way
    return strays.length > 0
  }

  async goHome (): Promise<void> {
    for (;;) {
      await this.whenSynced()
      if (!this.sendHome()) return
      await pause(100)
    }
  }

  leave (): void {
    this.recorder.bury()
    for (const { client } of this.people) client.stop()
  }
}

function timeout (ms: number): [Promise<false>, () => void] {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(resolve, ms, false)
  return [promise, () => clearTimeout(timer)]
}
