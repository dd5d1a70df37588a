// What a node asks a server to be told of.
import t, { type Test } from 'tap'
import { Subscriptions } from '../../src/realtime/bus/subscriptions.ts'
import { partitionOf, type Topic } from '../../src/realtime/bus/topics.ts'

function make (_t: Test, { byPartition = false } = {}) {
  const commands: string[] = []
  const failures: unknown[] = []
  const heard: Topic[] = []
  const server = { fails: false }
  const say = (name: string) => async (channels: string[]) => {
    commands.push(`${name} ${channels.join(' ')}`)
    if (server.fails) throw new Error('refused')
  }
  const subscriptions = new Subscriptions({ channelOf: topic => topic, subscribe: say('+'), unsubscribe: say('-'), byPartition, onHeard: topics => heard.push(...topics), onFailed: error => failures.push(error) })
  return { subscriptions, commands, failures, heard, server }
}

const turns = async () => { for (let n = 0; n < 4; n++) await new Promise(resolve => setImmediate(resolve)) }

t.test('what is asked for in a turn is one command; who asks waits for it', async t => {
  const { subscriptions, commands } = make(t)
  await subscriptions.linked()
  await Promise.all([subscriptions.add(['chat:a', 'chat:b']), subscriptions.add(['user:c', 'chat:a'])])
  t.strictSame(commands, ['+ chat:a chat:b user:c'])
  await subscriptions.add(['chat:a'])
  t.equal(commands.length, 1, 'it is heard already')
})

t.test('what is wanted and then not, or the other way round, is nothing to be said', async t => {
  const { subscriptions, commands } = make(t)
  await subscriptions.linked()
  const added = subscriptions.add(['chat:a'])
  subscriptions.remove(['chat:a'])
  await added
  await turns()
  t.strictSame(commands, [])
  await subscriptions.add(['chat:b'])
  subscriptions.remove(['chat:b'])
  await subscriptions.add(['chat:b'])
  t.strictSame(commands, ['+ chat:b'])
  subscriptions.remove(['chat:b'])
  await turns()
  t.strictSame(commands, ['+ chat:b', '- chat:b'])
})

t.test('without a link nobody waits; with it everything is asked for again', async t => {
  const { subscriptions, commands, heard } = make(t)
  await subscriptions.add(['chat:a'])
  t.strictSame([commands, heard], [[], []])
  await subscriptions.linked()
  subscriptions.lost()
  await subscriptions.add(['chat:b'])
  await subscriptions.linked()
  t.strictSame(commands, ['+ chat:a', '+ chat:a chat:b'])
  t.strictSame(heard, ['chat:a', 'chat:a', 'chat:b'], 'what is heard is told each time that it begins')
})

t.test('a command that fails: nobody waits for ever, and it is told, once', async t => {
  const { subscriptions, commands, failures, server } = make(t)
  await subscriptions.linked()
  server.fails = true
  await subscriptions.add(['chat:a'])
  t.equal(failures.length, 1)
  await subscriptions.add(['chat:b'])
  t.equal(commands.length, 1, 'until the link is made anew')
  server.fails = false
  await subscriptions.linked()
  t.equal(commands.at(-1), '+ chat:a chat:b')
})

t.test('in a cluster a command names topics of one partition; and never too many', async t => {
  const topics = Array.from({ length: 1200 }, (_, n): Topic => `chat:${n}`)
  const { subscriptions, commands } = make(t, { byPartition: true })
  await subscriptions.linked()
  await subscriptions.add(topics)
  for (const command of commands) t.equal(new Set(command.slice(2).split(' ').map(topic => partitionOf(topic as Topic))).size, 1)
  const { subscriptions: alone, commands: few } = make(t)
  await alone.linked()
  await alone.add(topics)
  t.strictSame(few.map(command => command.split(' ').length - 1), [500, 500, 200])
})

t.end()
