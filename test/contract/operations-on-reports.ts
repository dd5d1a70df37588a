import { message, noMessage } from './inputs.ts'
import type { Operation } from './operations.ts'

const rude = { reason: 'rude' }

export const ON_REPORTS: Operation[] = [
  {
    route: 'POST /messages/{messageId}/report',
    command: 'report_message',
    cases: [
      { as: 'fay', input: message('late', { reason: 'SPAM' }) }, { as: 'lee', input: message('late', rude), prepare: ({ call, late }) => call('lee', 'POST /messages/{messageId}/report', { messageId: late, reason: 'before' }) },
      { as: 'ida', input: ({ also }) => ({ messageId: also, ...rude }) }, { as: 'bob', input: message('late', rude), error: 'TARGET_IS_SELF' }, { as: 'fay', input: message('deleted', rude), error: 'MESSAGE_DELETED' },
      { as: 'fay', input: ({ group }) => ({ messageId: `${group}.1`, ...rude }), error: 'VALIDATION_FAILED' },
      ...[{}, { reason: '' }, { reason: 'x'.repeat(1_001) }, { reason: null }, { ...rude, unknown: 1 }].map(bad => ({ as: 'fay' as const, input: message('late', bad), error: 'VALIDATION_FAILED' as const })),
      ...noMessage(rude),
    ],
  },
]
