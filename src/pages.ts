import { ApiError } from './errors.ts'

/** Keyset cursors, opaque to clients: the sort key of the last row of a page. */
export function encodeCursor (key: object): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

/** @throws {ApiError} VALIDATION_FAILED unless it is a cursor that `check` knows as its own */
export function decodeCursor<Key> (cursor: string | undefined, check: (value: unknown) => Key): Key | undefined {
  if (cursor === undefined) return undefined
  try {
    return check(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch (cause) {
    throw new ApiError('VALIDATION_FAILED', 'cursor is not one of ours', { details: { field: 'cursor' }, cause })
  }
}

/** Of one row more than the page holds: the page, and where it goes on. */
export function toPage<Row, Item> (rows: Row[], limit: number, item: (row: Row) => Item, key: (row: Row) => object): { data: Item[], nextCursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { data: page.map(item), nextCursor: rows.length > limit && last ? encodeCursor(key(last)) : null }
}
