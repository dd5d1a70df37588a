import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span, type Tracer } from '@opentelemetry/api'
import { toApiError } from './errors.ts'

// Spans of OpenTelemetry: a request (by @fastify/otel) or a command of a socket, and below it the SQL that is done for it. Tracing is the process', as OpenTelemetry's
// own context is; while it is off (`plugins/tracing.ts`) each of these is one comparison.

let tracer: Tracer | undefined

/** From now on spans are made; undefined: no longer. */
export function traceWith (ours: Tracer | undefined): void {
  tracer = ours
}

/** A command of a socket: the first of its trace. */
export function commandSpan<Result> (type: string, connectionId: string, work: () => Promise<Result>): Promise<Result> {
  return tracer ? within(tracer.startSpan(type, { kind: SpanKind.SERVER, attributes: { 'parley.connection.id': connectionId } }, ROOT_CONTEXT), ROOT_CONTEXT, work) : work()
}

/** What the database does, for something that is under way. What nobody waits for makes no spans. */
export function sqlSpan<Result> (name: string, work: () => Promise<Result>): Promise<Result> {
  if (!tracer || !trace.getActiveSpan()?.isRecording()) return work()
  const attributes: Attributes = { 'db.system.name': 'postgresql', 'db.query.summary': name }
  return within(tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }), context.active(), work)
}

/** For whom this is done; undefined: nobody asks. */
export function currentTrace (): Context | undefined {
  return tracer && context.active()
}

/** What is done together for many: a part of the first one's trace, with links to the others'. */
export function batchSpan<Result> (name: string, traces: (Context | undefined)[], work: () => Promise<Result>): Promise<Result> {
  if (!tracer) return work()
  const [first = ROOT_CONTEXT, ...others] = traces
  if (!trace.getSpan(first)?.isRecording()) return context.with(ROOT_CONTEXT, work)
  const links = others.flatMap(other => (other && trace.getSpanContext(other)) ?? []).map(context => ({ context }))
  return within(tracer.startSpan(name, { links, attributes: { 'parley.batch.size': traces.length } }, first), first, work)
}

async function within<Result> (span: Span, parent: Context, work: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(trace.setSpan(parent, span), work)
  } catch (error) {
    const { code, statusCode } = toApiError(error)
    span.setAttribute('error.type', code)
    if (statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}
