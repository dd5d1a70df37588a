import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyInstance {
    /** Serves a page of `src/browser` at this path: its HTML as it is written, its script and style as `npm run build` has bundled them. */
    page: (path: string, name: string) => void
  }
}

const ROOT = join(import.meta.dirname, '../..')

/**
 * Scripts and styles are files of ours, and nothing else is one. What people write cannot become either, nor markup: the browser
 * refuses strings that are set as such (Trusted Types). Only pages of ours may frame them: two people stand side by side.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "frame-src 'self'",
  "frame-ancestors 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const TYPES = { html: 'text/html', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' } as const

/** Pages that we serve ourselves. */
export const browser = fp(async app => {
  serve(app, '/pages/icon.svg', 'svg', join(ROOT, 'src/browser/kit/icon.svg'))
  app.decorate('page', (path, name) => {
    serve(app, path, 'html', join(ROOT, 'src/browser', name, 'index.html'))
    serve(app, `/pages/${name}.js`, 'js', join(ROOT, `dist/pages/${name}.js`))
    serve(app, `/pages/${name}.css`, 'css', join(ROOT, `dist/pages/${name}.css`))
  })
}, { name: 'browser' })

function serve (app: FastifyInstance, path: string, type: keyof typeof TYPES, file: string): void {
  let read: Promise<{ body: Buffer, etag: string }> | undefined
  const load = async () => {
    const body = await readFile(file)
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` }
  }
  app.get(path, { schema: { hide: true } }, async (request, reply) => {
    const { body, etag } = await (read ??= load())
    void reply
      .header('etag', etag)
      .header('cache-control', 'no-cache')
      .header('content-security-policy', POLICY)
      .header('permissions-policy', 'camera=(), geolocation=(), microphone=(self)')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    return reply.type(`${TYPES[type]}; charset=utf-8`).send(body)
  })
}
