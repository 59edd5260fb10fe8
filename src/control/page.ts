import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../index.ts'
import { PageCodes } from './page-codes.ts'
import { readPageFiles, type PageFile, type PageFiles } from './page-files.ts'

/** In the data directory: what leads a browser to the page. */
export const wayFile = 'web.html'

/** How our user gets into the page. */
export interface PageWay {
  readonly address: string
  /** Good once, for `limits.pageCodeMs`. */
  readonly code: string
  /** A file that only our user can read, and that leads a browser to the address with the code. */
  readonly file: string
}

interface PageOptions {
  readonly dataDir: string
  /** Where the built page is, when not where scripts/build-page.ts puts it. */
  readonly folder?: string
  /** Opens the loopback port, or finds it open. */
  readonly openPort: () => Promise<number>
}

/**
 * The page of a node, and the way into it. The token is on no command line, in no environment and in no address: a file in the data
 * directory leads the browser to the page with a code in the fragment, which no server is told, and the page asks for the token with
 * it (docs/decisions/0018-a-code-for-the-page.md).
 */
export class Page implements Disposable {
  readonly #options: PageOptions
  readonly #way: string
  readonly #codes = new PageCodes()
  #files: PageFiles | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: PageOptions) {
    this.#options = options
    this.#way = join(options.dataDir, wayFile)
    this.#removeWay()
  }

  /**
   * Serves the page from now on.
   *
   * @returns its address
   * @throws P2PError `file-unusable` when it was not built, `port-taken`, `port-forbidden`
   */
  async open(): Promise<string> {
    this.#files ??= readPageFiles(this.#options.folder)
    return `http://127.0.0.1:${await this.#options.openPort()}/`
  }

  /** A way for one browser. @throws P2PError as {@link open} does */
  async way(): Promise<PageWay> {
    const address = await this.open()
    const code = this.#codes.issue(performance.now())
    this.#removeWay()
    writeFileSync(this.#way, redirection(`${address}#code=${code}`), { mode: 0o600, flag: 'wx' })
    this.#timer = setTimeout(() => this.#removeWay(), limits.pageCodeMs).unref()
    return { address, code, file: this.#way }
  }

  /** What stands at an address, for everybody. */
  find(path: string): PageFile | undefined {
    return this.#files?.get(path)
  }

  /** Whether who says this code may have the token. */
  enter(code: string): boolean {
    const isGood = this.#codes.redeem(code, performance.now())
    if (isGood) this.#removeWay()
    return isGood
  }

  [Symbol.dispose](): void {
    this.#removeWay()
  }

  #removeWay(): void {
    clearTimeout(this.#timer)
    rmSync(this.#way, { force: true })
  }
}

/** Nothing in it comes from outside. */
function redirection(address: string): string {
  return `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${address}">
<title>p2p</title>
<p><a href="${address}">Open the page of p2p</a></p>
`
}
