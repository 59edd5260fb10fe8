import type { PairingChannel, Proof } from './channel.ts'
import { WsChannel, type ChannelSettings, type OpenSocket } from './ws-channel.ts'

/** A channel over WebSocket inside TLS, for pairing. */
export class WsPairingChannel extends WsChannel implements PairingChannel {
  declare readonly proof: Proof
  readonly binding: Uint8Array

  /** @param opened with `binding`, 32 bytes that only the two ends of its connection know */
  constructor(opened: OpenSocket & Pick<PairingChannel, 'proof' | 'binding'>, settings: ChannelSettings) {
    super(opened, settings)
    this.binding = opened.binding
  }
}
