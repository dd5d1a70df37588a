import type { Node, Place } from '../scene/place.ts'

export function anyNode ({ nodes, random }: Pick<Place, 'nodes' | 'random'>): Node {
  return nodes[Math.floor(random() * nodes.length)] as Node
}
