import t from 'tap'
import { redisSettings } from '../helpers/redis.ts'
import { chaosTest } from './chaos.ts'
import { nodesTests } from './nodes.ts'

const settings = await redisSettings(t)
if (settings) {
  nodesTests(t, { BUS: 'redis', ...settings })
  chaosTest(t, { BUS: 'redis', ...settings })
} else t.pass('left out')
