import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import type { FastifyBaseLogger } from 'fastify'
import type { Frame, HintFrame } from '../frames.ts'
import { pack, Sender, unpack, type Announcement } from './envelope.ts'
import type { Listener } from '../listener.ts'
import { MemoryBus } from './memory.ts'
import { NotifyLink } from './notify-link.ts'
import { Pulse } from './pulse.ts'
import { hintAt, QuietTopics } from './quiet.ts'
import { clusterClient, redisClient, type RedisConfig } from './redis-link.ts'
import { Subscriptions } from './subscriptions.ts'
import { hashOf, partitionOf, saidOn, type Topic } from './topics.ts'

/** So much may be on its way to Redis. What comes when it takes no more is not said, but that there was something is, later. */
const MAX_UNDER_WAY_BYTES = 16 * 1024 * 1024
const MAX_UNSAID = 20_000
const ANNOUNCED_AT_ONCE = 10_000
/** Of what Redis has not taken: there may be many nodes, and all of them without Redis. */
const NOTIFY_COALESCE_MS = 50
/** So long a server that does not answer is waited for at the end. */
const GOODBYE_MS = 500
/** Frames of a topic that come together are one message, of about so many bytes at most. */
const MAX_MESSAGE_BYTES = 256 * 1024

/**
 * The bus of many processes, over Redis or Valkey. Frames go with the bytes that sockets are given; a node hears of the chats that somebody there
 * follows and of the users who have a socket there (`topics.ts`), by sharded pub/sub where the server has it. In a Redis Cluster the
 * topics lie on its servers by their partition. What no other node hears is not said (`quiet.ts`).
 */
export class RedisBus extends MemoryBus {
  readonly #node = randomUUID()
  readonly #prefix: string
  readonly #epoch: () => string
  readonly #log: FastifyBaseLogger
  readonly #publisher: Redis | Cluster
  readonly #subscriber: Redis | Cluster
  readonly #subscriptions: Subscriptions
  readonly #pulse: Pulse
  /** undefined in a cluster: its servers count only those who hear a topic from themselves. */
  readonly #quiet: QuietTopics | undefined
  #sender: { epoch: string, sender: Sender }
  /** By which others are told that there is something to be read while Redis takes nothing. */
  readonly #notify: NotifyLink | undefined
  #isSharded = true
  /** What has been said in this turn of the loop. */
  #due = new Map<Topic, Frame[]>()
  #underWayBytes = 0
  readonly #unsaid = new Map<Topic, HintFrame>()
  #isClosed = false

