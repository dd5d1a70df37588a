import type { Parley } from '../helpers/parley.ts'
import { request } from '../helpers/live.ts'
import type { CommandResult } from '../../src/contract.ts'

export type Results = CommandResult<'search'>

export interface Search { chatId?: string, [parameter: string]: string | number | boolean | undefined }

/** In a chat, or everywhere. */
export function search (parley: Parley, userId: string, q: string, { chatId, ...parameters }: Search = {}): Promise<Results> {
  const query = new URLSearchParams(Object.entries({ q, ...parameters }).map(([name, value]): [string, string] => [name, String(value)]))
  return request<Results>(parley, userId, 'GET', `${chatId === undefined ? '' : `/sessions/${chatId}`}/search?${query}`)
}

/** What the hits say, in their order. */
export async function textsOf (parley: Parley, userId: string, q: string, parameters?: Search): Promise<(string | null)[]> {
  return (await search(parley, userId, q, parameters)).data.map(({ message }) => message.content)
}

/** All pages, each of `limit`. */
export async function allPages (parley: Parley, userId: string, q: string, parameters: Search, between: () => Promise<unknown> = async () => {}): Promise<Results['data'][]> {
  const pages: Results['data'][] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Results = await search(parley, userId, q, { ...parameters, ...(cursor !== '' && { cursor }) })
    pages.push(page.data)
    cursor = page.nextCursor
    await between()
  }
  return pages
}

/** Until a search finds as many: what an application has sent by SQL is indexed a moment later. */
export async function untilFound (parley: Parley, userId: string, q: string, count: number, parameters?: Search): Promise<Results> {
  for (;;) {
    const found = await search(parley, userId, q, parameters)
    if (found.data.length === count) return found
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
