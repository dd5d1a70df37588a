import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import type { Config } from '../config.ts'
import { diskStorage } from '../media/storage/disk.ts'
import { s3Storage } from '../media/storage/s3.ts'
import type { Finding } from './doctor.ts'

const PATIENCE_MS = 5_000
const OLDEST_REDIS = 7

export async function checkTokens ({ jwt, database }: Config): Promise<Finding> {
  if (jwt.secret) return { state: 'ok', detail: 'checked with JWT_SECRET (HS256)' }
  if (jwt.publicKey) return { state: 'ok', detail: 'checked with JWT_PUBLIC_KEY' }
  if (jwt.jwksUrl === null) return { state: database.url ? 'fault' : 'ok', detail: 'checked with the secret in DATA_DIR, for development' }
  const advice = 'JWKS_URL has to answer with { "keys": [ … ] } from here: mend it, or the way there'
  try {
    const response = await fetch(jwt.jwksUrl, { signal: AbortSignal.timeout(PATIENCE_MS) })
    const { keys } = response.ok ? await response.json() as { keys?: unknown[] } : {}
    if (!Array.isArray(keys) || keys.length === 0) return { state: 'fault', detail: `there are no keys at ${jwt.jwksUrl} (${response.status})`, advice }
    return { state: 'ok', detail: `checked with ${keys.length} keys of ${jwt.jwksUrl}` }
  } catch (error) {
    return { state: 'fault', detail: `${jwt.jwksUrl}: ${((error as Error).cause as Error | undefined)?.message || (error as Error).message}`, advice }
  }
}

export async function checkRedis ({ bus, redis }: Config): Promise<Finding> {
  if (redis === null) return { state: 'ok', detail: `not used: BUS=${bus}${bus === 'memory' ? ', for one process' : ''}` }
  const { host } = new URL(redis.url)
  const client = new Redis(redis.url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null, connectTimeout: PATIENCE_MS, commandTimeout: PATIENCE_MS, connectionName: 'parley doctor' })
  let failure: Error | undefined
  client.on('error', (error: Error) => { failure = error })
  try {
    await client.connect()
    const info = await client.info('server')
    const version = /redis_version:(\S+)/.exec(info)?.[1] ?? '0'
    const isCluster = /redis_mode:cluster/.test(info)
    if (Number.parseInt(version) < OLDEST_REDIS) return { state: 'fault', detail: `${host} speaks as Redis ${version}`, advice: 'take Redis 7 or later, or Valkey 8 or later' }
    if (isCluster !== redis.isCluster) return { state: 'fault', detail: `${host} is ${isCluster ? '' : 'not '}one of a cluster`, advice: `REDIS_CLUSTER=${isCluster ? 'on' : 'off'}` }
    return { state: 'ok', detail: `${host} speaks as Redis ${version}` }
  } catch (error) {
    const { message, code } = (failure ?? error) as Error & { code?: string }
    return { state: 'fault', detail: `REDIS_URL: ${host}: ${message || code}`, advice: 'start it, or mend host, port and password in REDIS_URL. Without it messages are still kept, and other nodes hear of them within 2 s' }
  } finally {
    client.disconnect()
  }
}

/** Puts a few bytes there, reads them, and takes them out again. */
export async function checkStorage ({ media }: Config): Promise<Finding> {
  const where = media.s3 === null ? media.dir : `the bucket ${media.s3.bucket}`
  const storage = media.s3 === null ? diskStorage(media.dir) : s3Storage(media.s3)
  const folder = await mkdtemp(join(tmpdir(), 'parley-doctor-'))
  const [key, said] = [`doctor/${randomUUID()}`, 'Parley was here']
  try {
    const file = join(folder, 'probe')
    await writeFile(file, said)
    await storage.put(key, file)
    const stream = await storage.read(key)
    const read = stream && await text(stream)
    await storage.remove(key)
    if (read !== said) return { state: 'fault', detail: `${where} gives back something else than was put there`, advice: 'look whether something changes files on their way' }
    return { state: 'ok', detail: `${where} takes, gives back and deletes files` }
  } catch (error) {
    const { message, name, code } = error as Error & { code?: string }
    return {
      state: 'fault',
      detail: `${where}: ${message || code || name}`,
      advice: media.s3 === null ? 'MEDIA_DIR has to be a folder that this user can write to' : 'mend S3_ENDPOINT, S3_BUCKET, S3_REGION and the keys; they need s3:PutObject, GetObject, DeleteObject and ListBucket',
    }
  } finally {
    await storage.close()
    await rm(folder, { recursive: true })
  }
}
