// What history is held against: node:http and pg, the rows made JSON by PostgreSQL and handed on as they come. A process of its own.
import { createServer } from 'node:http'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL ?? '', max: 10 })
const text = 'SELECT json_agg(m ORDER BY m.seq)::text AS page FROM (SELECT * FROM chat.chat_message WHERE chat_id = $1 ORDER BY seq DESC LIMIT 50) m'

createServer((request, response) => {
  pool.query<{ page: string }>({ name: 'page', text, values: [request.url?.slice(1)] }).then(
    ({ rows }) => { response.setHeader('content-type', 'application/json; charset=utf-8').end(rows[0]?.page) },
    (error: unknown) => { response.writeHead(500).end(String(error)) })
}).listen(Number(process.env.PORT), '127.0.0.1')
