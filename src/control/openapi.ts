import { operations } from './api.ts'
import type { Operation } from './operation.ts'
import type { JsonSchema } from './schema.ts'

const error = {
  type: 'object',
  properties: { error: { $ref: 'node-event.schema.json#/$defs/error' } },
}
const mediaTypes = {
  json: 'application/json',
  lines: 'application/x-ndjson',
  bytes: 'application/octet-stream',
}

/** The OpenAPI 3.1 document of the control API, made from the table that checks every request. */
export function openApi(version: string): JsonSchema {
  return {
    openapi: '3.1.0',
    info: {
      title: 'p2p control API',
      version,
      description: 'Drives a running p2p node. See docs/control.md.',
    },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    security: [{ token: [] }],
    paths: Object.fromEntries([
      ...reads,
      ...pageOperations,
      ...operations.map((one) => [`/v1/${one.name}`, { post: described(one) }]),
    ]),
  }
}

const reads: readonly (readonly [string, JsonSchema])[] = [
  ['/v1/state', { get: read('Everything that lists show.', 'application/json') }],
  [
    '/v1/events',
    {
      get: read(
        'WebSocket: the state, then `{n, event}` for all that happens, `{n, missed}` for what was too much.',
      ),
    },
  ],
  ['/v1/openapi.json', { get: read('This document.', 'application/json') }],
  [
    '/v1/proof',
    {
      get: {
        ...read('Shows that the node knows the token, before it is told it.', 'application/json'),
        security: [],
        parameters: [
          {
            name: 'nonce',
            in: 'query',
            required: true,
            schema: { type: 'string', pattern: '^[0-9a-f]{64}$' },
          },
        ],
      },
    },
  ],
  ['/metrics', { get: read('Figures for Prometheus.', 'text/plain') }],
  ['/healthz', { get: { ...read('Whether the node runs.', 'text/plain'), security: [] } }],
]

/** What is asked of the listeners themselves. */
const pageOperations: readonly (readonly [string, JsonSchema])[] = [
  [
    '/v1/open-page',
    {
      post: posted('open-page', {
        summary: 'Serves the page, and makes a code that lets one browser in; on the socket only.',
        input: { type: 'object', additionalProperties: false },
        output: stringsOf('address', 'code', 'file'),
      }),
    },
  ],
  [
    '/v1/enter',
    {
      post: {
        ...posted('enter', {
          summary: 'The token, for a code; on loopback only.',
          input: { ...stringsOf('code'), additionalProperties: false },
          output: stringsOf('token'),
        }),
        security: [],
      },
    },
  ],
]

function stringsOf(...names: readonly string[]): JsonSchema {
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string' }]))
  return { type: 'object', properties, required: names }
}

function posted(
  operationId: string,
  {
    summary,
    input,
    output,
  }: { readonly summary: string; readonly input: JsonSchema; readonly output: JsonSchema },
): JsonSchema {
  return {
    operationId,
    summary,
    requestBody: { required: true, content: { 'application/json': { schema: input } } },
    responses: answered('application/json', output),
  }
}

function answered(mediaType: string, schema: JsonSchema): JsonSchema {
  return {
    '200': { description: 'Done.', content: { [mediaType]: { schema } } },
    default: { description: 'Why not.', content: { 'application/json': { schema: error } } },
  }
}

function read(summary: string, mediaType?: string): JsonSchema {
  const content = mediaType === undefined ? {} : { content: { [mediaType]: {} } }
  return {
    summary,
    responses: { [mediaType === undefined ? '101' : '200']: { description: summary, ...content } },
  }
}

function described({ name, summary, input, output, takesStream }: Operation): JsonSchema {
  return {
    operationId: name,
    summary,
    ...(takesStream
      ? {
          parameters: [{ name: 'input', in: 'query', content: { 'application/json': { schema: input } } }],
          requestBody: { content: { 'application/octet-stream': {} } },
        }
      : { requestBody: { required: true, content: { 'application/json': { schema: input } } } }),
    responses: answered(mediaTypes[output.kind], output.schema),
  }
}
