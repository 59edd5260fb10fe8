import { limits, policies, P2PError, type P2PNode, type Session, type Verification } from '../index.ts'
import { fileOperations } from './file-operations.ts'
import { lineStream, intake, operation, type Operation } from './operation.ts'
import { integer, list, object, oneOf, optional, peerId, text, truth, type JsonSchema } from './schema.ts'
import { sessionView, verificationView } from './views.ts'

const messageId = text(32, 'ID of a message')
const who = object({ peerId })

/** A definition of the schema of events. */
function defined(name: string): JsonSchema {
  return { $ref: `node-event.schema.json#/$defs/${name}` }
}

function listOf(name: string): JsonSchema {
  return { type: 'array', items: defined(name) }
}

const meeting: readonly Operation[] = [
  operation({ name: 'announce', summary: 'Announces this node now.' }, (node) => node.announce()),
  operation(
    {
      name: 'emit',
      summary: 'Announces to one address and waits for its answer.',
      input: object({ host: text(255), port: integer(1, 65_535) }),
    },
    (node, { input, signal }) => node.emit(input, { signal }),
  ),
  operation(
    { name: 'load-peers', summary: 'Asks a peer for the peers it knows.', input: who },
    async (node, { input, signal }) => ({ added: await node.peers.load(input.peerId, { signal }) }),
  ),
  operation(
    { name: 'connect', summary: 'Opens a session, or finds it.', input: who, output: defined('openSession') },
    async (node, { input, signal }) => sessionView(await node.connect(input.peerId, { signal })),
  ),
  operation(
    { name: 'close-session', summary: 'Ends a session.', input: object({ sessionId: text(64) }) },
    (node, { input }) => sessionOf(node, input.sessionId).close(),
  ),
  operation(
    {
      name: 'set-policy',
      summary: 'Changes whom this node talks with.',
      input: object({ policy: oneOf(policies) }),
    },
    (node, { input }) => node.setPolicy(input.policy),
  ),
  operation(
    {
      name: 'diagnose',
      summary: 'Finds out what keeps peers from finding this node; takes up to half a minute.',
      input: object({
        peers: optional(
          list(object({ host: text(255), port: optional(integer(1, 65_535)) }), limits.diagnosedPeers),
        ),
        patienceMs: optional(integer(0, 600_000)),
      }),
      output: { $ref: 'diagnosis.schema.json' },
    },
    (node, { input, signal }) => node.diagnose({ ...input, signal }),
  ),
]

const talk: readonly Operation[] = [
  operation(
    {
      name: 'send-message',
      summary: 'Says something to a peer, now or when it is there; in one session, when that is named.',
      input: object({ peerId, text: text(limits.textBytes), sessionId: optional(text(64)) }),
      output: defined('message'),
      // A text with every character escaped.
      bodyBytes: limits.importLineBytes,
    },
    (node, { input, signal }) => {
      const to =
        input.sessionId === undefined ? node.conversation(input.peerId) : sessionOf(node, input.sessionId)
      return to.send(input.text, { signal })
    },
  ),
  operation(
    {
      name: 'history',
      summary:
        'One page of a conversation; without a peer, messages of all with the words that are searched.',
      input: object({
        peerId: optional(peerId),
        before: optional(messageId),
        after: optional(messageId),
        search: optional(text(1024)),
        limit: optional(integer(1, limits.historyPage)),
      }),
      output: { type: 'object', properties: { messages: listOf('message') } },
    },
    async (node, { input: { peerId: id, ...page } }) => {
      const { search = '', after: _after, ...before } = page
      return {
        messages:
          id === undefined
            ? await node.conversations.search(search, before)
            : await node.conversation(id).history(page),
      }
    },
  ),
  operation(
    { name: 'mark-read', summary: 'Our user has seen everything a peer has said.', input: who },
    (node, { input }) => node.conversation(input.peerId).markRead(),
  ),
  operation(
    {
      name: 'typing',
      summary: 'Our user writes to a peer, or has stopped.',
      input: object({ peerId, typing: truth }),
    },
    (node, { input }) => node.conversation(input.peerId).typing(input.typing),
  ),
  operation(
    {
      name: 'outbox',
      summary: 'What waits to be delivered.',
      output: { type: 'object', properties: { waiting: { type: 'array' } } },
    },
    async (node) => ({ waiting: await node.outbox.list() }),
  ),
  operation(
    {
      name: 'cancel-message',
      summary: 'Withdraws a message that has not left.',
      input: object({ messageId }),
    },
    (node, { input }) => node.outbox.cancel(input.messageId),
  ),
  operation(
    { name: 'delete-conversation', summary: 'Deletes everything said with a peer.', input: who },
    (node, { input }) => node.conversation(input.peerId).delete(),
  ),
  lineStream(
    { name: 'export', summary: 'Every message, oldest first, one a line.', output: { type: 'object' } },
    (node, { signal }) => node.exportMessages({ signal }),
  ),
  intake(
    { name: 'import', summary: 'Adds exported messages; the body is what export wrote.' },
    (node, { body }) => node.importMessages(linesOf(body)),
  ),
]

