import type { VNode } from 'preact'
import { html } from '../kit/html.ts'
import { Icon } from '../kit/icons.ts'
import { useLocalPicture } from './file-preview.ts'
import type { LocalMessage } from './session.ts'

type Upload = NonNullable<LocalMessage['uploads']>[number]

/** Files on their way: what they are, and how far they have come. */
export function Uploads ({ uploads }: { uploads: Upload[] }): VNode {
  return html`<ul class="uploads">${uploads.map((upload, index) => html`<${UploadItem} key=${index} upload=${upload} />`)}</ul>`
}

function UploadItem ({ upload: { fileName, size, loaded, file } }: { upload: Upload }): VNode {
  const url = useLocalPicture(file)
  return html`
    <li class="upload">
      ${url === null ? html`<span class="file-mark"><${Icon} name="file" /></span><span class="file-name">${fileName}</span>` : html`<img src=${url} alt=${fileName} />`}
      <progress max=${Math.max(size, 1)} value=${loaded} aria-label=${`Uploading ${fileName}`}></progress>
    </li>`
}
