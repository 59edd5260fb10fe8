/** The public API of p2p, every export named by hand. */
export { errnoOf, errorTable, isP2PError, messageOf, P2PError, type ErrorCode } from './base/errors.ts'
export type { EventStream, EventStreamOptions } from './base/events.ts'
export { limits } from './base/limits.ts'
export { silentLog, type Log, type LogFields, type LogLevel } from './base/log.ts'
export { nearest } from './base/nearest.ts'
export type {
  ExistingPolicy,
  FilePage,
  Files,
  GetOptions,
  OfferedEntry,
  OfferInfo,
  SendOptions,
  SentContent,
  Share,
  SharedFile,
  ShareOptions,
  Transfer,
  TransferLimits,
  TransferState,
  Visibility,
} from './app/files/types.ts'
export type { AutoAccept } from './app/files/offers.ts'
export { diagnose } from './app/diagnose.ts'
export type { DiagnoseOptions, Diagnosis } from './app/diagnosis.ts'
export { readIdentity, rotateIdentity, type IdentityCard, type StoredIdentity } from './app/identity.ts'
export type {
  Contact,
  ConversationInfo,
  ErrorInfo,
  Message,
  MessageState,
  NamedFile,
  NodeEvent,
  NodeInfo,
  Peer,
  PeerKind,
  PeerPath,
  PeerPresence,
  SessionInfo,
  VerificationMethod,
} from './app/node-event.ts'
export type {
  CallOptions,
  Conversation,
  Conversations,
  EmitResult,
  FollowOptions,
  HistoryOptions,
  ImportResult,
  Invitation,
  Outbox,
  P2PNode,
  Peers,
  Session,
  Sessions,
  Trust,
  Verification,
  WaitCause,
  WaitingMessage,
} from './app/p2p-node.ts'
export { startNode } from './app/node.ts'
export type { NodeOptions } from './app/options.ts'
export { broadcast } from './discovery/broadcast.ts'
export type { ExplorerFactory } from './discovery/explorer.ts'
export { multicast } from './discovery/multicast.ts'
export { platformDataDir } from './identity/platform-dir.ts'
export type { FileId } from './protocol/file-id.ts'
export type { EntryKind, SharedEntry } from './protocol/file-messages.ts'
export type { OfferId } from './protocol/offer-id.ts'
export { isProvable, parsePeerId, type PeerId } from './protocol/peer-id.ts'
export {
  findingTable,
  type Facts,
  type Finding,
  type FindingCode,
  type Knock,
  type NetworkFacts,
  type NetworkKind,
  type Obstacle,
  type PeerFacts,
  type WayFacts,
} from './rules/findings.ts'
export { policies, type Policy, type Protection, type TrustState } from './rules/trust.ts'