const trust: readonly Operation[] = [
  operation(
    {
      name: 'set-alias',
      summary: 'Gives a peer a name of our own; an empty one takes it away.',
      input: object({ peerId, alias: text(256) }),
    },
    (node, { input }) => node.trust.setAlias(input.peerId, input.alias),
  ),
  operation({ name: 'block', summary: 'Refuses a peer from now on.', input: who }, (node, { input }) =>
    node.trust.block(input.peerId),
  ),
  operation({ name: 'unblock', summary: 'Takes a block back.', input: who }, (node, { input }) =>
    node.trust.unblock(input.peerId),
  ),
  operation(
    { name: 'forget', summary: 'Forgets a peer and deletes what was said with it.', input: who },
    (node, { input }) => node.trust.forget(input.peerId),
  ),
  operation(
    { name: 'safety-number', summary: 'Sixty digits that are the same at both ends.', input: who },
    async (node, { input }) => ({ safetyNumber: await node.trust.safetyNumber(input.peerId) }),
  ),
  operation(
    {
      name: 'compare-safety-number',
      summary: 'Verifies a peer by the digits that the other person reads aloud.',
      input: object({ peerId, digits: text(256) }),
    },
    (node, { input }) => node.trust.compareSafetyNumber(input.peerId, input.digits),
  ),
  operation(
    {
      name: 'verify',
      summary: 'Begins a verification by short code, or joins it; answers when there is a code.',
      input: who,
      output: defined('verification'),
    },
    async (node, { input, signal }) => verificationView(await node.trust.verify(input.peerId, { signal })),
  ),
  operation(
    {
      name: 'confirm-verification',
      summary: 'Our user says whether both screens show the same; answers when both users have.',
      input: object({ peerId, same: truth }),
    },
    async (node, { input }) => ({ verified: await pendingOf(node, input.peerId).confirm(input.same) }),
  ),
  operation({ name: 'invite', summary: 'A text to be shown as QR code.' }, (node) => node.trust.invite()),
  operation(
    {
      name: 'accept-invitation',
      summary: 'Verifies the peer whose QR code says this text.',
      input: object({ text: text(1024) }),
      output: defined('contact'),
    },
    (node, { input, signal }) => node.trust.acceptInvitation(input.text, { signal }),
  ),
]

/** Everything that can be asked of a running node besides its state and its events. */
export const operations: readonly Operation[] = [...meeting, ...talk, ...trust, ...fileOperations]

function sessionOf(node: P2PNode, id: string): Session {
  const session = node.sessions.find(id)
  if (session !== undefined) return session
  throw new P2PError('session-unknown', 'This session is not open. Look at the sessions that are.')
}

function pendingOf(node: P2PNode, id: Session['peerId']): Verification {
  const pending = node.trust.verification(id)
  if (pending !== undefined) return pending
  throw new P2PError('verification-failed', `No verification of ${id} waits for an answer. Begin one.`)
}

/** @throws P2PError `usage` for a line that is longer than any message */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > limits.importLineBytes)
      throw new P2PError('usage', 'A line is longer than any message.')
    yield* lines
  }
  if (rest !== '') yield rest
}
