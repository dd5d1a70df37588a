import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { ByteRange, Storage } from './storage.ts'

export interface S3Options {
  bucket: string
  region: string
  /** null: Amazon's own. */
  endpoint: string | null
  /** null: whatever the SDK finds in its surroundings (roles, profiles). */
  credentials: { accessKeyId: string, secretAccessKey: string } | null
  /** The bucket in the path, not in the host's name: most stores but Amazon's. */
  forcePathStyle: boolean
}

/** Two parts are in memory at a time. */
const PART_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 2
/** Of an upload in parts. */
const MAX_PARTS = 10_000
/** A store that says nothing for so long is not waited for: less than the database waits for whoever holds a lock meanwhile. */
const SILENCE_MS = 8_000

/** Any store that speaks S3. An object is there whole or not at all by the protocol; large files go in parts. */
export function s3Storage ({ bucket, region, endpoint, credentials, forcePathStyle }: S3Options): Storage {
  const client = new S3Client({
    region,
    forcePathStyle,
    ...(endpoint !== null && { endpoint }),
    ...(credentials && { credentials: { ...credentials } }), // (it notes something in there)
    // The newer checksums are understood by few but Amazon.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: 3_000, socketTimeout: SILENCE_MS },
  })
  const at = (key: string) => ({ Bucket: bucket, Key: key })

  async function read (key: string, range?: ByteRange): Promise<Readable | undefined> {
    const found = await ifThere(client.send(new GetObjectCommand({ ...at(key), ...(range && { Range: `bytes=${range.start}-${range.end}` }) })))
    if (!found) return undefined
    if (!(found.Body instanceof Readable)) throw new Error('The store has answered without a body')
    return found.Body
  }

  return {
    prepare: async () => {},

    async put (key, path) {
      const { size } = await stat(path)
      const upload = new Upload({
        client,
        params: { ...at(key), Body: createReadStream(path) },
        partSize: Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS)),
        queueSize: PARTS_AT_ONCE,
      })
      await upload.done()
    },

    async size (key) {
      const found = await ifThere(client.send(new HeadObjectCommand(at(key))))
      return found && (found.ContentLength ?? 0)
    },

    read,
    readToPipe: read,

    async remove (key) {
      await ifThere(client.send(new DeleteObjectCommand(at(key))))
    },

    async * list (folder) {
      for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${folder}/` })) {
        for (const { Key, LastModified } of Contents) if (Key !== undefined && LastModified) yield { key: Key, changedAt: LastModified }
      }
    },

    async uploadTarget (key, { size, seconds }) {
      const command = new PutObjectCommand({ ...at(key), ContentLength: size })
      const url = await getSignedUrl(client, command, { expiresIn: seconds, signableHeaders: new Set(['host', 'content-length']) })
      return { url, headers: { 'content-length': String(size) } }
    },

    close: async () => client.destroy(),
  }
}

async function ifThere<Result> (result: Promise<Result>): Promise<Result | undefined> {
  try {
    return await result
  } catch (error) {
    if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404) return undefined
    throw error
  }
}
