import { limits } from '../index.ts'
import { contentsIn } from './contents.ts'
import { byteStream, intake, lineStream, operation, type Operation } from './operation.ts'
import { either, integer, list, object, oneOf, optional, peerId, rate, text, truth } from './schema.ts'

const path = text(limits.filePathBytes)
const remotePath = object({ peerId, path })
const visibility = either(oneOf(['all', 'verified']), list(peerId, limits.pins))
const existing = oneOf(['rename', 'skip', 'ask'])
const byId = object({ id: text(64) })
const file = { $ref: 'node-event.schema.json#/$defs/sharedFile' }
const transfer = { $ref: 'node-event.schema.json#/$defs/transfer' }
const offer = { $ref: 'node-event.schema.json#/$defs/offer' }
const share = { $ref: 'node-event.schema.json#/$defs/share' }

/** What can be asked about files. Paths on this machine are absolute: the node does not stand where its user does. */
export const fileOperations: readonly Operation[] = [
  operation(
    {
      name: 'share',
      summary: 'Shows a file or folder to others, read-only.',
      input: object({ path, as: optional(text(1024)), visibleTo: optional(visibility) }),
      output: share,
    },
    (node, { input: { path: local, ...options }, signal }) => node.files.share(local, { ...options, signal }),
  ),
  operation(
    {
      name: 'set-visibility',
      summary: 'Changes who sees a share.',
      input: object({ name: text(1024), visibleTo: visibility }),
    },
    (node, { input }) => node.files.setVisibility(input.name, input.visibleTo),
  ),
  operation(
    { name: 'unshare', summary: 'Stops showing a share.', input: object({ name: text(1024) }) },
    (node, { input }) => node.files.unshare(input.name),
  ),
  operation(
    {
      name: 'list-files',
      summary: 'What a peer shares with us at a path.',
      input: object({ peerId, path: optional(path), after: optional(path), deep: optional(truth) }),
      output: { type: 'object', properties: { entries: { type: 'array', items: file } } },
    },
    (node, { input: { peerId: id, path: remote = '', ...options }, signal }) =>
      node.files.list(id, remote, { ...options, signal }),
  ),
  lineStream(
    {
      name: 'find-files',
      summary: 'Files and folders of peers by name, one a line.',
      input: object({ pattern: text(1024), peers: optional(list(peerId, limits.pins)) }),
      output: file,
    },
    async function* (node, { input: { pattern, ...options }, signal }) {
      for await (const found of node.files.find(pattern, { ...options, signal })) yield JSON.stringify(found)
    },
  ),
  operation(
    {
      name: 'get',
      summary: 'Takes a file or folder of a peer; answers when it is in the queue.',
      input: object({ peerId, path, to: optional(path), existing: optional(existing) }),
      output: transfer,
    },
    (node, { input: { peerId: id, path: remote, ...options }, signal }) =>
      node.files.get(id, remote, { ...options, signal }),
  ),
  byteStream(
    { name: 'read', summary: 'The content of one file of a peer, verified as it comes.', input: remotePath },
    (node, { input, signal }) => node.files.read(input.peerId, input.path, { signal }),
  ),
  operation(
    {
      name: 'send-files',
      summary: 'Offers files and folders of this machine to a peer.',
      input: object({
        peerId,
        paths: list(path, limits.offerEntries),
        as: optional(list(text(1024), limits.offerEntries)),
      }),
      output: offer,
    },
    (node, { input: { peerId: id, paths, ...options }, signal }) =>
      node.files.send(id, paths, { ...options, signal }),
  ),
  intake(
    {
      name: 'send-stream',
      summary: 'Offers the body to a peer, as a file with this name.',
      input: object({ peerId, name: text(1024) }),
      output: offer,
    },
    (node, { input, body, signal }) => node.files.sendStream(input.peerId, input.name, body, { signal }),
  ),
  intake(
    {
      name: 'send-contents',
      summary:
        'Offers several contents to a peer together. The body is a line of JSON, `[{"path":"photos/a.jpg","sizeBytes":12}, …]`, and then each content after the other.',
      input: object({ peerId }),
      output: offer,
    },
    async (node, { input, body, signal }) =>
      await node.files.sendContents(input.peerId, await contentsIn(body), { signal }),
  ),
  operation(
    {
      name: 'accept',
      summary: 'Takes what a peer offers.',
      input: object({ offerId: text(64), to: optional(path), existing: optional(existing) }),
      output: transfer,
    },
    (node, { input: { offerId, ...options } }) => node.files.accept(offerId, options),
  ),
  operation(
    {
      name: 'decline',
      summary: 'Refuses what a peer offers, or withdraws what we offer.',
      input: object({ offerId: text(64) }),
    },
    (node, { input }) => node.files.decline(input.offerId),
  ),
  operation({ name: 'pause', summary: 'Lets a transfer rest.', input: byId }, (node, { input }) =>
    node.files.pause(input.id),
  ),
  operation({ name: 'resume', summary: 'Goes on with a transfer.', input: byId }, (node, { input }) =>
    node.files.resume(input.id),
  ),
  operation({ name: 'cancel', summary: 'Gives a transfer up.', input: byId }, (node, { input }) =>
    node.files.cancel(input.id),
  ),
  operation(
    { name: 'clear', summary: 'Removes transfers that have ended from the list.', changesSilently: true },
    (node) => node.files.clear(),
  ),
  operation(
    { name: 'finished', summary: 'Waits for the end of a transfer.', input: byId, output: transfer },
    (node, { input, signal }) => node.files.finished(input.id, { signal }),
  ),
  operation(
    {
      name: 'set-limits',
      summary: 'How fast files come and go, and how many at once.',
      input: object({
        download: optional(rate),
        upload: optional(rate),
        perPeer: optional(rate),
        active: optional(integer(1, limits.transfers)),
      }),
      changesSilently: true,
    },
    (node, { input }) => node.files.setLimits(input),
  ),
]
