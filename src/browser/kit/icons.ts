import type { VNode } from 'preact'
import { html } from './html.ts'

/** On a grid of 20, drawn as lines. */
const PATHS = {
  archive: 'M3 4h14v4H3zM4.5 8v8h11V8M8 11h4',
  attach: 'M15.5 9.5l-5.6 5.6a3.5 3.5 0 0 1-5-5l6-6a2.4 2.4 0 0 1 3.4 3.4l-5.9 5.9a1.2 1.2 0 0 1-1.7-1.7l5.2-5.2',
  back: 'M12 4l-6 6 6 6',
  bell: 'M5 14h10l-1.4-2V8.6a3.6 3.6 0 0 0-7.2 0V12zM8.6 16.4a1.6 1.6 0 0 0 2.8 0',
  block: 'M10 3.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6M5.3 5.3l9.4 9.4',
  close: 'M5 5l10 10M15 5L5 15',
  cut: 'M3 10h4M13 10h4M8.5 6.5l3 7',
  down: 'M5 8l5 5 5-5',
  edit: 'M4 16l.8-3.4 8.4-8.4 2.6 2.6-8.4 8.4zM11.6 5.8l2.6 2.6',
  file: 'M6 2.8h5.2l3.8 3.8v10.6H6zM11 3v4h4',
  group: 'M7.4 9.6a2.6 2.6 0 1 0 0-5.2a2.6 2.6 0 1 0 0 5.2M2.6 16c.2-2.8 2-4.4 4.8-4.4s4.6 1.6 4.8 4.4M13 9.4a2.2 2.2 0 1 0-.6-4.3M14 11.8c2 .2 3.2 1.700 3.400 4.200',
  info: 'M10 3.2a6.8 6.8 0 1 0 0 13.6a6.8 6.8 0 1 0 0-13.6M10 9.2v4.2M10 6.6v.2',
  mic: 'M10 3a2.2 2.2 0 0 0-2.200 2.200v4a2.200 2.200 0 0 0 4.400 0v-4A2.200 2.200 0 0 0 10 3M5 9.200a5 5 0 0 0 10 0M10 14.200V17',
  more: 'M4.800 10v.01M10 10v.01M15.200 10v.01',
  pause: 'M7.200 5v10M12.800 5v10',
  pin: 'M7 3.500h6l-.8 4.500 2.800 3H5l2.800-3zM10 11v5.500',
  play: 'M6.500 4.500l9 5.500-9 5.500z',
  plus: 'M10 4v12M4 10h12',
  reply: 'M8 5L3.500 9.500 8 14M4 9.500h7a5 5 0 0 1 5 5',
  retry: 'M15.500 10a5.500 5.500 0 1 1-1.700-4M15.500 3v3.500H12',
  search: 'M9 3.500a5.500 5.500 0 1 0 0 11a5.500 5.500 0 1 0 0-11M13 13l4 4',
  send: 'M3.500 10L16.500 4l-3.500 12.500-3.500-5zM9.500 11.500L16.500 4',
  smile: 'M10 3.200a6.800 6.800 0 1 0 0 13.600a6.800 6.800 0 1 0 0-13.600M7.500 8v.3M12.500 8v.3M7 11.800c1.600 2 4.400 2 6 0',
  stop: 'M6 6h8v8H6z',
  trash: 'M4 6h12M8 6V4h4v2M5.500 6l.8 10.500h7.400L14.500 6',
} as const

export type IconName = keyof typeof PATHS

/** For the eye alone: what it stands for is said by the label of its button. */
export function Icon ({ name }: { name: IconName }): VNode {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d=${PATHS[name]} /></svg>`
}
