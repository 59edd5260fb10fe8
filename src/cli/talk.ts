import { P2PError, type Message, type PeerId, type Session, type SessionInfo } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { presenceWords, waitWords } from '../face/message-words.ts'
import { messageLines } from '../face/message-view.ts'
import type { View } from '../face/view.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { peerNamed, personNamed, sessionNamed, splitTarget, whoIsKnown } from './targets.ts'
import type { Fate } from './underway.ts'

/** Messages that `open` shows, or more when more are unread. */
const openedMessages = 20
/** A peer that is here confirms in this time, or is not here. */
const confirmMs = 2_000

/** Commands that say something, in the order in which `help` shows them. */
export const talkCommands: readonly Command[] = [
  {
    name: 'open',
    usage: 'open <peer>',
    summary: 'Talk with somebody: every line is a message until /quit',
    details: `Shows what was said last. Who is away gets the messages later; ${whoIsKnown}.`,
    argument: 'required',
    completes: 'peer',
    run: open,
  },
  {
    name: 'tell',
    usage: 'tell <peer> <text>',
    summary: 'Send one message, now or as soon as it can be delivered',
    details: `It is stored before it leaves, so that nothing is lost when p2p ends; ${whoIsKnown}.`,
    argument: 'required',
    words: 'verbatim',
    completes: 'peer',
    run: tell,
  },
  {
    name: 'connect',
    usage: 'connect <peer>',
    summary: 'As open, but only with a peer that is here',
    details: `Uses the open session with that peer, or opens one; ${whoIsKnown}.`,
    argument: 'required',
    completes: 'peer',
    run: connect,
  },
]

export const attachCommand: Command = {
  name: 'attach',
  usage: 'attach <session>',
  summary: 'Go on talking in an open session',
  details: 'A session is named by any beginning of its ID, or by its number in the last list.',
  argument: 'required',
  completes: 'session',
  run: (context, argument) => attachTo(context, sessionNamed(context, argument)),
}

async function open(context: CommandContext, argument: string): Promise<Outcome> {
  const { state } = context
  const { node } = state
  const id = await personNamed(context, argument)
  const messages = await state.lastMessages(id, openedMessages)
  const session = node.sessions.list().find((one) => one.peerId === id && one.open)
  state.attach(id, session)
  return {
    result: { conversation: node.conversation(id).info, messages },
    lines: [...talkLines(context, id), ...messages.flatMap((message) => messageLines(context.view, message))],
  }
}

async function connect(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, signal } = context
  const peer = await peerNamed(context, argument)
  return await attachTo(context, await state.node.connect(peer.id, { signal }))
}

async function attachTo(context: CommandContext, session: Session): Promise<Outcome> {
  const { state, view } = context
  const unread = await state.lastMessages(session.peerId, 0)
  state.attach(session.peerId, session)
  return {
    result: { session: sessionResult(session) },
    lines: [
      ...talkLines(context, session.peerId),
      ...unread.flatMap((message) => messageLines(view, message)),
    ],
  }
}

/** What a person has to know who begins to talk. */
function talkLines({ state, view }: CommandContext, id: PeerId): readonly string[] {
  const { presence } = state.node.conversation(id).info
  const away = presence.state === 'away' && state.underway.isFirstToWait(id) ? [awayLine(view, id)] : []
  return [
    `Talking with ${view.peer(id)}. Every line is a message; /quit leaves.`,
    ...protectionLines(id, view).map(view.style.dim),
    ...away.map((line) => `${line} (${presenceWords(presence)})`),
  ]
}

function awayLine(view: View, id: PeerId): string {
  return `${view.peer(id)} is not here: messages wait, and are delivered when both of you are.`
}

function protectionLines(id: PeerId, view: View): readonly string[] {
  switch (view.protection(id)) {
    case 'none':
      return [
        'Not protected: others on this network can read along and pretend to be anybody.',
        'It runs the reference client: messages are sent, not confirmed.',
      ]
    case 'encrypted':
      return [
        'Encrypted, but not verified: nobody has made sure who this is.',
        `/quit, then "verify ${view.handle(id)}" does, in ten seconds.`,
      ]
    case 'verified':
      return ['Encrypted and verified.']
  }
}

/** Says one line to the peer that lines go to; done when it is stored. */
export async function say(context: CommandContext, id: PeerId, text: string): Promise<Outcome> {
  const { state, view } = context
  const message = await accept(context, id, text)
  const { presence } = state.node.conversation(id).info
  const waits = message.state === 'pending' && presence.state === 'away'
  return {
    result: { message },
    lines: waits && state.underway.isFirstToWait(id) ? [awayLine(view, id)] : [],
  }
}

/** A user of the reference sees what comes in the session that he looks at: ours goes into the one that was chosen here. */
function accept({ state, signal }: CommandContext, id: PeerId, text: string): Promise<Message> {
  const { node, attached } = state
  const chosen = attached?.peerId === id ? attached.session : undefined
  const session = chosen && node.sessions.find(chosen.id)
  const to = session?.open === true ? session : node.conversation(id)
  return state.underway.follow(to.send(text, { signal }))
}

async function tell(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, signal } = context
  const { target, rest } = splitTarget(context, argument)
  if (rest === '') throw new P2PError('usage', 'There is nothing to tell. Write "tell <peer> <text>".')
  const id = await personNamed(context, target)
  const accepted = await accept(context, id, rest)
  const isHere = state.node.conversation(id).info.presence.state === 'online'
  const ms = isHere ? Math.max(state.waitMs, confirmMs) : state.waitMs
  const fate = await state.underway.fate(accepted, { ms, signal })
  const message = { ...accepted, ...fate }
  return { result: { message }, lines: [await fateLine(context, message)] }
}

/** @throws P2PError `peer-refused` when it will never arrive */
async function fateLine({ state, view }: CommandContext, { id, peerId, ...fate }: Message): Promise<string> {
  const who = view.peer(peerId)
  switch (fate.state) {
    case 'sent':
      return view.protection(peerId) === 'none'
        ? `Sent to ${who}, which confirms nothing.`
        : `Sent to ${who}, not confirmed yet.`
    case 'failed':
      throw new P2PError('peer-refused', failureText(view, peerId, fate))
    case 'pending': {
      state.underway.noteTold(peerId)
      const cause =
        (await state.node.outbox.list()).find(({ message }) => message.id === id)?.waitsFor ?? 'session'
      return `Waits for ${who} (${waitWords[cause]}): it is delivered when both of you run p2p. "outbox" shows what waits.`
    }
    case 'delivered':
    case 'read':
    case 'received':
      return `Delivered to ${who}.`
  }
}

function failureText(view: View, id: PeerId, { reason }: Fate): string {
  return `The message will not reach ${view.plainPeer(id)}: ${displayText(reason)}`
}

/** A session in a result. */
export function sessionResult(session: Session): Readonly<Record<string, unknown>> {
  const { id, peerId, incoming, protection, openedAt, waiting } = session
  return { id, peerId, incoming, protection, openedAt, waiting }
}

/** Leaves whom lines went to; the session stays open. */
export function leave({ state, view }: CommandContext, peerId: PeerId, session?: SessionInfo): Outcome {
  const { info } = state.node.conversation(peerId)
  state.detach()
  const stays = session === undefined || state.node.sessions.find(session.id) === undefined
  return {
    result: { conversation: info, ...(session !== undefined && { session }) },
    lines: [stays ? `Left.` : `Left. The session with ${view.peer(peerId)} stays open.`],
  }
}
