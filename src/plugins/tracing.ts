import { setTimeout as delay } from 'node:timers/promises'
import { context } from '@opentelemetry/api'
import fp from 'fastify-plugin'
import type { Config } from '../config.ts'
import { traceWith } from '../tracing.ts'

/** So long a collector that does not answer is waited for at the end. */
const LAST_SPANS_MS = 1_000

/** Traces by OTLP, where they are asked for. What makes them is loaded then, and not before; what else it minds of OpenTelemetry's variables it reads by itself. */
export const tracing = fp<{ config: Config }>(async (app, { config }) => {
  if (!config.tracing) return
  const [{ FastifyOtelInstrumentation }, { BatchSpanProcessor, NodeTracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@fastify/otel'), import('@opentelemetry/sdk-trace-node'), import('@opentelemetry/exporter-trace-otlp-http'), import('@opentelemetry/resources'),
  ])
  const { url, serviceName } = config.tracing
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
  })
  provider.register()
  traceWith(provider.getTracer('parley'))
  app.addHook('onClose', async () => {
    traceWith(undefined)
    await Promise.race([provider.shutdown(), delay(LAST_SPANS_MS, undefined, { ref: false })]).catch((err: unknown) => app.log.warn({ err }, 'the last traces could not be handed over'))
  })

  const requests = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
    ignorePaths: ({ url }) => url.startsWith('/health/') || url === '/metrics' || url === '/api/v1/chat/ws', // a socket's commands have traces of their own
    requestHook: (span, { method, routeOptions: { url: route }, url }) => {
      span.updateName(`${method} ${route ?? ''}`.trimEnd())
      span.setAttribute('url.path', url.split('?', 1)[0] ?? '') // what is asked for may be what people have said, or a signature
    },
  })
  requests.setTracerProvider(provider)
  await app.register(requests.plugin())
  // A body comes by events of its connection, which belong to no request.
  app.addHook('preValidation', (request, _reply, done) => {
    const { context: ofRequest } = request.opentelemetry()
    if (ofRequest) context.with(ofRequest, done)
    else done()
  })
}, { name: 'tracing' })
