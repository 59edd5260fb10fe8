import { setImmediate as turn } from 'node:timers/promises'
import { isP2PError, limits, messageOf, type P2PNode, type PeerId, type SharedFile } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import { pathOf } from '../face/local-path.ts'
import { localPaths } from '../face/local-paths.ts'
import { qrLines } from '../face/qr.ts'
import { plainStyle } from '../face/style.ts'
import { loudPrefix } from '../face/trust-words.ts'
import { alarm } from './notices.ts'
import type { Effect, Told } from './state.ts'

type EffectOf<Name extends Effect['do']> = Extract<Effect, { do: Name }>

interface ActorOptions {
  readonly node: P2PNode
  /** Takes what an effect has brought. */
  readonly tell: (told: Told) => void
  readonly quit: () => void
  /** Aborts when nothing more is to be done. */
  readonly signal: AbortSignal
}

/** Files that a search brings are told together, at most this many at once. */
const foundAtOnce = 50

/** Carries out what the state wishes, on the node; what goes wrong is told too. */
export class Actor {
  readonly #node: P2PNode
  readonly #tell: (told: Told) => void
  readonly #quit: () => void
  readonly #signal: AbortSignal
  /** What is asked of others for a panel, and given up with it. */
  #asking = new AbortController()

  constructor({ node, tell, quit, signal }: ActorOptions) {
    this.#node = node
    this.#tell = tell
    this.#quit = quit
    this.#signal = signal
  }

  do(effect: Effect): void {
    // A mistake in an effect must not leave the screen without an answer.
    void this.#carryOut(effect).catch((error: unknown) => this.#failed(effect, error))
  }

  #failed(effect: Effect, error: unknown): void {
    // Our user has given it up, or leaves.
    if (this.#signal.aborted || (error instanceof Error && error.name === 'AbortError')) return
    const prefix = isP2PError(error) ? loudPrefix(error.code) : ''
    const text = displayText(messageOf(error), { maxBytes: limits.shownMessageBytes })
    const what = effect.do === 'send' ? 'Not sent: ' : ''
    this.#tell({ told: 'failed', effect: effect.do, notice: alarm(what + prefix + text) })
    if (effect.do === 'send') this.#tell({ told: 'refused', peerId: effect.peerId, text: effect.text })
  }

