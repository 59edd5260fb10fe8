/**
 * Everything that can go wrong, in one table. Servers, the command and docs/errors.md read it, and a test fails
 * when they differ.
 */

interface ErrorEntry {
  /** What happened, for people. The message of a thrown error adds to what, and what to do next. */
  readonly sentence: string
  /** Exit status of the command when this ends it; numbers from sysexits(3) where one fits. */
  readonly exit: number
  /** Status of an HTTP answer that reports it. */
  readonly http?: number
  /** WebSocket close code that reports it. */
  readonly close?: number
  /** Whether doing the same thing again later can help. */
  readonly retry: boolean
}

export const errorTable = {
  internal: { sentence: 'Something broke inside p2p.', exit: 70, http: 500, close: 1011, retry: false },
  usage: { sentence: 'The command line or a command is not understood.', exit: 64, retry: false },
  'config-invalid': { sentence: 'The configuration has a mistake.', exit: 78, retry: false },
  'interface-unknown': { sentence: 'No network interface has this name.', exit: 78, retry: false },
  'identity-invalid': { sentence: 'The file with the identity cannot be used.', exit: 78, retry: false },
  'identity-duplicate': { sentence: 'Another node has the identity of this one.', exit: 78, retry: false },
  'data-dir-busy': { sentence: 'Another p2p uses this data directory.', exit: 75, retry: true },
  'file-unusable': { sentence: 'The file cannot be used.', exit: 73, retry: false },
  'data-dir-unusable': { sentence: 'The data directory cannot be used.', exit: 73, retry: false },
  'port-taken': { sentence: 'Another program has this port.', exit: 69, retry: true },
  'port-forbidden': { sentence: 'This port may not be used by this user.', exit: 77, retry: false },
  'network-unusable': { sentence: 'The network refused an operation.', exit: 69, retry: true },
  'peer-unknown': { sentence: 'No such peer is known.', exit: 1, http: 403, retry: true },
  'session-unknown': { sentence: 'No such session is open.', exit: 1, retry: false },
  ambiguous: { sentence: 'More than one thing matches.', exit: 64, retry: false },
  'peer-unreachable': { sentence: 'The peer does not answer.', exit: 69, retry: true },
  'peer-refused': { sentence: 'The peer refused.', exit: 69, http: 403, retry: true },
  'policy-refused': { sentence: 'The policy of this node forbids it.', exit: 77, http: 403, retry: false },
  'peer-blocked': { sentence: 'The peer is blocked.', exit: 77, http: 403, retry: false },
  'insecure-connection': { sentence: 'The secure connection failed.', exit: 76, retry: true },
  'identity-mismatch': {
    sentence: 'Somebody else answers in the place of the peer.',
    exit: 76,
    retry: false,
  },
  'peer-unprovable': { sentence: 'This peer cannot prove who it is.', exit: 65, retry: false },
  'alias-taken': { sentence: 'Another peer has this alias.', exit: 65, retry: false },
  'alias-invalid': { sentence: 'This cannot be an alias.', exit: 65, retry: false },
  'verification-failed': { sentence: 'The verification failed.', exit: 76, retry: true },
  'store-unwritable': { sentence: 'What has to last cannot be stored.', exit: 74, retry: true },
  'store-unreadable': { sentence: 'What is stored cannot be read.', exit: 74, retry: false },
  'message-unknown': { sentence: 'No such message is waiting.', exit: 1, retry: false },
  'share-invalid': { sentence: 'This cannot be shared.', exit: 65, retry: false },
  'share-taken': { sentence: 'Another share has this name.', exit: 65, retry: false },
  'share-unknown': { sentence: 'No share has this name.', exit: 1, retry: false },
  'file-unknown': { sentence: 'The peer has no such file for us.', exit: 66, http: 404, retry: true },
  'file-changed': { sentence: 'The file has changed while it was sent.', exit: 75, retry: true },
  'file-exists': { sentence: 'There is a file with this name already.', exit: 73, retry: false },
  'file-name-invalid': { sentence: 'A file cannot have this name here.', exit: 65, retry: false },
  'content-corrupt': { sentence: 'What came is not what was asked for.', exit: 76, retry: true },
  'disk-full': { sentence: 'There is not enough space on the disk.', exit: 73, retry: true },
  'disk-failed': { sentence: 'The disk refused an operation.', exit: 74, retry: true },
  'transfer-unknown': { sentence: 'No such transfer is here.', exit: 1, retry: false },
  'transfer-cancelled': { sentence: 'The transfer was cancelled.', exit: 75, retry: false },
  'offer-unknown': { sentence: 'No such offer waits.', exit: 1, retry: false },
  'offer-declined': { sentence: 'The offer was declined.', exit: 77, retry: false },
  'trust-unwritable': { sentence: 'What is known of peers cannot be stored.', exit: 74, retry: true },
  'trust-damaged': { sentence: 'The file with what is known of peers was damaged.', exit: 74, retry: false },
  'control-refused': {
    sentence: 'The control API does not serve this caller.',
    exit: 77,
    http: 403,
    retry: false,
  },
  'no-answer': { sentence: 'Nothing answered.', exit: 69, retry: true },
  'not-a-peer': { sentence: 'Something answered, but not a peer.', exit: 65, retry: false },
  'protocol-violation': {
    sentence: 'The other side broke the protocol.',
    exit: 76,
    http: 400,
    close: 1002,
    retry: false,
  },
  'message-too-long': {
    sentence: 'The message is too long.',
    exit: 65,
    http: 413,
    close: 1009,
    retry: false,
  },
  'queue-full': { sentence: 'Events were left out: they were read too slowly.', exit: 75, retry: true },
  'too-many': {
    sentence: 'A limit on simultaneous work is reached.',
    exit: 75,
    http: 503,
    close: 1013,
    retry: true,
  },
  'session-closed': { sentence: 'The session has ended.', exit: 69, close: 1000, retry: true },
  'output-closed': { sentence: 'Nobody reads the output any more.', exit: 74, retry: false },
  'node-stopped': { sentence: 'The node is stopping.', exit: 69, http: 503, close: 1001, retry: true },
  timeout: { sentence: 'It took too long.', exit: 75, close: 1008, retry: true },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errorTable

/** The only error class that p2p throws on purpose. `code` is stable; the message is for people. */
export class P2PError extends Error {
  override readonly name = 'P2PError'
  readonly code: ErrorCode

  /** @param message what happened, to what, and what to do next */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** What the table says of this code. */
  get entry(): ErrorEntry {
    return errorTable[this.code]
  }
}

/** Whether `error` is a {@link P2PError}, and, when `code` is given, one with that code. */
export function isP2PError(error: unknown, code?: ErrorCode): error is P2PError {
  return error instanceof P2PError && (code === undefined || error.code === code)
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The errno name (`ECONNREFUSED` …) of a platform error, if it has one. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}
