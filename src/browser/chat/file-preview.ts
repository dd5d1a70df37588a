import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { fileSize } from '../kit/format.ts'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'

/** Kinds of pictures that the server takes; others are shown as files. */
const PICTURES = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp', 'image/avif'])

/** A URL of a file on this machine, for as long as it is drawn; null for what is no picture. */
export function useLocalPicture (file: Blob): string | null {
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    if (!PICTURES.has(file.type)) return
    const made = URL.createObjectURL(file)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [file])
  return url
}

/** A file that has been chosen and not sent. */
export function FilePreview ({ file, onRemove }: { file: File, onRemove: () => void }): VNode {
  const url = useLocalPicture(file)
  return html`
    <li class="chosen-file">
      ${url === null ? html`<span class="file-mark"><${Icon} name="file" /></span>` : html`<img src=${url} alt="" />`}
      <span class="file-name">${file.name}<span class="file-size">${fileSize(file.size)}</span></span>
      <button type="button" class="icon-button" aria-label=${`Remove ${file.name}`} onClick=${onRemove}><${Icon} name="close" /></button>
    </li>`
}
