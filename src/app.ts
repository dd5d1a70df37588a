import cors from '@fastify/cors'
import helmet from '@fastify/helmet'
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { blocks } from './blocks/index.ts'
import { blocksService } from './blocks/service.ts'
import { Changes } from './changes.ts'
import { chats } from './chats/index.ts'
import { invitationsService } from './chats/invitations.ts'
import { membersService } from './chats/members.ts'
import { membershipsService } from './chats/memberships.ts'
import { removalService } from './chats/removal.ts'
import { requestsService } from './chats/requests.ts'
import { sanctionsService } from './chats/sanctions.ts'
import { chatsService } from './chats/service.ts'
import type { Config } from './config.ts'
import { ANSWER_WITHIN_MS } from './deadline.ts'
import { demo } from './demo/index.ts'
import { media } from './media/index.ts'
import { mediaParts, type MediaParts } from './media/parts.ts'
import { signedRoutes } from './media/signed-routes.ts'
import { messages } from './messages/index.ts'
import { recoveryService } from './messages/recovery.ts'
import { retentionService } from './messages/retention.ts'
import { messagesService } from './messages/service.ts'
import { threadsService } from './messages/threads.ts'
import { messageWriter } from './messages/publish.ts'
import { bansService } from './moderation/bans.ts'
import { moderation } from './moderation/index.ts'
import { reportsService } from './moderation/reports.ts'
import { reviewService } from './moderation/review.ts'
import { operator } from './operator/index.ts'
import { operatorService } from './operator/service.ts'
import { admin } from './plugins/admin.ts'
import { auth, bearerToken } from './plugins/auth.ts'
import { browser } from './plugins/browser.ts'
import { database } from './plugins/database.ts'
import { answerInTime } from './plugins/deadline.ts'
import { earlyErrors, errorHandler } from './plugins/error-handler.ts'
import { health } from './plugins/health.ts'
import { jobs } from './plugins/jobs.ts'
import { metrics } from './plugins/metrics.ts'
import { openapi } from './plugins/openapi.ts'
import { requestRate } from './plugins/rate-limit.ts'
import { serialization } from './plugins/serialization.ts'
import { storage } from './plugins/storage.ts'
import { tracing } from './plugins/tracing.ts'
import { validation } from './plugins/validation.ts'
import { notices } from './notices/index.ts'
import { pins } from './pins/index.ts'
import { pinsService } from './pins/service.ts'
import { presence } from './presence/index.ts'
import { Leases } from './presence/leases.ts'
import { presenceService } from './presence/service.ts'
import { Typing } from './presence/typing.ts'
import { Viewers } from './presence/viewers.ts'
import type { Bus } from './realtime/bus/bus.ts'
import { groupReactions } from './reactions/grouped.ts'
import { reactions } from './reactions/index.ts'
import { reactionsService } from './reactions/service.ts'
import { realtime } from './realtime/index.ts'
import { Deliveries } from './receipts/deliveries.ts'
import { receipts } from './receipts/index.ts'
import { groupMarks } from './receipts/marks.ts'
import { receiptsService } from './receipts/service.ts'
import { search } from './search/index.ts'
import { Indexer } from './search/indexer.ts'
import { searchService } from './search/service.ts'
import { support } from './support/index.ts'
import { supportService } from './support/service.ts'
import { ChangesReader } from './sync/changes-reader.ts'
import { hubSource } from './sync/hub-source.ts'
import { sync } from './sync/index.ts'
import { syncService } from './sync/service.ts'
import { users } from './users/index.ts'
import { usersService, type UsersService } from './users/service.ts'

