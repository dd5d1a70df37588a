// The names of files in the store.

/** What clients put into the store by themselves, until it is completed. */
export const UPLOADS = 'uploads'

const UPLOAD = /^uploads\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** Bytes by their SHA-256, over 65,536 folders. */
export function keyOfObject (hash: string): string {
  return `objects/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`
}

export function keyOfUpload (id: string): string {
  return `${UPLOADS}/${id}`
}

/** Of whose upload a key is; undefined: of none. */
export function uploadOf (key: string): string | undefined {
  return UPLOAD.exec(key)?.[1]
}
