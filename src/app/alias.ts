import { P2PError } from '../base/errors.ts'
import { limits } from '../base/limits.ts'
import { parsePeerId } from '../protocol/peer-id.ts'
import { fitsUtf8 } from '../protocol/text.ts'

/** Control, format (zero-width, bidi), private, unassigned and surrogate code points, and line separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u
/** Beginnings of IDs, numbers of lists, and answers: a command could not tell which was meant. */
const taken = /^(?:[0-9a-f]{8}[0-9a-f-]*|#?\d+|yes|no)$/i
const invisible = /[\p{C}\p{M}\p{Z}\p{Default_Ignorable_Code_Point}]/gu

/** Letters of other scripts that look like Latin ones, after folding, and the Latin ones. */
const lookAlikes = new Map(
  Array.from(
    'аaвbеeкkмmнhоoрpсcтtуyхxіiјjѕsԁdӏlαaβbεeηnικkνvοoρpτtυuχxıiɡg0o1l'.matchAll(/(.)(.)/gu),
    ([, from = '', to = '']) => [from, to],
  ),
)

/**
 * An alias as it is kept: without space at its ends, in one form of Unicode. '' stays ''.
 *
 * @throws P2PError `alias-invalid` when it could be mistaken for something else, or not be shown whole
 */
export function readAlias(text: string): string {
  const alias = text.normalize('NFC').trim()
  if (unprintable.test(alias)) throw invalid('has characters that cannot be seen')
  if (!fitsUtf8(alias, limits.aliasBytes)) throw invalid(`is longer than ${limits.aliasBytes} bytes`)
  if (taken.test(alias) || parsePeerId(alias) !== undefined) {
    throw invalid('would be read as an ID, a number of a list, or an answer')
  }
  if (alias !== '' && aliasSkeleton(alias) === '') throw invalid('has nothing to be seen')
  return alias
}

/**
 * What two aliases have in common that people take for the same (T17): width, case, accents, invisible characters and the
 * commonest look-alikes of other scripts are gone.
 */
export function aliasSkeleton(alias: string): string {
  const folded = alias.normalize('NFKD').toUpperCase().toLowerCase().replace(invisible, '')
  return Array.from(folded, (letter) => lookAlikes.get(letter) ?? letter).join('')
}

function invalid(why: string): P2PError {
  return new P2PError('alias-invalid', `This alias ${why}. Choose another.`)
}
