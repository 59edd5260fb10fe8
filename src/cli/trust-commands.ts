import {
  isP2PError,
  isProvable,
  nearest,
  P2PError,
  policies,
  type Contact,
  type P2PNode,
  type PeerId,
  type Policy,
} from '../index.ts'
import { digitRows } from '../face/digits.ts'
import { displayText } from '../face/display-text.ts'
import { policyMeanings } from '../face/trust-words.ts'
import { clock } from '../face/clock.ts'
import type { View } from '../face/view.ts'
import type { Command, CommandContext, Outcome } from './command.ts'
import { contactLookedAt, contactNamed, splitTarget } from './targets.ts'
import { verify, verifyDetails } from './verify-command.ts'

/** Commands about who is who, in the order in which `help` shows them. */
export const trustCommands: readonly Command[] = [
  {
    name: 'verify',
    usage: 'verify [peer]',
    summary: 'Make sure who a peer is; alone: show a QR code',
    details: verifyDetails,
    argument: 'optional',
    completes: 'peer',
    run: verify,
  },
  {
    name: 'trust',
    usage: 'trust [peer]',
    summary: 'Whom you have met, or all about one peer',
    details:
      'With a peer: what is known of its key, and the safety number, which is the same at both ends: compare it by telephone.',
    argument: 'optional',
    completes: 'peer',
    run: trust,
  },
  {
    name: 'alias',
    usage: 'alias <peer> [name]',
    summary: 'Give a peer a name of your own, or take it away',
    details:
      'The alias is shown instead of the name the peer gives itself, and names the peer in every command. It belongs to the key of the peer: nobody else can take it.',
    argument: 'required',
    completes: 'peer',
    run: alias,
  },
  {
    name: 'block',
    usage: 'block <peer>',
    summary: 'Refuse a peer from now on',
    argument: 'required',
    completes: 'peer',
    run: decision((node, id) => node.trust.block(id), 'is blocked'),
  },
  {
    name: 'unblock',
    usage: 'unblock <peer>',
    summary: 'Take a block back',
    details: 'The peer is unverified then, also when it was verified before.',
    argument: 'required',
    completes: 'peer',
    run: decision((node, id) => node.trust.unblock(id), 'is no longer blocked'),
  },
  {
    name: 'forget',
    usage: 'forget <peer>',
    summary: 'Forget a peer, and delete everything said with it',
    argument: 'required',
    completes: 'peer',
    run: decision((node, id) => node.trust.forget(id), 'is forgotten, and so is what was said'),
  },
  {
    name: 'policy',
    usage: 'policy [name]',
    summary: 'Whom you talk with, in this run',
    details: policies
      .map((one) => `${one}: ${policyMeanings[one]}.`)
      .concat('"policy" in config.yaml makes it last.')
      .join('\n'),
    argument: 'optional',
    completes: 'policy',
    run: policy,
  },
  {
    name: 'id',
    usage: 'id',
    summary: 'Your own ID and key',
    argument: 'none',
    run: identity,
  },
]

async function trust(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  if (argument !== '') return await trustOf(context, await contactLookedAt(context, argument))
  const contacts = state.node.trust.list()
  state.listedPeers = contacts.map(({ peerId }) => peerId)
  return {
    result: { contacts },
    lines: contacts.length === 0 ? ['You have met nobody yet.'] : view.contacts(contacts),
  }
}

async function trustOf({ state: { node }, view }: CommandContext, id: PeerId): Promise<Outcome> {
  const contact = node.trust.find(id)
  const number = await safetyNumberWith(node, id)
  const { bold } = view.style
  const rows = digitRows(number ?? '').map(
    (row, index) => `${index === 0 ? 'safety number' : ''.padEnd(13)}  ${row}`,
  )
  return {
    result: { contact, safetyNumber: number },
    lines: [
      bold(view.peer(id)),
      `ID             ${id}`,
      `trust          ${contact === undefined ? 'never met' : standing(contact)}`,
      ...rows,
      ...advice(id, contact, view),
    ],
  }
}

/** Undefined for a peer that has no key, or whose key is not known yet. */
async function safetyNumberWith({ trust: book }: P2PNode, id: PeerId): Promise<string | undefined> {
  try {
    return await book.safetyNumber(id)
  } catch (error) {
    if (isP2PError(error, 'peer-unprovable') || isP2PError(error, 'peer-unknown')) return undefined
    throw error
  }
}

const methodWords = {
  code: ' by short code',
  qr: ' by QR code',
  'safety-number': ' by safety number',
} as const satisfies Readonly<Record<NonNullable<Contact['method']>, string>>

function standing({ trust: state, method, since }: Contact): string {
  return `${state}${method === undefined ? '' : methodWords[method]} since ${clock(since)}`
}

function advice(id: PeerId, contact: Contact | undefined, view: View): readonly string[] {
  const handle = view.handle(id)
  if (!isProvable(id))
    return ['It runs the reference client, which cannot prove who it is: anybody nearby can pose as it.']
  switch (contact?.trust) {
    case 'verified':
      return ['Whoever talks with you under this ID has the key that you verified.']
    case 'blocked':
      return [`It is refused. "unblock ${handle}" takes that back.`]
    case 'replaced':
      return ['It has named the key that succeeds this one, so this one is refused.']
    case undefined:
    case 'seen':
    case 'unknown':
      return [`Nobody has made sure who this is. "verify ${handle}" does, in ten seconds.`]
    case 'succeeded':
      return [`A peer you verified moved to this key. "verify ${handle}" makes sure.`]
  }
}

async function alias(context: CommandContext, argument: string): Promise<Outcome> {
  const { state, view } = context
  const { target, rest } = splitTarget(context, argument)
  const id = contactNamed(context, target)
  const before = view.peer(id)
  await state.decide(() => state.node.trust.setAlias(id, rest))
  const line =
    rest === ''
      ? `${before} has no alias any more.`
      : `${before} is ${view.style.name(displayText(rest))} from now on.`
  return { result: { contact: state.node.trust.find(id) }, lines: [line] }
}

/** A command that takes a peer and changes what is known of it. */
function decision(
  carryOut: (node: P2PNode, id: PeerId) => Promise<void> | void,
  told: string,
): Command['run'] {
  return async (context, argument) => {
    const { state, view } = context
    const id = contactNamed(context, argument)
    const who = view.peer(id)
    await state.decide(() => carryOut(state.node, id))
    return { result: { contact: state.node.trust.find(id) }, lines: [`${who} ${told}.`] }
  }
}

async function policy({ state }: CommandContext, argument: string): Promise<Outcome> {
  const { node } = state
  const wanted = argument === '' ? node.policy : policyNamed(argument)
  if (argument !== '') await state.decide(() => node.setPolicy(wanted))
  return { result: { policy: wanted }, lines: [`Policy ${wanted}: ${policyMeanings[wanted]}.`] }
}

function policyNamed(text: string): Policy {
  const found = policies.find((one) => one === text.toLowerCase())
  if (found !== undefined) return found
  const meant = nearest(text, policies)
  throw new P2PError(
    'usage',
    `There is no policy "${displayText(text)}". ${meant === undefined ? 'Write open, encrypted or trusted.' : `Did you mean ${meant}?`}`,
  )
}

function identity({ state }: CommandContext): Outcome {
  const { id, publicKey, safetyNumber } = state.node.identity
  return {
    result: { identity: { id, publicKey, safetyNumber } },
    lines: [
      `ID             ${id}`,
      `key            ${publicKey}`,
      `safety number  ${digitRows(safetyNumber).join(' ')}`,
    ],
  }
}
