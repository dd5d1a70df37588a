import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { ERROR_CODES } from '../errors.ts'
import { ErrorBody } from '../primitives.ts'

/** `/openapi.json` (3.1), made from the schemas of the routes, and `/docs` to read and try it. */
export const openapi = fp(async app => {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Parley',
        version: '1',
        description: `Chat over REST, beside \`GET /api/v1/chat/ws\` for live events. Every error has a code: ${ERROR_CODES.map(code => `\`${code}\``).join(', ')}. ` +
          'Exactly 429 and 503 are worth trying again as they are.',
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ token: [] }],
    },
  })
  app.addHook('onRoute', route => {
    if (route.schema?.response) route.schema.response = { ...route.schema.response, '4xx': ErrorBody, '5xx': ErrorBody }
  })
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}, { name: 'openapi' })
