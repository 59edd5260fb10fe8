import { setImmediate as tick } from 'node:timers/promises'
import { limits, messageOf, P2PError, type PeerId, type Verification } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { qrLines } from '../face/qr.ts'
import type { View } from '../face/view.ts'
import { addressIn } from './addresses.ts'
import type { CommandContext, Outcome } from './command.ts'
import { contactNamed, findContact, peerNamed, splitTarget } from './targets.ts'

export const verifyDetails = [
  'verify <peer>: both screens show eight digits; when both people say that they are the same, both are verified.',
  'verify <peer> yes, or no: answers, also when the other side has begun.',
  'verify: shows a QR code; whoever scans it has verified you, and you confirm who it was.',
  'verify <text>: what a camera has read from such a code.',
  'verify <peer> <60 digits>: compares the safety number that the other person reads to you; "trust <peer>" shows yours.',
].join('\n')

/** Every way to make sure who a peer is. */
export async function verify(context: CommandContext, argument: string): Promise<Outcome> {
  if (argument === '') return await invite(context)
  if (/^p2p:/i.test(argument)) return await scan(context, argument)
  const { target, rest } = splitTarget(context, argument)
  if (rest === '') return await begin(context, target)
  const digits = rest.replaceAll(' ', '')
  if (/^\d+$/.test(digits)) return await compare(context, contactNamed(context, target), digits)
  if (rest === 'yes' || rest === 'no') {
    return await answer(context, pendingWith(context, contactNamed(context, target)), rest === 'yes')
  }
  throw new P2PError(
    'usage',
    `"${displayText(rest)}" is no answer. Write yes or no after the peer, or the 60 digits of the safety number.`,
  )
}

async function invite({ state, view }: CommandContext): Promise<Outcome> {
  const { text, expiresAt } = await state.node.trust.invite()
  const minutes = Math.round(limits.invitationMs / 60_000)
  return {
    result: { invitation: { text, expiresAt } },
    lines: [
      text,
      ...(await qrLines(text, view.style)),
      `Good for ${minutes} minutes and one person; you are asked when it has been scanned.`,
    ],
  }
}

async function scan({ state, view, tell, signal }: CommandContext, text: string): Promise<Outcome> {
  const scanned = state.node.trust.acceptInvitation(text, { signal })
  // It has a secret, so that somebody else has to say yes before this is done.
  if (text.split(':').length > 4) tell('Whoever shows the code is asked now; Ctrl-C gives up waiting.')
  const contact = await scanned
  return { result: { contact }, lines: [`${view.peer(contact.peerId)} is verified: the code has its key.`] }
}

async function begin(context: CommandContext, target: string): Promise<Outcome> {
  const { state, view, signal } = context
  const { trust } = state.node
  const isAddress = addressIn(state.node, target) !== undefined
  const known = isAddress ? (await peerNamed(context, target)).id : findContact(state, target)
  const waiting = known === undefined ? undefined : trust.verification(known)
  const verification = waiting ?? (await trust.verify((await peerNamed(context, target)).id, { signal }))
  return {
    result: { verification: verificationResult(verification) },
    lines: codeLines(verification, view),
    asks: verification,
  }
}

/** What a person has to look at. */
function codeLines({ peerId, code, method }: Verification, view: View): readonly string[] {
  if (method === 'qr') return [`${view.peer(peerId)} has scanned your QR code.`]
  return [
    `Compare with the screen of ${view.peer(peerId)}:`,
    '',
    `    ${view.style.bold(code)}`,
    '',
    `Then both of you answer: "verify ${view.handle(peerId)} yes" if they are the same, else "no".`,
  ]
}

/** The question to a person, after which there is no default. */
export function questionOf({ method }: Verification): string {
  return method === 'qr'
    ? 'Is this the person who has just scanned it? yes/no '
    : 'Does the other screen show the same? yes/no '
}

/** The answer of our user; how it ends is told by `verify:done`, as the other user may need a while. */
export async function answer(
  { log }: Pick<CommandContext, 'log'>,
  verification: Verification,
  same: boolean,
): Promise<Outcome> {
  const confirmed = verification.confirm(same).catch((error: unknown) => {
    log.warn('An answer to a verification was lost.', { error: messageOf(error) })
    return false
  })
  const ended = await Promise.race([confirmed.then(() => true), tick(false)])
  return {
    result: { verification: verificationResult(verification) },
    lines: ended || !same ? [] : ['Waiting for the answer of the other person.'],
    verdict: confirmed,
  }
}

function pendingWith({ state, view }: CommandContext, id: PeerId): Verification {
  const verification = state.node.trust.verification(id)
  if (verification !== undefined) return verification
  throw new P2PError(
    'verification-failed',
    `No verification of ${view.plainPeer(id)} waits for an answer. "verify ${view.handle(id)}" begins one.`,
  )
}

async function compare({ state, view }: CommandContext, id: PeerId, digits: string): Promise<Outcome> {
  const { trust } = state.node
  await state.decide(() => trust.compareSafetyNumber(id, digits))
  return {
    result: { contact: trust.find(id) },
    lines: [`The same. ${view.peer(id)} is verified.`],
  }
}

function verificationResult({
  peerId,
  code,
  method,
  incoming,
}: Verification): Readonly<Record<string, unknown>> {
  return { peerId, code, method, incoming }
}
