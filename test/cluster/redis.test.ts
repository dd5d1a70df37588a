import t from 'tap'
import { startNodes } from '../helpers/nodes.ts'
import type { Parley } from '../helpers/parley.ts'
import { redisSettings } from '../helpers/redis.ts'
import { chaosTest } from './chaos.ts'
import { nodesTests } from './nodes.ts'

const settings = await redisSettings(t)
if (settings) {
  nodesTests(t, { BUS: 'redis', ...settings })
  chaosTest(t, { BUS: 'redis', ...settings })
} else t.pass('left out')

if (settings) {
  t.test('requests are counted together', async t => {
    const nodes = await startNodes(t, 2, { BUS: 'redis', ...settings, RATE_LIMIT_REQUESTS: '16' })
    const ask = ({ url, token }: Parley) => fetch(`${url}/api/v1/chat/me`, { headers: { authorization: `Bearer ${token('alice')}` } })
    await Promise.all(nodes.map(node => fetch(`${node.url}/api/v1/chat/me`, { headers: { authorization: `Bearer ${node.token('bob')}` } }))) // connections are there
    const answers = await Promise.all(Array.from({ length: 32 }, (_, n) => ask(nodes[n % 2] as Parley)))
    t.ok(answers.some(({ status }) => status === 429), 'each node by itself would have answered all of its 16')
    t.ok(answers.some(({ status }) => status === 200))
  })
}
