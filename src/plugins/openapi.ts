import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { asyncApiDocument } from '../documents/asyncapi.ts'
import { DESCRIPTION, openApiDocument, type DocumentedRoute } from '../documents/openapi.ts'
import type { Json } from '../documents/references.ts'
import { webSocketPage } from '../documents/websocket-page.ts'
import { VERSION } from '../documents/texts.ts'
import type { ErrorCode } from '../errors.ts'
import { ErrorBody } from '../primitives.ts'

declare module 'fastify' {
  interface FastifySchema {
    /** What it can be refused for, beside what any request can. Not given: as the command whose name is the operationId. */
    errors?: readonly ErrorCode[]
  }
  interface FastifyInstance {
    /** `/asyncapi.json`, once the server is ready. */
    asyncApi: () => Json
  }
}

/** What Swagger UI needs, and no host but ours. Unlike its own policy it does not send plain HTTP to HTTPS, which nobody may be listening on. */
const POLICY = "default-src 'self'; base-uri 'self'; frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; style-src 'self' 'unsafe-inline'"

/** `/openapi.json` (3.1) and `/asyncapi.json` (3.0), made from the schemas of the slices; `/docs` to read and try them, `/docs/websocket` for the socket. */
export const openapi = fp(async app => {
  const routes: DocumentedRoute[] = []
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Parley', version: VERSION, description: DESCRIPTION, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/', description: 'This server' }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of a user, signed by your application. Below /admin also a key of SERVER_API_KEY.' } } },
      security: [{ token: [] }],
    },
    transformObject: document => 'openapiObject' in document ? openApiDocument(document.openapiObject as Json, routes) : document.swaggerObject,
  })
  app.addHook('onRoute', route => {
    if (!route.schema?.response) return
    routes.push({ url: route.url, methods: [route.method].flat(), schema: { ...route.schema } })
    route.schema.response = { ...route.schema.response, '4xx': ErrorBody, '5xx': ErrorBody }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: POLICY,
    uiConfig: { persistAuthorization: true, docExpansion: 'list', displayRequestDuration: true, filter: true },
    theme: { title: 'Parley' },
  })

  let asyncApi: Json | undefined
  app.decorate('asyncApi', () => {
    asyncApi ??= asyncApiDocument(app.swagger() as unknown as Json)
    return asyncApi
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/asyncapi.json', { schema: { hide: true } }, async () => app.asyncApi())
  app.get('/docs/websocket', { schema: { hide: true } }, async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'").send(webSocketPage(app.asyncApi())))
}, { name: 'openapi' })
