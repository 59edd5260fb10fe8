import type { CallOptions, Contact, Invitation, NodeEvent, PeerId, Trust, Verification } from '../index.ts'
import type { VerificationView } from './views.ts'
import type { Wire } from './wire.ts'

export class RemoteTrust implements Trust {
  readonly #wire: Wire
  /** Whoever asks twice for the same one gets the same. */
  readonly #pending = new Map<PeerId, RemoteVerification>()

  constructor(wire: Wire) {
    this.#wire = wire
  }

  list(): readonly Contact[] {
    return this.#wire.state.contacts
  }

  find(id: PeerId): Contact | undefined {
    return this.list().find(({ peerId }) => peerId === id)
  }

  async setAlias(id: PeerId, alias: string): Promise<void> {
    await this.#wire.call('set-alias', { peerId: id, alias })
  }

  async block(id: PeerId): Promise<void> {
    await this.#wire.call('block', { peerId: id })
  }

  async unblock(id: PeerId): Promise<void> {
    await this.#wire.call('unblock', { peerId: id })
  }

  async forget(id: PeerId): Promise<void> {
    await this.#wire.call('forget', { peerId: id })
  }

  async safetyNumber(id: PeerId): Promise<string> {
    const { safetyNumber } = await this.#wire.call<{ readonly safetyNumber: string }>('safety-number', {
      peerId: id,
    })
    return safetyNumber
  }

  async compareSafetyNumber(id: PeerId, digits: string): Promise<void> {
    await this.#wire.call('compare-safety-number', { peerId: id, digits })
  }

  async verify(id: PeerId, options?: CallOptions): Promise<Verification> {
    const view = await this.#wire.call<VerificationView>('verify', { peerId: id }, options)
    return this.#live(view)
  }

  verification(id: PeerId): Verification | undefined {
    const view = this.#wire.state.verifications.find(({ peerId }) => peerId === id)
    return view && this.#live(view)
  }

  async invite(): Promise<Invitation> {
    return await this.#wire.call<Invitation>('invite', {})
  }

  async acceptInvitation(text: string, options?: CallOptions): Promise<Contact> {
    return await this.#wire.call<Contact>('accept-invitation', { text }, options)
  }

  #live(view: VerificationView): Verification {
    const known = this.#pending.get(view.peerId)
    if (known?.code === view.code) return known
    const made = new RemoteVerification(view, this.#wire)
    this.#pending.set(view.peerId, made)
    const forget = (): void => {
      if (this.#pending.get(view.peerId) === made) this.#pending.delete(view.peerId)
    }
    void made.done.then(forget)
    return made
  }
}

class RemoteVerification implements Verification {
  readonly peerId: PeerId
  readonly code: string
  readonly method: 'code' | 'qr'
  readonly incoming: boolean
  readonly done: Promise<boolean>
  readonly #wire: Wire

  constructor({ peerId, code, method, incoming }: VerificationView, wire: Wire) {
    this.peerId = peerId
    this.code = code
    this.method = method
    this.incoming = incoming
    this.#wire = wire
    this.done = new Promise((resolve) => {
      const ended = (ok: boolean): void => {
        stopDone()
        stopStopped()
        resolve(ok)
      }
      const look = (event: Extract<NodeEvent, { type: 'verify:done' }>): void => {
        if (event.peerId === peerId) ended(event.ok)
      }
      const stopDone = wire.hub.on('verify:done', look)
      const stopStopped = wire.hub.on('node:stopped', () => ended(false))
      // It may have ended before anybody could listen.
      if (!wire.state.verifications.some((one) => one.peerId === peerId)) ended(false)
    })
  }

  async confirm(same: boolean): Promise<boolean> {
    const input = { peerId: this.peerId, same }
    const { verified } = await this.#wire.call<{ readonly verified: boolean }>('confirm-verification', input)
    return verified
  }
}