/** The whole system. Listening is the caller's. */
export async function buildApp (config: Config, logger?: FastifyBaseLogger, bus?: Bus): Promise<FastifyInstance> {
  const app = fastify({
    ...(logger ? { loggerInstance: logger } : { logger: { level: config.logLevel } }),
    bodyLimit: config.realtime.maxFrameBytes, // what is too large for a frame is for REST, too
    handlerTimeout: ANSWER_WITHIN_MS,
    requestIdHeader: 'x-request-id',
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: 'idle',
    ...earlyErrors,
  })

  await app.register(tracing, { config })
  await app.register(errorHandler)
  await app.register(validation)
  await app.register(serialization)
  await app.register(helmet)
  await app.register(cors, { origin: config.corsOrigins.includes('*') ? true : config.corsOrigins, methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], strictPreflight: false })
  await app.register(openapi)
  await app.register(database, { config })
  await app.register(metrics)
  await app.register(jobs, { config })
  await app.register(storage, { config })
  await app.register(health)
  await app.register(auth, { config })
  await app.register(admin, { config })
  await app.register(browser)
  await app.register(demo, { config })
  app.page('/admin', 'admin') // there is nothing in it without a token

  const changesReader = new ChangesReader(app.db)
  await app.register(realtime, {
    config,
    ...(bus && { bus }),
    source: hubSource(app.db, changesReader),
    authenticate: async token => {
      const identity = await app.verifyToken(token)
      await userService.admit(identity)
      return identity
    },
  })
  const changes = new Changes(app.db, app.hub)
  const userService = usersService({ db: app.db, changes, config })
  const files = await mediaParts(app, config)
  await app.register(signedRoutes, { prefix: '/api/v1/chat', ...files, admit: userService.admitWithoutToken })
  await app.register(api, { prefix: '/api/v1/chat', config, changes, changesReader, userService, files })
  return app
}

interface ApiOptions { config: Config, changes: Changes, changesReader: ChangesReader, userService: UsersService, files: MediaParts }

/** Every route below needs a token (those below /admin one of an administrator, or the server's key). Each slice is given what it needs of the others: none imports another's service. */
async function api (app: FastifyInstance, { config, changes, changesReader, userService, files }: ApiOptions): Promise<void> {
  app.addHook('onRequest', async request => {
    const token = bearerToken(request.headers.authorization)
    if (app.admitServer(request, token)) return
    request.identity = await app.verifyToken(token)
    await userService.admitOften(request.identity)
  })
  await app.register(answerInTime)
  await app.register(requestRate, { perSecond: config.rateLimits.requestsPerSecond, redis: config.redis })

  const { db, hub } = app
  const indexer = new Indexer(db, app.log)
  const invitations = invitationsService(db, changes)
  const requests = requestsService({ db, changes, config, invitations })
  const writer = requests.sending(messageWriter(app, (chatId, seq) => indexer.sent(chatId, seq)))
  const ensureUsers = userService.ensure
  const memberService = membersService({ db, changes, invitations, ensureUsers })
  const memberships = membershipsService(db, changes)
  const supportChats = supportService({ db, changes, ensureUsers })
  const chatService = chatsService({ db, changes, members: memberService, memberships, requests, invitations, ensureUsers })
  const marks = groupMarks(app)
  const deliveries = new Deliveries(marks, app.log)
  const receiptService = receiptsService({ db, hub, marks, unmark: (userId, chatId) => memberships.update(userId, chatId, { markedUnread: false }) })
  const grouped = groupReactions(app)
  const leases = new Leases(db, hub, config.realtime, app.log)
  const bans = bansService({ db, hub, ensureUsers })
  const typing = new Typing(hub, config.realtime.typingTimeoutMs)
  const viewers = new Viewers(hub, leases)

  hub.on('expelled', userService.forget)

  await app.register(users, { users: userService })
  await app.register(chats, { chats: chatService, members: memberService, memberships, sanctions: sanctionsService(changes), requests, removal: removalService(db) })
  await app.register(media, files)
  await app.register(messages, {
    messages: messagesService({
      db,
      changes,
      writer: supportChats.reopening(writer),
      config,
      epoch: app.epoch,
      directChat: chatService.direct,
      filesGone: () => files.cleaning.soon(),
      fetched: (userId, chatId, upToSeq) => deliveries.fetched(userId, chatId, upToSeq),
    }),
    threads: threadsService(db),
    retention: retentionService({ db, changes, config }),
    recovery: recoveryService({ db, changes, config }),
  })
  await app.register(support, { support: supportChats })
  await app.register(reactions, { reactions: reactionsService(db, grouped), grouped })
  await app.register(pins, { pins: pinsService(db, changes) })
  await app.register(moderation, { reports: reportsService(db), review: reviewService({ db, changes, bans, config }), bans })
  await app.register(operator, { operator: operatorService(app, config) })
  await app.register(receipts, { receipts: receiptService, marks, deliveries })
  await app.register(search, { search: searchService(db), indexer })
  await app.register(blocks, { blocks: blocksService({ db, changes, ensureUsers, unblocked: receiptService.reveal }) })
  await app.register(presence, {
    presence: presenceService({ db, hub, typing, leases, viewers, config, getChat: chatService.get }),
    leases,
    typing,
    viewers,
  })
  await app.register(notices)
  await app.register(sync, { sync: syncService(db, changesReader, app.epoch) })
}
