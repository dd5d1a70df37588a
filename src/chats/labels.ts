import type { Static } from 'typebox'
import { compile } from '../plugins/validation.ts'
import { Labels } from '../primitives.ts'

const PREFIX = 'label.'
const checkLabels = compile(Labels, 'labels')

/** Gathers the labels of a query, `label.<key>=<value>`, into what a command would say. @throws {ApiError} VALIDATION_FAILED for more than ten */
export function withLabels<Query extends object> (query: Query): Query & { labels?: Static<typeof Labels> } {
  const [labels, others] = [[], []] as [[string, unknown][], [string, unknown][]]
  for (const [name, value] of Object.entries(query)) {
    if (name.startsWith(PREFIX)) labels.push([name.slice(PREFIX.length), value])
    else others.push([name, value])
  }
  return { ...Object.fromEntries(others) as Query, ...(labels.length > 0 && { labels: checkLabels(Object.fromEntries(labels)) }) }
}
