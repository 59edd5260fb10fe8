import { resolve } from 'node:path'
import type {
  CallOptions,
  FilePage,
  Files,
  GetOptions,
  OfferInfo,
  PeerId,
  SendOptions,
  SentContent,
  Share,
  SharedFile,
  ShareOptions,
  Transfer,
  TransferLimits,
  Visibility,
} from '../index.ts'
import { bodyOf } from './contents.ts'
import { parseTold } from './views.ts'
import type { Wire } from './wire.ts'

/** Paths are those of this process, which stands elsewhere than the node. */
export class RemoteFiles implements Files {
  readonly #wire: Wire

  constructor(wire: Wire) {
    this.#wire = wire
  }

  async share(path: string, { signal, ...options }: ShareOptions = {}): Promise<Share> {
    return await this.#wire.call<Share>('share', { path: resolve(path), ...options }, signal && { signal })
  }

  async setVisibility(name: string, visibleTo: Visibility): Promise<void> {
    await this.#wire.call('set-visibility', { name, visibleTo })
  }

  async unshare(name: string): Promise<void> {
    await this.#wire.call('unshare', { name })
  }

  shares(): readonly Share[] {
    return this.#wire.state.shares
  }

  async list(
    peerId: PeerId,
    path = '',
    { signal, ...options }: CallOptions & { readonly after?: string; readonly deep?: boolean } = {},
  ): Promise<FilePage> {
    return await this.#wire.call<FilePage>('list-files', { peerId, path, ...options }, signal && { signal })
  }

  async *find(
    pattern: string,
    { signal, ...options }: CallOptions & { readonly peers?: readonly PeerId[] } = {},
  ): AsyncGenerator<SharedFile, void> {
    const lines = this.#wire.caller.lines('find-files', { pattern, ...options }, signal && { signal })
    for await (const line of lines) yield parseTold<SharedFile>(line)
  }

  async get(peerId: PeerId, path: string, { signal, to, existing }: GetOptions = {}): Promise<Transfer> {
    const input = { peerId, path, ...targetOf({ to, existing }) }
    return await this.#wire.call<Transfer>('get', input, signal && { signal })
  }

  read(peerId: PeerId, path: string, options: CallOptions = {}): AsyncIterable<Uint8Array> {
    return this.#wire.caller.bytes('read', { peerId, path }, options)
  }

  async send(
    peerId: PeerId,
    paths: readonly string[],
    { signal, ...options }: SendOptions = {},
  ): Promise<OfferInfo> {
    const input = { peerId, paths: paths.map((path) => resolve(path)), ...options }
    return await this.#wire.call<OfferInfo>('send-files', input, signal && { signal })
  }

  // oxlint-disable-next-line eslint/max-params -- as `Files` names them
  async sendStream(
    peerId: PeerId,
    name: string,
    content: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<OfferInfo> {
    return await this.#wire.pour<OfferInfo>('send-stream', { peerId, name }, { ...options, body: content })
  }

  async sendContents(
    peerId: PeerId,
    contents: readonly SentContent[],
    options: CallOptions = {},
  ): Promise<OfferInfo> {
    const body = bodyOf(contents)
    return await this.#wire.pour<OfferInfo>('send-contents', { peerId }, { ...options, body })
  }

  offers(): readonly OfferInfo[] {
    return this.#wire.state.offers
  }

  async accept(offerId: string, options: Pick<GetOptions, 'to' | 'existing'> = {}): Promise<Transfer> {
    return await this.#wire.call<Transfer>('accept', { offerId, ...targetOf(options) })
  }

  async decline(offerId: string): Promise<void> {
    await this.#wire.call('decline', { offerId })
  }

  transfers(): readonly Transfer[] {
    return this.#wire.state.transfers
  }

  async pause(id: string): Promise<void> {
    await this.#wire.call('pause', { id })
  }

  async resume(id: string): Promise<void> {
    await this.#wire.call('resume', { id })
  }

  async cancel(id: string): Promise<void> {
    await this.#wire.call('cancel', { id })
  }

  async clear(): Promise<void> {
    await this.#wire.call('clear', {})
  }

  async finished(id: string, options: CallOptions = {}): Promise<Transfer> {
    return await this.#wire.call<Transfer>('finished', { id }, options)
  }

  get limits(): TransferLimits {
    return this.#wire.state.limits
  }

  async setLimits(limits: Partial<TransferLimits>): Promise<void> {
    await this.#wire.call('set-limits', limits)
  }
}

function targetOf({
  to,
  existing,
}: {
  readonly to?: string | undefined
  readonly existing?: GetOptions['existing'] | undefined
}): Pick<GetOptions, 'to' | 'existing'> {
  return { ...(to !== undefined && { to: resolve(to) }), ...(existing !== undefined && { existing }) }
}
