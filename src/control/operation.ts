import type { P2PNode } from '../index.ts'
import { object, type JsonSchema, type Schema } from './schema.ts'

/** What a face can ask of a node: one row of the table that serves, checks and documents the control API. */
export interface Operation {
  readonly name: string
  readonly summary: string
  readonly input: JsonSchema
  /** A definition of docs/node-event.schema.json, or a list of them; 'none' answers `{}`. */
  readonly output: Output
  /** Whether the body is a stream of bytes; its input stands in the query then. */
  readonly takesStream: boolean
  /** Whether lists may have changed that no event tells of. */
  readonly changesSilently: boolean
  /** Bytes that the body may have, when not `limits.controlBodyBytes`. */
  readonly bodyBytes?: number
  /** @throws P2PError `usage` when the input is not as the schema says; and like the call itself */
  call(node: P2PNode, request: OperationRequest): Promise<Answer> | Answer
}

interface OperationRequest {
  readonly input: unknown
  readonly body: AsyncIterable<Uint8Array>
  /** Aborts when whoever asked has gone. */
  readonly signal: AbortSignal
}

/** One JSON value, or what is written as it comes: lines of JSON, or bytes. */
export type Answer =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> }
  | { readonly kind: 'bytes'; readonly bytes: AsyncIterable<Uint8Array> }

interface Output {
  readonly kind: 'json' | 'lines' | 'bytes'
  readonly schema: JsonSchema
}

interface Told<Input> {
  readonly name: string
  readonly summary: string
  readonly input?: Schema<Input>
  readonly output?: JsonSchema
  readonly changesSilently?: true
  readonly bodyBytes?: number
}

interface Asked<Input> {
  readonly input: Input
  readonly body: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

const empty = object({})

/** An operation that answers with one object. */
export function operation<Input = object>(
  told: Told<Input>,
  run: (node: P2PNode, asked: Asked<Input>) => unknown,
): Operation {
  return declare(told, 'json', async (node, asked) => ({
    kind: 'json',
    value: (await run(node, asked)) ?? {},
  }))
}

/** An operation that answers with lines of JSON, as they come. */
export function lineStream<Input = object>(
  told: Told<Input>,
  run: (node: P2PNode, asked: Asked<Input>) => AsyncIterable<string>,
): Operation {
  return declare(told, 'lines', (node, asked) => ({ kind: 'lines', lines: run(node, asked) }))
}

/** An operation that answers with bytes, as they come. */
export function byteStream<Input = object>(
  told: Told<Input>,
  run: (node: P2PNode, asked: Asked<Input>) => AsyncIterable<Uint8Array>,
): Operation {
  return declare(told, 'bytes', (node, asked) => ({ kind: 'bytes', bytes: run(node, asked) }))
}

/** An operation whose body is a stream. */
export function intake<Input = object>(
  told: Told<Input>,
  run: (node: P2PNode, asked: Asked<Input>) => unknown,
): Operation {
  return { ...operation(told, run), takesStream: true }
}

function declare<Input>(
  told: Told<Input>,
  kind: Output['kind'],
  answer: (node: P2PNode, asked: Asked<Input>) => Promise<Answer> | Answer,
): Operation {
  const { name, summary, output = { type: 'object' }, changesSilently = false, bodyBytes } = told
  const input: Schema<unknown> = told.input ?? empty
  return {
    name,
    summary,
    input: input.json,
    output: { kind, schema: output },
    takesStream: false,
    changesSilently,
    ...(bodyBytes !== undefined && { bodyBytes }),
    call: (node, request) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without a schema of its own the input is `object`
      const read = input.read(request.input, '') as Input
      return answer(node, { ...request, input: read })
    },
  }
}