  /** @param epoch the history of the database: what is about another is passed over @param database where nodes that Redis does not reach can be told by NOTIFY */
  constructor ({ url, prefix, isCluster }: RedisConfig, epoch: () => string, log: FastifyBaseLogger, database?: { url: string, listener: Listener }) {
    super()
    this.#notify = database && new NotifyLink({ ...database, log, coalesceMs: NOTIFY_COALESCE_MS, onFrame: frame => this.hear(frame) })
    this.#prefix = prefix
    this.#epoch = epoch
    this.#log = log
    this.#sender = { epoch: '', sender: new Sender(this.#node, '') }
    this.#publisher = isCluster ? clusterClient(url, log) : redisClient(url, log)
    this.#subscriber = isCluster ? this.#publisher : redisClient(url, log)
    this.#quiet = isCluster ? undefined : new QuietTopics()
    this.#subscriptions = new Subscriptions({
      channelOf: topic => this.#channel(topic),
      byPartition: isCluster,
      onFailed: err => this.#onFailed(err),
      subscribe: async channels => { await (this.#isSharded ? this.#subscriber.ssubscribe(...channels) : this.#subscriber.subscribe(...channels)) },
      onHeard: topics => this.#announce(topics),
      unsubscribe: async channels => {
        this.#quiet?.disturb()
        await (this.#isSharded ? this.#subscriber.sunsubscribe(...channels) : this.#subscriber.unsubscribe(...channels))
      },
    })
    this.#pulse = new Pulse({ beat: () => this.#beat(), onLost: () => this.#onSilence() })
    const onMessage = (_channel: unknown, message: Buffer) => this.#hearMessage(message)
    for (const event of ['messageBuffer', 'smessageBuffer'] as const) this.#subscriber.on(event, onMessage)
    this.#subscriber.on('ready', () => { void this.#onReady() })
    this.#subscriber.on('close', () => this.#onClose())
    this.#publisher.on('ready', () => {
      this.#announce([...this.#subscriptions.heard]) // what could not be announced before
      this.#beat()
    })
    void this.#subscriptions.add(['all', this.#own])
  }

  override get isUp (): boolean { return this.#pulse.isUp }

  override publish (frames: Frame[]): void {
    super.publish(frames)
    for (const frame of frames) for (const [topic, part] of saidOn(frame)) if (!this.#quiet?.keeps(topic, part)) this.#say(topic, part)
  }

  override follow (topics: Topic[]): Promise<void> {
    return this.#subscriptions.add(topics)
  }

  override unfollow (topics: Topic[]): void {
    this.#subscriptions.remove(topics)
  }

  override onUp (listener: () => void): void {
    this.#pulse.onUp(listener)
  }

  override async start (): Promise<void> {
    for (const client of this.#clients) client.connect().catch((err: unknown) => this.#log.warn({ err }, 'Redis is not there (yet): what other nodes say is looked for in the database'))
    await this.#pulse.start()
  }

  override async close (): Promise<void> {
    this.#flush() // the last words
    this.#isClosed = true
    this.#pulse.stop()
    for (const client of this.#clients) {
      await Promise.race([client.quit(), delay(GOODBYE_MS, undefined, { ref: false })]).catch((err: unknown) => this.#log.debug({ err }, 'Redis was not there to say goodbye to'))
      client.disconnect()
    }
    await this.#notify?.close()
    await super.close()
  }

  get #clients (): (Redis | Cluster)[] { return [...new Set([this.#publisher, this.#subscriber])] }

  /** By which this node hears itself. */
  get #own (): Topic { return `node:${this.#node}` }

  #channel (topic: Topic): string {
    return `${this.#prefix}:{${partitionOf(topic)}}:${topic}`
  }

  get #current (): Sender {
    const epoch = this.#epoch()
    if (this.#sender.epoch !== epoch) this.#sender = { epoch, sender: new Sender(this.#node, epoch) }
    return this.#sender.sender
  }

  #say (topic: Topic, frame: Frame): void {
    const due = this.#due.get(topic)
    if (due) due.push(frame)
    else {
      if (this.#due.size === 0) setImmediate(() => this.#flush())
      this.#due.set(topic, [frame])
    }
  }

  #flush (): void {
    const due = this.#due
    this.#due = new Map()
    for (const [topic, frames] of due) {
      let parts: Buffer[] = []
      let bytes = 0
      const send = (some: Frame[]) => {
        if (parts.length > 0) this.#send(topic, some, parts)
        parts = []
        bytes = 0
      }
      let from = 0
      for (const [index, frame] of frames.entries()) {
        const part = pack(frame)
        if (bytes + part.length > MAX_MESSAGE_BYTES) {
          send(frames.slice(from, index))
          from = index
        }
        parts.push(part)
        bytes += part.length
      }
      send(frames.slice(from))
    }
  }

  #send (topic: Topic, frames: Frame[], parts: Buffer[]): void {
    if (this.#isClosed) return
    if (this.#publisher.status !== 'ready' || this.#underWayBytes > MAX_UNDER_WAY_BYTES) return this.#remember(topic, frames)
    const message = this.#current.envelope(parts)
    const channel = this.#channel(topic)
    this.#underWayBytes += message.length
    const onHeard = this.#hearersOf(topic)
    const sent = this.#isSharded ? this.#publisher.spublish(channel, message) : this.#publisher.publish(channel, message)
    sent.then(onHeard, () => this.#remember(topic, frames)).finally(() => { this.#underWayBytes -= message.length })
  }

  /** What is learned from how many have heard something that is said now. Only who hears announcements can know for how long that is true. */
  #hearersOf (topic: Topic): (count: unknown) => void {
    const { heard } = this.#subscriptions
    const quiet = heard.has('all') ? this.#quiet : undefined
    const [own, disturbances] = [heard.has(topic) ? 1 : 0, quiet?.disturbances]
    return count => { if (quiet && Number(count) <= own && quiet.disturbances === disturbances) quiet.add(topic) }
  }

  /** Others have to say again what is of these topics. */
  #announce (topics: Topic[]): void {
    if (!this.#quiet) return
    for (let from = 0; from < topics.length; from += ANNOUNCED_AT_ONCE) {
      const announcement: Announcement = { kind: 'hears', topics: topics.slice(from, from + ANNOUNCED_AT_ONCE).map(hashOf) }
      this.#send('all', [], [pack(announcement)])
    }
  }

  /** What is durable and could not be said: others are told by NOTIFY, and when Redis is there again, that there is something to be read. */
  #remember (topic: Topic, frames: Frame[]): void {
    if (this.#isClosed) return
    this.#notify?.say(frames.filter(({ kind }) => kind !== 'fleeting' && kind !== 'viewers'))
    if (!this.#unsaid.has(topic) && this.#unsaid.size >= MAX_UNSAID) return
    for (const frame of frames) {
      const hint = hintAt(frame, this.#unsaid.get(topic))
      if (hint) this.#unsaid.set(topic, hint)
    }
  }

  #sayUnsaid (): void {
    const unsaid = [...this.#unsaid]
    this.#unsaid.clear()
    for (const [topic, hint] of unsaid) this.#say(topic, hint)
  }

  #beat (): void {
    if (this.#publisher.status !== 'ready') return
    this.#send(this.#own, [], [])
    this.#sayUnsaid()
  }

  async #onReady (): Promise<void> {
    this.#isSharded = await this.#hasShardedPubSub()
    await this.#subscriptions.linked()
    this.#forgetQuiet() // what was announced meanwhile was not heard
    this.#beat()
  }

  async #hasShardedPubSub (): Promise<boolean> {
    try {
      const [found] = await this.#subscriber.call('COMMAND', 'INFO', 'SSUBSCRIBE') as unknown[]
      return Array.isArray(found)
    } catch (err) {
      this.#log.debug({ err }, 'it is not known whether Redis has sharded pub/sub')
      return this.#isSharded
    }
  }

  #onClose (): void {
    this.#pulse.lost()
    this.#subscriptions.lost()
    this.#forgetQuiet()
  }

  /** It may have been the server that has let go of this node before: then its answers have counted others for it. */
  #forgetQuiet (): void {
    for (const [topic, hint] of this.#quiet?.forget() ?? []) this.#say(topic, hint)
  }

  /** Not everything is heard that should be: then the link is as good as lost, and is made anew. */
  #onFailed (err: unknown): void {
    this.#log.warn({ err }, 'topics could not be subscribed to')
    this.#pulse.lost()
    if (!this.#isClosed) for (const client of this.#clients) client.disconnect(true)
  }

  /** A server that has stopped without a word, or the way to it: connections are made anew. */
  #onSilence (): void {
    this.#log.warn('nothing is heard of the other nodes: the newest heads are looked at until it is')
    this.#subscriptions.lost()
    for (const client of this.#clients) client.disconnect(true)
  }

  #hearMessage (message: Buffer): void {
    const sender = this.#current
    if (sender.wrote(message)) return this.#pulse.heard()
    if (!sender.understands(message)) return
    try {
      for (const frame of unpack(message)) {
        if (frame.kind !== 'hears') this.hear(frame)
        else for (const [topic, hint] of this.#quiet?.announced(frame.topics) ?? []) this.#say(topic, hint)
      }
    } catch (err) {
      this.#log.warn({ err }, 'a message on the bus that is not ours')
    }
  }
}
