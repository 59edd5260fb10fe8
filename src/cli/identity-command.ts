import { loadConfig } from '../config/load.ts'
import { limits, readIdentity, rotateIdentity, type PeerId, type StoredIdentity } from '../index.ts'
import { digitRows } from '../face/digits.ts'
import { displayText, jsonLine } from '../face/display-text.ts'
import { qrLines } from '../face/qr.ts'
import { styleFor } from '../face/style.ts'
import type { Flags } from './arguments.ts'

/** What `p2p id` was asked for. */
export interface IdentityWish {
  readonly flags: Flags
  readonly json: boolean
  readonly qr: boolean
  readonly rotate: boolean
}

/**
 * Carries out `p2p id`, for which nothing listens and nobody is told.
 *
 * @returns what to print
 * @throws P2PError `config-invalid`, `identity-invalid`, `data-dir-unusable`, `data-dir-busy`
 */
export async function identityText(wish: IdentityWish): Promise<string> {
  const { dataDir } = await loadConfig({ env: process.env, flags: wish.flags })
  if (!wish.rotate) return await text(await readIdentity(dataDir), wish)
  const { identity, formerId } = await rotateIdentity(dataDir)
  return await text(identity, wish, formerId)
}

async function text(
  identity: StoredIdentity,
  { json, qr }: IdentityWish,
  formerId?: PeerId,
): Promise<string> {
  if (json) return jsonLine({ v: 1, type: 'identity', ...identity, formerId })
  const { id, publicKey, safetyNumber, file } = identity
  const lines = [
    ...(formerId === undefined ? [] : rotationLines(formerId, id)),
    `ID             ${id}`,
    `key            ${publicKey}`,
    `safety number  ${digitRows(safetyNumber).join(' ')}`,
    `file           ${displayText(file, { maxBytes: limits.shownMessageBytes })}`,
    ...(qr ? await qrLines(identity.invitation, styleFor(process.stdout)) : []),
    ...(identity.made ? ['', 'It has just been made. Whoever has the file is you: keep it.'] : []),
  ]
  return `${lines.join('\n')}\n`
}

function rotationLines(formerId: PeerId, id: PeerId): readonly string[] {
  const days = limits.successionMs / (24 * 60 * 60_000)
  return [
    `You were ${formerId}, and are ${id} from now on.`,
    `For ${days} days, p2p tells contacts it meets; they keep their alias for you.`,
    'Who had verified you may want to verify again, and everybody else has to be told the new ID.',
    '',
  ]
}
