import { DURABLE } from './asyncapi.ts'
import type { Json } from './references.ts'

// The WebSocket reference: one page made of the AsyncAPI document, without a script in it.

interface Operation { action: 'receive' | 'send', title: string, summary: string, description?: string, tags: { name: string }[], 'x-error-codes'?: string[] }
interface Message { name: string, payload: Json, examples: { payload: unknown }[] }
interface Document { info: { title: string, description: string, tags: { name: string, description: string }[] }, operations: Record<string, Operation>, components: { messages: Record<string, Message>, schemas: Record<string, Json> } }

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 7%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1rem 1.25rem 4rem }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem } h3 { margin: 1.5rem 0 .5rem }
code, pre { font: .9em/1.45 ui-monospace, monospace } pre { background: var(--soft); border-radius: .4rem; overflow-x: auto; padding: .75rem }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: 0 .75rem } details[open] { padding-bottom: .5rem }
summary { cursor: pointer; padding: .5rem 0 } table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top }
nav a { display: inline-block; margin-right: .9rem }`

/** @param document `/asyncapi.json` @returns HTML */
export function webSocketPage (document: Json): string {
  const { info, operations, components } = document as unknown as Document
  const all = Object.entries(operations)
  const sections = info.tags.map(({ name, description }) => {
    const ofTag = all.filter(([, { tags }]) => tags[0]?.name === name)
    const list = (action: Operation['action'], title: string) => {
      const those = ofTag.filter(([, operation]) => operation.action === action)
      return those.length === 0 ? '' : `<h3>${title}</h3>${those.map(([id, operation]) => entry(id, operation, components.messages)).join('')}`
    }
    return `<section id="${escape(name)}"><h2>${escape(name)}</h2><p>${inline(description)}</p>${list('receive', 'Commands')}${list('send', 'Events')}</section>`
  })
  const resources = Object.entries(components.schemas).map(([name, schema]) => `<details id="schema-${escape(name)}"><summary><code>${escape(name)}</code></summary>${fields(schema)}${code(examplesOf(schema))}</details>`)
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(info.title)}</title><style>${STYLE}</style></head><body>
<h1>${escape(info.title)}</h1><p><a href="/docs">REST</a> · <a href="/asyncapi.json">asyncapi.json</a></p>
<nav aria-label="Sections">${[...info.tags.map(({ name }) => name), 'resources'].map(name => `<a href="#${escape(name)}">${escape(name)}</a>`).join('')}</nav>
${blocks(info.description)}${sections.join('')}<section id="resources"><h2>resources</h2>${resources.join('')}</section></body></html>`
}

function entry (id: string, { action, title, summary, description, 'x-error-codes': errors = [] }: Operation, messages: Document['components']['messages']): string {
  const isCommand = action === 'receive'
  const [main, reply] = isCommand ? [messages[`command.${title}`], messages[`reply.${title}`]] : [messages[title === 'error' ? 'error' : `event.${title}`]]
  const kept = !isCommand && DURABLE.has(title) ? ' <small>(has a revision)</small>' : ''
  return `<details id="${escape(id)}"><summary><code>${escape(title)}</code>${kept} ${inline(summary)}</summary>` +
    (description ? `<p>${inline(description)}</p>` : '') + part(main) +
    (reply ? `<p>Reply: <code>${escape(reply.name)}</code></p>${part(reply)}` : '') +
    (errors.length > 0 ? `<p>Errors: ${errors.map(code => `<code>${escape(code)}</code>`).join(' ')}</p>` : '') + '</details>'
}

function part (message: Message | undefined): string {
  if (!message) return ''
  const { data, error } = message.payload.properties as Record<string, Json>
  return fields(data ?? error ?? {}) + code(message.examples[0]?.payload)
}

/** The properties of an object as a table; of several that it can be, of each. */
function fields (schema: Json): string {
  const alternatives = (schema.anyOf ?? (schema.properties ? undefined : schema.oneOf)) as Json[] | undefined
  if (alternatives) return alternatives.map(fields).join('<p>or</p>')
  const { properties, required = [] } = schema as { properties?: Record<string, Json>, required?: string[] }
  if (!properties) return schema.$ref ? `<p>${typeOf(schema)}</p>` : ''
  const rows = Object.entries(properties).map(([name, property]) =>
    `<tr><td><code>${escape(name)}</code>${required.includes(name) ? '' : ' <small>optional</small>'}</td><td>${typeOf(property)}</td><td>${inline(String(property.description ?? ''))}</td></tr>`)
  return rows.length === 0 ? '' : `<table><thead><tr><th>data</th><th>type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function typeOf (schema: Json): string {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1) ?? ''
    return `<a href="#schema-${escape(name)}">${escape(name)}</a>`
  }
  if ('const' in schema) return `<code>${escape(JSON.stringify(schema.const))}</code>`
  if (Array.isArray(schema.enum)) return schema.enum.map(value => `<code>${escape(String(value))}</code>`).join(' | ')
  const alternatives = (schema.anyOf ?? schema.oneOf) as Json[] | undefined
  if (alternatives && schema.type !== 'object') return alternatives.map(typeOf).join(' | ')
  if (schema.type === 'array') return `${typeOf(schema.items as Json)}[]`
  return escape(String(schema.type ?? 'any'))
}

const examplesOf = ({ examples }: Json): unknown => (examples as unknown[] | undefined)?.[0]
const code = (value: unknown): string => value === undefined ? '' : `<pre>${escape(JSON.stringify(value, null, 2))}</pre>`

/** Paragraphs and lists. */
const blocks = (text: string): string => text.split('\n\n').map(block => block.startsWith('- ')
  ? `<ul>${block.split('\n').map(line => `<li>${inline(line.slice(2))}</li>`).join('')}</ul>`
  : `<p>${inline(block)}</p>`).join('')

/** Backticks and asterisks, as in the documents' Markdown. */
const inline = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>').replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')

const escape = (text: string): string => text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
