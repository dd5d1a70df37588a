import fastJsonStringify, { type AnySchema } from 'fast-json-stringify'
import fp from 'fastify-plugin'

type Serialize = (value: unknown) => string

const serializers = new WeakMap<object, Serialize>()

/** Most answers of the API share their schema with others, all of them that of errors. Compiling each once is most of a fast start. */
export const serialization = fp(async app => {
  app.setSerializerCompiler<AnySchema & object>(({ schema }) => {
    const serialize = serializers.get(schema) ?? fastJsonStringify(schema)
    serializers.set(schema, serialize)
    return serialize
  })
}, { name: 'serialization' })
