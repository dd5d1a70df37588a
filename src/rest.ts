import type { FastifyReply } from 'fastify'
import { SharedJson, type EncodedJson } from './json.ts'

/** Sends what PostgreSQL has encoded. It passes by the response schema's serializer: the tests hold it against the schema. */
export function sendJson (reply: FastifyReply, json: EncodedJson): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json instanceof SharedJson ? json.bytes : json.text)
}
