import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { limits } from '../index.ts'

/** 32 signs, none of which is taken for another: five bits each. */
const signs = '0123456789abcdefghjkmnpqrstvwxyz'
/** 60 bits: with the few tries that there are, nobody guesses one. */
const length = 12

interface Code {
  readonly digest: Buffer
  readonly goodUntil: number
}

/**
 * Codes by which a page is given the token: a code stands in an address, in a file, on a screen, where a token must not. So each is
 * good once, for `limits.pageCodeMs`, and after `limits.pageCodeTries` wrong ones none is good any more until our user asks for another.
 */
export class PageCodes {
  #codes: readonly Code[] = []
  #tries = 0

  /** @param now milliseconds of a clock that does not jump */
  issue(now: number): string {
    const code = [...randomBytes(length)].map((byte) => signs[byte % signs.length]).join('')
    const fresh = { digest: digestOf(code), goodUntil: now + limits.pageCodeMs }
    this.#codes = [...this.#good(now), fresh].slice(-limits.pageCodes)
    this.#tries = 0
    return code.replaceAll(/(.{4})(?=.)/g, '$1-')
  }

  /** Whether the code is good. It is not, the next time. */
  redeem(given: string, now: number): boolean {
    const digest = digestOf(plain(given))
    const good = this.#good(now)
    const rest = good.filter((code) => !timingSafeEqual(code.digest, digest))
    const isGood = rest.length < good.length
    if (!isGood) this.#tries++
    this.#codes = this.#tries < limits.pageCodeTries ? rest : []
    return isGood
  }

  #good(now: number): readonly Code[] {
    return this.#codes.filter(({ goodUntil }) => now < goodUntil)
  }
}

/** As it was issued, however somebody has typed it. */
function plain(given: string): string {
  return given
    .toLowerCase()
    .replaceAll(/[^0-9a-z]/g, '')
    .replaceAll('o', '0')
    .replaceAll(/[il]/g, '1')
}

function digestOf(code: string): Buffer {
  return createHash('sha256').update(code).digest()
}
