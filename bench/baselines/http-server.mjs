// A bare HTTP server: what start-up and resident memory of the command are held against. Plain JavaScript, so that it
// pays for nothing but Node itself.
import { createServer } from 'node:http'

const server = createServer((request, response) => response.end('ok'))
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ listening: server.address().port })))
