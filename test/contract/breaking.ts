// What of a newer document breaks clients that were written for an older one. (oasdiff is a program for Go, and openapi-diff and
// @asyncapi/diff know neither OpenAPI 3.1 nor AsyncAPI 3; both documents are JSON Schema for the most part, and so one check does for both.)

type Json = Record<string, unknown>
/** What clients send may be taken more widely; what they are sent may say more. Anything else breaks them. */
type Direction = 'sent by clients' | 'sent to clients'

interface Pair { before: Json, after: Json }

/** @param before @param after two OpenAPI documents, or two AsyncAPI documents @returns one line a change, each naming where it is */
export function breakingChanges (before: Json, after: Json): string[] {
  const comparison = new Comparison({ before, after })
  return 'asyncapi' in before ? comparison.frames() : comparison.routes()
}

class Comparison {
  readonly #documents: Pair
  readonly #changes: string[] = []
  /** Resources that are being, or have been compared: they refer to each other. */
  readonly #seen = new Set<string>()

  constructor (documents: Pair) {
    this.#documents = documents
  }

  routes (): string[] {
    for (const [path, operations] of entries(this.#documents.before.paths)) {
      for (const [method, before] of entries(operations)) {
        const after = at(this.#documents.after, 'paths', path, method)
        const name = `${method.toUpperCase()} ${path}`
        if (!after) this.#changes.push(`${name} has gone`)
        else this.#operation(name, { before, after })
      }
    }
    return this.#changes
  }

  frames (): string[] {
    for (const [name, before] of entries(at(this.#documents.before, 'components', 'messages'))) {
      const after = at(this.#documents.after, 'components', 'messages', name)
      if (!after) this.#changes.push(`${name} has gone`)
      else this.#schema(name, name.startsWith('command.') ? 'sent by clients' : 'sent to clients', { before: before.payload as Json, after: after.payload as Json })
    }
    return this.#changes
  }

  #operation (name: string, { before, after }: Pair): void {
    const [parametersBefore, parametersAfter] = [before, after].map(({ parameters = [] }) => parameters as Json[]) as [Json[], Json[]]
    for (const parameter of parametersBefore) {
      const now = parametersAfter.find(each => each.name === parameter.name && each.in === parameter.in)
      if (!now) this.#changes.push(`${name}: the parameter ${parameter.name} has gone`)
      else this.#schema(`${name} ${parameter.name}`, 'sent by clients', { before: parameter.schema as Json, after: now.schema as Json })
    }
    for (const { name: parameter, required } of parametersAfter) {
      const was = parametersBefore.find(each => each.name === parameter)
      if (required && !was?.required) this.#changes.push(`${name}: the parameter ${parameter} is required now`)
    }
    const [bodyBefore, bodyAfter] = [before, after].map(each => each.requestBody as Json | undefined)
    if (bodyAfter?.required && !bodyBefore?.required) this.#changes.push(`${name}: a body is required now`)
    this.#contents(`${name} body`, 'sent by clients', bodyBefore, bodyAfter)
    for (const [status, answer] of entries(before.responses)) {
      if (Number(status) >= 400) continue
      const now = at(after, 'responses', status)
      if (!now) this.#changes.push(`${name}: the answer ${status} has gone`)
      else this.#contents(`${name} ${status}`, 'sent to clients', answer, now)
    }
  }

  #contents (where: string, direction: Direction, before: Json | undefined, after: Json | undefined): void {
    for (const [type, content] of entries(before?.content)) {
      const now = at(after ?? {}, 'content', type)
      if (!now) this.#changes.push(`${where}: ${type} has gone`)
      else this.#schema(where, direction, { before: content.schema as Json, after: now.schema as Json })
    }
  }

  #schema (where: string, direction: Direction, { before: referringBefore, after: referringAfter }: Pair): void {
    const [before, after] = [this.#resolved('before', referringBefore), this.#resolved('after', referringAfter)]
    const references = `${referringBefore.$ref} ${referringAfter.$ref} ${direction}`
    if (referringBefore.$ref && referringAfter.$ref) {
      if (this.#seen.has(references)) return
      this.#seen.add(references)
      where = String(referringBefore.$ref).split('/').at(-1) ?? where
    }
    this.#types(where, direction, before, after)
    const [alternativesBefore, alternativesAfter] = [alternativesOf(before), alternativesOf(after)]
    const lost = alternativesAfter.length - alternativesBefore.length
    if (direction === 'sent by clients' ? lost < 0 : lost > 0 && alternativesBefore.length > 1) this.#changes.push(`${where}: other alternatives than before (${direction})`)
    for (const [index, alternative] of alternativesBefore.entries()) {
      const now = alternativesAfter[index]
      if (now && alternative !== before) this.#schema(where, direction, { before: alternative, after: now })
    }
    this.#properties(where, direction, { before, after })
    if (before.items && after.items) this.#schema(`${where}[]`, direction, { before: before.items as Json, after: after.items as Json })
    const [otherBefore, otherAfter] = [before, after].map(({ additionalProperties, patternProperties }) => additionalProperties && typeof additionalProperties === 'object' ? additionalProperties : Object.values(patternProperties ?? {})[0])
    if (otherBefore && otherAfter) this.#schema(`${where}.*`, direction, { before: otherBefore as Json, after: otherAfter as Json })
  }

  #types (where: string, direction: Direction, before: Json, after: Json): void {
    const [typesBefore, typesAfter] = [before, after].map(schema => this.#typesOf(schema)) as [string[], string[]]
    const [wide, narrow] = direction === 'sent by clients' ? [typesAfter, typesBefore] : [typesBefore, typesAfter]
    const added = wide.includes('any') ? [] : narrow.filter(type => !wide.includes(type))
    if (added.length > 0) this.#changes.push(`${where}: was ${typesBefore.join(' or ')}, is ${typesAfter.join(' or ')} (${direction})`)
    if (direction === 'sent to clients') return
    const [allowedBefore, allowedAfter] = [valuesOf(before), valuesOf(after)]
    const refused = allowedAfter && (allowedBefore?.filter(value => !allowedAfter.includes(value)) ?? ['other values'])
    if (refused && refused.length > 0) this.#changes.push(`${where}: ${refused.join(', ')} not taken any more`)
    for (const [keyword, isTighter] of Object.entries(LIMITS)) {
      const [was, is] = [before[keyword], after[keyword]] as (number | undefined)[]
      if (is !== undefined && (was === undefined ? isTighter(is, keyword.startsWith('max') ? Infinity : 0) : isTighter(is, was))) this.#changes.push(`${where}: ${keyword} was ${was ?? 'not set'}, is ${is}`)
    }
  }

  #typesOf (schema: Json): string[] {
    const resolved = alternativesAndNull(schema).map(each => each.$ref ? 'object' : String(each.type ?? (Array.isArray(each.enum) ? typeof each.enum[0] : 'const' in each ? typeof each.const : 'any')))
    return [...new Set(resolved.map(type => type === 'integer' ? 'number' : type))].sort()
  }

  #properties (where: string, direction: Direction, { before, after }: Pair): void {
    const [requiredBefore, requiredAfter] = [before, after].map(({ required = [] }) => required as string[]) as [string[], string[]]
    for (const [name, property] of entries(before.properties)) {
      const now = at(after, 'properties', name)
      if (!now) this.#changes.push(`${where}.${name} has gone (${direction})`)
      else this.#schema(`${where}.${name}`, direction, { before: property, after: now })
    }
    if (direction === 'sent by clients') {
      for (const name of requiredAfter) if (!requiredBefore.includes(name)) this.#changes.push(`${where}.${name} is required now`)
    } else {
      for (const name of requiredBefore) if (!requiredAfter.includes(name) && at(after, 'properties', name)) this.#changes.push(`${where}.${name} may be missing now`)
    }
  }

  #resolved (which: keyof Pair, schema: Json): Json {
    if (typeof schema.$ref !== 'string') return schema
    return at(this.#documents[which], ...schema.$ref.slice(2).split('/')) ?? {}
  }
}

const tighterAbove = (is: number, was: number): boolean => is < was
const tighterBelow = (is: number, was: number): boolean => is > was
const LIMITS: Record<string, (is: number, was: number) => boolean> = {
  maximum: tighterAbove, maxLength: tighterAbove, maxItems: tighterAbove, maxProperties: tighterAbove, minimum: tighterBelow, minLength: tighterBelow, minItems: tighterBelow, minProperties: tighterBelow,
}

/** (An object whose oneOf only says which properties are needed is one alternative.) */
function alternativesAndNull (schema: Json): Json[] {
  const alternatives = (schema.anyOf ?? (schema.properties ? undefined : schema.oneOf)) as Json[] | undefined
  return alternatives ?? [schema]
}

const alternativesOf = (schema: Json): Json[] => alternativesAndNull(schema).filter(({ type }) => type !== 'null')

function valuesOf (schema: Json): unknown[] | undefined {
  if ('const' in schema) return [schema.const]
  return schema.enum as unknown[] | undefined
}

const entries = (value: unknown): [string, Json][] => Object.entries((value ?? {}) as Record<string, Json>)

function at (value: unknown, ...path: string[]): Json | undefined {
  return path.reduce<unknown>((inner, key) => typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? (inner as Json)[key] : undefined, value) as Json | undefined
}
