import type { Overview } from '../../operator/schemas.ts'
import type { AdminReport, Resolution } from '../../moderation/schemas.ts'

export type { AdminReport, Overview, Resolution }

export interface Reports { data: AdminReport[], users: Record<string, { displayName: string | null } | undefined> }

/** What the server has refused, by its code; or UNREACHABLE. */
export class Refusal extends Error {
  readonly code: string

  constructor (code: string, message: string) {
    super(message)
    this.code = code
  }
}

export type Api = ReturnType<typeof apiWith>

/** The routes for administrators, with the token of one. @throws {Refusal} */
export function apiWith (token: string) {
  async function call<Answer> (method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`/api/v1/chat/admin${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...body && { 'content-type': 'application/json' } },
      ...body && { body: JSON.stringify(body) },
    }).catch(() => { throw new Refusal('UNREACHABLE', 'The server does not answer') })
    const answer = await response.json() as Answer & { code: string, message: string }
    if (!response.ok) throw new Refusal(answer.code, answer.message)
    return answer
  }
  return {
    overview: () => call<Overview>('GET', '/overview'),
    openReports: () => call<Reports>('GET', '/reports?status=OPEN&limit=20'),
    resolve: (reportId: string, resolution: Resolution) => call<object>('POST', `/reports/${encodeURIComponent(reportId)}/resolve`, { resolution }),
  }
}