  async #carryOut(effect: Effect): Promise<void> {
    const { trust } = this.#node
    switch (effect.do) {
      case 'quit':
        return this.#quit()
      case 'give-up':
        this.#asking.abort()
        this.#asking = new AbortController()
        return undefined
      case 'history':
      case 'send':
      case 'typing':
      case 'mark-read':
      case 'search':
      case 'outbox':
      case 'withdraw':
        return await this.#talk(effect)
      case 'alias':
        return await trust.setAlias(effect.peerId, effect.alias)
      case 'block':
        return await trust.block(effect.peerId)
      case 'unblock':
        return await trust.unblock(effect.peerId)
      case 'policy':
        return await this.#node.setPolicy(effect.policy)
      case 'verify':
      case 'confirm':
      case 'safety-number':
      case 'compare':
      case 'invite':
      case 'scan':
        return await this.#verify(effect)
      case 'share':
      case 'unshare':
      case 'complete':
        return await this.#paths(effect)
      case 'browse':
      case 'fetch':
      case 'find':
      case 'offer':
      case 'accept':
      case 'decline':
      case 'pause':
      case 'resume':
      case 'cancel':
      case 'clear':
        return await this.#files(effect)
    }
  }

  async #paths(effect: EffectOf<'share' | 'unshare' | 'complete'>): Promise<void> {
    const { files } = this.#node
    switch (effect.do) {
      case 'share':
        await files.share(pathOf(effect.path), { signal: this.#signal })
        return this.#say('Shared; others see it as soon as its names are read.')
      case 'unshare':
        return await files.unshare(effect.name)
      case 'complete':
        return this.#tell({ told: 'choices', path: effect.path, choices: await localPaths(effect.path) })
    }
  }

  async #talk(
    effect: EffectOf<'history' | 'send' | 'typing' | 'mark-read' | 'search' | 'outbox' | 'withdraw'>,
  ): Promise<void> {
    const { conversations, outbox } = this.#node
    switch (effect.do) {
      case 'history':
        return await this.#history(effect)
      case 'send': {
        const message = await this.#node
          .conversation(effect.peerId)
          .send(effect.text, { signal: this.#signal })
        return this.#tell({ told: 'accepted', message })
      }
      case 'typing':
        return this.#node.conversation(effect.peerId).typing(effect.typing)
      case 'mark-read':
        return await this.#node.conversation(effect.peerId).markRead()
      case 'search':
        return this.#tell({
          told: 'messages',
          messages: await conversations.search(effect.words, { limit: limits.screenFound }),
        })
      case 'withdraw':
        await outbox.cancel(effect.messageId)
        break
      case 'outbox':
    }
    this.#tell({ told: 'outbox', waiting: await outbox.list() })
  }

  async #history({ peerId, place, from }: EffectOf<'history'>): Promise<void> {
    const talk = this.#node.conversation(peerId)
    const limit = limits.screenPage
    const beside = from === undefined ? {} : place === 'newer' ? { after: from } : { before: from }
    let messages = await talk.history({ limit, ...beside })
    let goesOn = messages.length === limit
    if (place === 'around' && from !== undefined) {
      // The page before the message, the message, and what was said then.
      const behind = await talk.history({ limit, after: messages.at(-1)?.id ?? from })
      goesOn = behind.length === limit
      messages = [...messages, ...behind]
    }
    this.#tell({ told: 'page', page: { peerId, place, messages, goesOn } })
  }

  async #verify(
    effect: EffectOf<'verify' | 'confirm' | 'safety-number' | 'compare' | 'invite' | 'scan'>,
  ): Promise<void> {
    const { trust } = this.#node
    switch (effect.do) {
      case 'verify': {
        const signal = this.#askingSignal()
        const { peerId, code, method } =
          trust.verification(effect.peerId) ?? (await trust.verify(effect.peerId, { signal }))
        return this.#tell({ told: 'code', peerId, code, method })
      }
      case 'confirm':
        // How it ends is an event, as the other user may need a while.
        await trust.verification(effect.peerId)?.confirm(effect.same)
        return undefined
      case 'safety-number': {
        const { peerId } = effect
        return this.#tell({ told: 'safety-number', peerId, digits: await this.#safetyNumber(peerId) })
      }
      case 'compare':
        await trust.compareSafetyNumber(effect.peerId, effect.digits)
        return this.#say('The same. The peer is verified.')
      case 'invite': {
        const { text } = await trust.invite()
        const code = await qrLines(text, plainStyle, Number.POSITIVE_INFINITY)
        return this.#tell({ told: 'invitation', text, code })
      }
      case 'scan':
        this.#say('Whoever shows the code is asked now.')
        await trust.acceptInvitation(effect.text, { signal: this.#signal })
        return this.#say('Verified: the code has the key of the peer.')
    }
  }

  /** Empty for a peer that has no key, or whose key is not known yet. */
  async #safetyNumber(peerId: PeerId): Promise<string> {
    try {
      return await this.#node.trust.safetyNumber(peerId)
    } catch (error) {
      if (isP2PError(error, 'peer-unprovable') || isP2PError(error, 'peer-unknown')) return ''
      throw error
    }
  }

  async #files(
    effect: EffectOf<
      'browse' | 'fetch' | 'find' | 'offer' | 'accept' | 'decline' | 'pause' | 'resume' | 'cancel' | 'clear'
    >,
  ): Promise<void> {
    const { files } = this.#node
    switch (effect.do) {
      case 'browse': {
        const { peerId, path, after } = effect
        const signal = this.#askingSignal()
        const page = await files.list(peerId, path, { signal, ...(after !== undefined && { after }) })
        return this.#tell({ told: 'entries', peerId, path, ...page, isMore: after !== undefined })
      }
      case 'find':
        return await this.#find(effect.pattern)
      case 'fetch': {
        const { path } = await files.get(effect.peerId, effect.path, { signal: this.#signal })
        return this.#say(`Taking ${displayText(path)}.`)
      }
      case 'offer':
        await files.send(effect.peerId, [pathOf(effect.path)], { signal: this.#signal })
        return this.#say('Offered; it is sent as soon as it is taken.')
      case 'accept':
        await files.accept(effect.offerId)
        return undefined
      case 'decline':
      case 'pause':
      case 'resume':
      case 'cancel':
      case 'clear':
        return await this.#change(effect)
    }
  }

  async #change(effect: EffectOf<'decline' | 'pause' | 'resume' | 'cancel' | 'clear'>): Promise<void> {
    const { files } = this.#node
    switch (effect.do) {
      case 'decline':
        return await files.decline(effect.offerId)
      case 'pause':
        return await files.pause(effect.transferId)
      case 'resume':
        return await files.resume(effect.transferId)
      case 'cancel':
        return await files.cancel(effect.transferId)
      case 'clear':
        await files.clear()
        return this.#tell({ told: 'transfers', transfers: files.transfers() })
    }
  }

  async #find(pattern: string): Promise<void> {
    const signal = this.#askingSignal()
    let batch: SharedFile[] = []
    let count = 0
    for await (const file of this.#node.files.find(pattern, { signal })) {
      batch.push(file)
      if (++count >= limits.screenFound) break
      if (batch.length < foundAtOnce) continue
      this.#tell({ told: 'found', files: batch, isOver: false })
      batch = []
      // Keys come first.
      await turn()
    }
    if (!signal.aborted) this.#tell({ told: 'found', files: batch, isOver: true })
  }

  #askingSignal(): AbortSignal {
    return AbortSignal.any([this.#signal, this.#asking.signal])
  }

  #say(text: string): void {
    this.#tell({ told: 'notice', notice: { text, isAlarm: false } })
  }
}
