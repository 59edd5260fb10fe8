/** The wire format of p2p as pure functions of bytes; runs in browsers too. Every export named by hand. */
export {
  decodeAnnouncement,
  encodeAnnouncement,
  filesCapability,
  pairingCapability,
  usableIp,
  type Announcement,
  type Upgrade,
} from './announcement.ts'
export {
  fileIdFromRoot,
  groupLeaves,
  hashBytes,
  leafBytes,
  leavesOf,
  parseFileId,
  rootOfFileId,
  type FileId,
} from './file-id.ts'
export {
  decodeAvailability,
  decodeFileList,
  decodeOffer,
  decodeOfferAnswer,
  encodeAvailability,
  encodeFileList,
  encodeOffer,
  encodeOfferAnswer,
  type Availability,
  type EntryKind,
  type FileList,
  type Offer,
  type OfferAnswer,
  type OfferEntry,
  type SharedEntry,
} from './file-messages.ts'
export {
  encodeRequest,
  parseRequest,
  type AvailabilityRequest,
  type ContentRequest,
  type FileRequest,
  type FindRequest,
  type HttpFileRequest,
  type ListRequest,
  type NoFileRequest,
  type PackRequest,
  type TreeRequest,
} from './file-request.ts'
export {
  decodeFrame,
  decodeMessages,
  encodeFrame,
  type Frame,
  type Greeting,
  type OutgoingFrame,
  type Receipt,
} from './frame.ts'
export { isDialableIp } from './ip-address.ts'
export {
  decodeMessage,
  encodeMessage,
  wireTimeFromMs,
  wireTimeToMs,
  type Delivery,
  type MessageContent,
  type WireMessage,
  type WireTime,
} from './message.ts'
export { messageIdFromBytes, messageIdToBytes, parseMessageId, type MessageId } from './message-id.ts'
export { parseOfferId, type OfferId } from './offer-id.ts'
export {
  comparePeerIds,
  isProvable,
  parsePeerId,
  peerIdFromBytes,
  peerIdFromDigest,
  peerIdPreimage,
  peerIdToBytes,
  type PeerId,
} from './peer-id.ts'
export {
  decodePairing,
  decodeSuccession,
  encodePairing,
  encodeSuccession,
  successionSignedBytes,
  type PairingMessage,
  type Succession,
} from './pairing.ts'
export { decodePackTable, encodePackTable, packTableBytes } from './pack.ts'
export { decodePeerList, encodePeerList } from './peer-list.ts'
