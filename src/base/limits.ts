/**
 * Every bound on what a stranger can make grow, in one place. Rows such as U15 or W10 are those of the threat
 * table in docs/security.md.
 */
export const limits = {
  /** Longest datagram that is read, and the hard limit of what is sent: the reference's buffer (U12). */
  datagramBytes: 1024,
  /** Our own announcements stay below this. */
  announcementBytes: 512,
  /** Socket buffer asked of the kernel: with the default one a burst of 1,000 datagrams loses two thirds. */
  receiveBufferBytes: 4 * 1024 * 1024,
  /** A name that a peer gives itself, UTF-8 (U19). */
  nameBytes: 64,
  /** Entries of `Peer.files`, and bytes of each key and value (U11). */
  filesEntries: 32,
  filesEntryBytes: 256,
  /** Longest text of a claimed address that is kept: no address needs more than 45 characters (U10). */
  claimedIpLength: 64,
  /** Nested groups or messages that a decoder follows (U7). */
  nestingDepth: 16,

  /** Peers that have proved nothing, in all and from one source address (U15). */
  peers: 1024,
  peersPerSource: 64,
  /** Peers that a /ping or a session has confirmed: beyond it, a confirmed peer can be forgotten like any other. */
  confirmedPeers: 4096,
  /**
   * New peers a second, in all and from one source address, after a burst of `peers` and `peersPerSource`; changes
   * of known ones likewise (U15). So slow that a flood that lasts needs more than a period to push out everybody:
   * who announces in every period stays.
   */
  peerEventsPerSecond: 25,
  peerEventsPerSourcePerSecond: 1,
  /** Source addresses whose rate is remembered. */
  sources: 1024,
  /** Addresses kept for one peer, unconfirmed ones that one source told of (U16), and how long such a one is kept (U18). */
  pathsPerPeer: 4,
  pathsPerSource: 2,
  pathLifetimeMs: 90_000,

  /** Answers to announcements: per source address, in all, and to sources off the link (U13, U14). */
  answerIntervalMs: 5_000,
  answersPerSecond: 20,
  /** An answer that has to wait longer than this comes late, and announcements to everybody for one newcomer. */
  lateAnswerMs: 1_000,
  greetIntervalMs: 2_000,
  offLinkAnswerIntervalMs: 60_000,
  /** Peers whose last answer is remembered, so that they are not answered again. */
  answerMemory: 16_384,
  /** Reference peers that are answered in one `answerIntervalMs`; with more of them, each is answered less often. */
  referenceAnswers: 10,
  /** Random delay of an answer: none up to so many known peers, then this for each, up to a maximum. */
  undelayedPeers: 8,
  answerDelayPerPeerMs: 2,
  answerDelayMs: 5_000,
  /** Answers that wait for their random delay. */
  pendingAnswers: 1024,

  /** An announcement is said once more after this, at start and after a change of the network. */
  repeatAnnouncementMs: 1_000,
  /** How often network interfaces are read, and memberships renewed; one reading takes 0.1 ms. */
  interfacePollMs: 1_000,
  /** A network interface that fails is tried again after the first, then twice that, up to the last (U21). */
  firstRetryMs: 1_000,
  lastRetryMs: 60_000,
  /** What strangers can make us warn of is told at most this often for each cause (U4, K7), and causes told apart. */
  warningIntervalMs: 600_000,
  warningCauses: 256,
  /** Announced keys whose hash is remembered, so that the same is not computed at every announcement (U17). */
  checkedKeys: 4096,

  /** /ping of known peers: period, time limit, failures in a row and silence that end a peer. */
  pingPeriodMs: 30_000,
  /** A peer of ours that has proved its address, and is heard at it, need not prove it again for so long. */
  provenMs: 300_000,
  /**
   * A new peer of ours is asked within so much for each known peer: many who hear it at once ask no faster than
   * they do later, and it pays for 33 handshakes of TLS a second at most.
   */
  firstPingPerPeerMs: 30,
  pingTimeoutMs: 2_000,
  pingFailures: 2,
  /** A confirmed address is checked sooner when the peer is heard at another one: not more often than this. */
  contestedPingMs: 5_000,
  /** After a goodbye that /ping disproved, no other of that peer is checked for this long: a stranger said it (U16). */
  falseGoodbyeMs: 5_000,
  silenceMs: 65_000,
  pingsAtOnce: 32,
  /** Bytes of a /ping answer that are read (H13). */
  pingBytes: 64,

  /** First byte, then whole header, of an accepted connection (H1). */
  firstByteMs: 3_000,
  headersMs: 5_000,
  headerBytes: 16 * 1024,
  headerCount: 100,
  /** Connections that are neither upgraded nor served yet: from one address, and in all (H2). */
  pendingPerAddress: 8,
  pending: 64,
  /** A pending connection older than this gives way to a newcomer when the room is full; honest ones are served by then. */
  pendingGraceMs: 250,
  /** Bytes of a TLS handshake from the other side: ours has about 1,200, a certificate of 60 KB more (T4). */
  handshakeBytes: 4 * 1024,
  /** What may come in one piece with its end: the head of a request, and the body of one for a pack. */
  firstRequestBytes: 48 * 1024,
  /** What TLS carries beside data in a session: ours has 4,000 bytes of handshake, and no key updates (T10). */
  tlsExtraBytes: 64 * 1024,
  /** A peer's certificate; ours has about 200 bytes (T4). */
  certificateBytes: 512,
  /** Good certificates that are remembered, so that a peer that calls again is known at once. */
  knownCertificates: 1024,
  /** Open sessions from one address: IDs are free to make, so that those of one host must not fill the node. */
  sessionsPerAddress: 64,
  /** /peers that we serve: body, so that head and body stay within the reference's 4,000 (H10, H11). */
  peerListBytes: 3_800,
  /** /peers that we read: bytes, time, entries (H12). */
  fetchedPeerListBytes: 64 * 1024,
  fetchPeersMs: 5_000,
  fetchedPeers: 64,

  /** Longest WebSocket message, both ways: the reference closes with 1009 beyond it (W6). */
  messageBytes: 32_768,
  /** Messages that come in one frame, between our peers; what our own sender puts into one, and its bytes. */
  messagesPerFrame: 1024,
  batchedMessages: 256,
  batchedBytes: 16 * 1024,
  /** Fragments of one message, and the time it may take (W7). */
  messageFragments: 32,
  messageMs: 10_000,
  /** Pieces in which the network may deliver one frame before ws gives up on it. */
  messageChunks: 256,
  /** Messages accepted from one session: rate, burst, and how long a peer may press on (W9). */
  messagesPerSecond: 50,
  messageBurst: 200,
  pressingMs: 30_000,
  /** Share of that rate which our own sender uses: its pings count too, and it must never seem to press. */
  sendRateShare: 0.9,
  /** Messages that are read from the disk in one go to leave in one session, and characters that stay in memory (W10). */
  queuedMessages: 256,
  queuedBytes: 1024 * 1024,
  /** Bytes of one channel that wait to leave before `send` asks its caller to wait. */
  sendHighWaterBytes: 256 * 1024,
  /** Frames of one tick are gathered into writes of about this size. */
  gatheredBytes: 64 * 1024,
  /** What waits for the reader of one channel before it stops reading from the network. */
  receivedFrames: 1024,
  receivedBytes: 1024 * 1024,
  /** Sessions with one peer (W11), and in all. */
  sessionsPerPeer: 2,
  /** Two sessions that were dialled from both ends within this time are one too many (W11). */
  simultaneousDialMs: 10_000,
  sessions: 4096,
  /** Our WebSocket ping, and the time the pong may take: together below 25 s. */
  keepAliveMs: 10_000,
  pongMs: 10_000,
  /** How often all channels are looked at for their time limits. */
  sweepMs: 500,
  /** WebSocket handshake that we dial. */
  dialMs: 5_000,
  /** Head start of a better address over the next one. */
  dialStaggerMs: 250,
  /** A close handshake that the other side does not finish (W5). */
  closeMs: 2_000,
  /** Messages to a reference peer that has not said anything since: paced, then held (W13). */
  unansweredPaced: 15,
  unansweredIntervalMs: 5_000,
  unansweredHeld: 20,

  /** A peer that never reads while we send: its session ends after this long (W10). */
  stalledMs: 10_000,
  /** A session that the network ended: first and longest pause between dials, and when to give up. */
  redialFirstMs: 250,
  redialLongestMs: 4_000,
  redialForMs: 15 * 60_000,

  /** One text between our peers, UTF-8; it travels in parts. */
  textBytes: 1024 * 1024,
  /** Text of one part of a long message, so that its frame stays within `messageBytes`. */
  partBytes: 30 * 1024,
  /** Parts of one long message that we join; our own have 35 at most. */
  textParts: 64,
  /** Greetings on one channel: the first, one for a new stream of its author, one that has learned a new stream of ours. */
  greetings: 3,
  /** Messages and bytes that may be on the way to one peer without a receipt. */
  unconfirmedMessages: 4096,
  unconfirmedBytes: 4 * 1024 * 1024,
  /** Messages that wait for one absent peer, their bytes, and messages for all of them. */
  outboxMessagesPerPeer: 20_000,
  outboxBytesPerPeer: 64 * 1024 * 1024,
  outboxMessages: 100_000,
  /**
   * What is kept of peers that our user never wrote to, verified or named: messages and bytes of one, and of all. How often all of it
   * is counted again.
   */
  strangerMessagesPerPeer: 1_000,
  strangerBytesPerPeer: 4 * 1024 * 1024,
  strangerMessages: 10_000,
  strangerBytes: 64 * 1024 * 1024,
  strangerRecountMs: 10_000,
  /** Pauses between dials of a peer that messages wait for. */
  outboxFirstDialMs: 1_000,
  outboxLongestDialMs: 300_000,
  /** Peers that are dialled at the same time for what waits for them, or at start to see who is there. */
  outboxDials: 8,
  acquaintances: 256,
  /** How often it is written where an acquaintance was met, for each. */
  metNoteMs: 60_000,
  /** A verified peer may send faster than a stranger: it has a backlog to deliver. */
  verifiedMessagesPerSecond: 5_000,
  verifiedMessageBurst: 20_000,
  /** When what came is tried to be stored again, after the disk refused. */
  storeRetryMs: 1_000,
  /** One page of history. */
  historyPage: 1_000,
  /** Characters of a search, and words in it. */
  searchCharacters: 256,
  searchWords: 8,
  /** Rows that are put into the search index in one go, and their bytes, so that nothing else waits for long. */
  indexedAtOnce: 500,
  indexedBytesAtOnce: 256 * 1024,
  /** That somebody types is told at most this often, and believed for twice as long. */
  typingMs: 3_000,
  /** A sender's clock that differs by more than this from ours is shown as odd. */
  oddClockMs: 5 * 60_000,

  /** One answer about files that is no content: a page of a list, hashes, what a peer has. */
  fileMessageBytes: 512 * 1024,
  /** Entries of one page of a list, and bytes of one name and of a whole path in it, UTF-8. */
  listEntries: 1_000,
  fileNameBytes: 255,
  filePathBytes: 4_096,
  /** Folders inside each other that are taken, and shared (F7). */
  folderDepth: 64,
  /** Largest file: 16 TiB, whose group hashes are 512 KiB. */
  fileBytes: 16 * 1024 ** 4,
  /** Files asked for in one pack; together at most so many bytes. */
  packFiles: 1_024,
  packBytes: 16 * 1024 * 1024,
  /** Connections for files: from one peer, and in all; how long one may stall, and be idle (F6). */
  fileConnectionsPerPeer: 4,
  fileConnections: 16,
  fileStallMs: 30_000,
  fileIdleMs: 60_000,
  /**
   * In the middle of a file nothing may come for so long: what is missing is asked for anew, on another connection. TCP that has lost much
   * waits ever longer before it tries again, a new one does not.
   */
  fileQuietMs: 5_000,
  /** A source that gives less in `fileStallMs` only holds on to its place (F6). */
  slowSourceBytesPerSecond: 1024,
  /** The other end of a connection for files is looked for when it says nothing, by the system: how often, and how many times in vain. */
  fileProbeMs: 1_000,
  fileProbes: 6,
  /** Who takes content at this rate is only slow: the system holds up to a chunk, of which this end does not see how it leaves. */
  slowReaderBytesPerSecond: 16 * 1024,
  /** Buffers of 1 MiB of one connection, at each end. */
  filePieces: 4,
  /** Of all connections together, beyond two for each. */
  fileBuffers: 24,
  /** Shares, and named peers of one share. */
  shares: 1_000,
  sharePeers: 256,
  /** Files that are hashed before all others because somebody has asked for them. */
  hurriedFiles: 1_024,
  /** How often folders are looked through for changes that nobody told of. */
  rescanMs: 60_000,
  /** Folders of all shares that are watched for changes, where each takes a watch of its own, and changes told one by one. */
  watchedFolders: 4_096,
  toldChanges: 1_000,
  /** What an offer names, its bytes, and offers of one peer that wait for an answer (F10, F12). */
  offerEntries: 1_000,
  offerBytes: 64 * 1024,
  pendingOffersPerPeer: 5,
  /** Why an offer failed, UTF-8. */
  offerReasonBytes: 200,
  /** Offers that are remembered, both ways. */
  offers: 1_000,
  /** What those name, as it is stored: all of it is read to list them. */
  offersBytes: 16 * 1024 * 1024,
  /** Offers that wait of all peers that our user never wrote to, verified or named: they must not fill `offers`. */
  strangerOffers: 100,
  /** What has to stay free on the disk when an offer is accepted by a rule, after everything that is under way. */
  ruleFreeBytes: 1024 ** 3,
  /** Folders in an offer, beyond one for each file: it does not say how many there are. */
  offerFolders: 10_000,
  /** How long an offer can be fetched. */
  offerMs: 30 * 24 * 3_600_000,
  /** Files of one transfer, each of which takes a row, with the folders that they are in. */
  transferFiles: 5_000_000,
  /** Transfers that are remembered, those under way at the same time, and sources of one. */
  transfers: 1_000,
  activeTransfers: 3,
  transferSources: 8,
  /** Chunks of one file whose beginning is kept, 1 MiB each, because their sources broke off. */
  begunChunks: 4,
  /** Who takes what of our shares, that is shown at once; contents of one that are counted once; how long after its last byte it ends. */
  shownTakings: 64,
  countedContents: 4_096,
  takingMs: 3_000,
  /** Peers that are asked whether they have a content too. */
  askedHolders: 64,
  /** Fellows that are named, and how long a fetch of theirs makes them one. */
  fellows: 32,
  fellowMs: 10 * 60_000,
  /** Peers whose files are searched at the same time, and how long one may take for a page. */
  findsAtOnce: 16,
  findMs: 10_000,
  /** Searches that we do for others at the same time; who asks for more waits in line. */
  servedFinds: 2,
  /** What a source has is asked again after this. */
  availabilityMs: 500,
  /** Progress of one transfer is told at most this often. */
  progressMs: 100,
  /** A transfer that found no source tries again after the first pause, then twice that, up to the last. */
  transferRetryFirstMs: 1_000,
  transferRetryLastMs: 60_000,
  /** Verified bytes that a crash may cost. */
  repeatedBytes: 8 * 1024 * 1024,
  /** Other names that are tried for a file whose name is taken. */
  renameTries: 1_000,
  /** Names of what is in the folders that files are put into, which are kept to see which are taken (F8). */
  knownNames: 100_000,
  /** A thread for files that has nothing to do ends after this. */
  workerIdleMs: 30_000,

  /** Events that wait for one slow `node.events()` reader. */
  queuedEvents: 4096,

  /** The configuration file, and the mistakes in it that are told at once (K4). */
  configBytes: 64 * 1024,
  configMistakes: 10,
  /** Brackets and dashes in it, which no key needs: they are what nests, and a deep nest ends the process (K4). */
  configBrackets: 64,
  /** How often one may announce. */
  shortestPeriodMs: 500,
  longestPeriodMs: 3_600_000,
  /** How long one may wish messages to be kept; without a wish they are kept for ever. */
  longestKeepDays: 36_500,

  /** Wait for a data directory that another process has, before it is refused. */
  lockWaitMs: 100,
  /** identity.pem, with room for white space that an editor adds; ours has 119 bytes. */
  identityFileBytes: 1024,
  /** For so long a former key tells everybody whom it knew about its successor; keys that do so at once. */
  successionMs: 30 * 24 * 3_600_000,
  formerIdentities: 8,

  /** An alias, UTF-8. */
  aliasBytes: 64,
  /** Peers met for the first time whose keys are written to the disk: a second, and at once; others wait for the next time. */
  newPinsPerSecond: 10,
  newPinBurst: 64,
  /** How long those keys wait, to be written together. */
  notedMs: 1_000,
  /** How often the time of the last meeting is written, for each peer. */
  metAgainMs: 24 * 3_600_000,
  /** Peers that are remembered without an alias and without a decision of ours: the one not met for longest gives way. */
  pins: 4096,
  /** Peers with an alias, verified or blocked: beyond it one has to be forgotten first. */
  contacts: 16_384,
  /** One frame of a pairing connection, and how many may come on one. */
  pairingFrameBytes: 1024,
  pairingFrames: 16,
  /** Pairing connections: open at once, in all and for strangers from one address; new in a minute likewise, and from one peer. */
  pairings: 16,
  pairingsPerAddress: 4,
  pairingsPerPeerPerMinute: 3,
  pairingsPerAddressPerMinute: 10,
  pairingsPerMinute: 30,
  /** Two people compare the code in this time; after a failure the same peer has to wait; attempts in an hour (T13). */
  verifyMs: 120_000,
  verifyBackOffMs: 60_000,
  verifyAttemptsPerHour: 5,
  /** How long the secret of a QR code is good, and how many are at once. */
  invitationMs: 5 * 60_000,
  invitations: 8,
  /** That somebody has used a code which is good no more is told at most this often: anybody can say so. */
  scanAlarmMs: 60_000,

  /** Wait for the answer to a targeted announcement, and when it is said again in case it was lost. */
  probeMs: 5_000,
  probeRepeatMs: 1_000,
  probeRepeats: 2,
  /** Wait for what is sent to ourselves, and addresses outside our networks that are kept, for diagnosis. */
  selfCallMs: 1_000,
  /** How long the doctor listens to what is in use, then to what it tries besides, and how long it knocks: ARP gives up after 3 s. */
  diagnoseMs: 2_000,
  diagnoseTrialMs: 1_500,
  diagnosePatienceMs: 22_000,
  knockMs: 3_500,
  /** How many of those that were heard, and of those that others tell of, the doctor tries; and how many it asks for others. */
  diagnosedPeers: 16,
  diagnosisTellers: 4,
  elsewhereAddresses: 8,
  /** Time for the farewell, and from the wish to stop until everything is closed. */
  farewellMs: 1_000,
  shutdownMs: 2_000,

  /** One line of the command's standard input. */
  inputLineBytes: 1024 * 1024,
  /** One line of an import: a text of `textBytes` with every character escaped, and what is said of it. */
  importLineBytes: 8 * 1024 * 1024,
  /** What is shown of one message (L3): bytes, lines, marks on one letter. */
  shownMessageBytes: 4096,
  shownLines: 40,
  shownMarks: 4,
  /** What is shown of a name or a reason, and of a message in the line that announces it. */
  shownTextBytes: 200,
  shownPreviewBytes: 80,
  /** Lines that strangers can cause at the prompt: how many at once, and per second after that (U15, W9). */
  unaskedLineBurst: 20,
  unaskedLinesPerSecond: 1,
  /** Bytes that may wait for a slow reader of the command's output before events are dropped. */
  outputBytes: 8 * 1024 * 1024,
  /** Messages of a conversation that the terminal UI holds, and how many it asks for at once (a window on the history). */
  screenMessages: 400,
  screenPage: 100,
  /** Files or messages that a search of the terminal UI lists, and entries of a folder. */
  screenFound: 1_000,
  screenEntries: 100_000,
  /** Half-written messages that the terminal UI keeps, one for each peer; characters of what is typed. */
  screenDrafts: 64,
  screenFieldCharacters: 100_000,
  /** Alarms that the terminal UI holds for who listens to it: all that come between two lines that are said. */
  screenAlarms: 100,
  /** Events of the node are drawn together, at most this often; keys are drawn at once. */
  screenEventsMs: 50,
  /** Messages of the open conversation that the page holds, and how many it asks for at once. */
  pageMessages: 400,
  pageMessagesAtOnce: 60,
  /** Entries of one folder, or of one search, that the page holds. */
  pageEntries: 20_000,
  /** Half-written messages that the page keeps, one for each peer, and notices that stand on it at once. */
  pageDrafts: 64,
  pageNotices: 4,
  /** Transfers whose speeds the page keeps for a plot, and speeds of one: eight seconds, at ten a second. */
  pagePlots: 64,
  pagePlotSpeeds: 80,
  /** Files on their way from the browser to the node: all that were dropped or chosen, and those of them that are read at once. */
  pageUploads: 1_000,
  pageUploadsAtOnce: 2,
  /** Contents that come through the control API for one offer, and bytes of the line that names them. */
  sentContents: 1_000,
  sentContentsLineBytes: 1024 * 1024,
  /** Pictures that wait to be fetched for the page: more than are on the highest screen; those that were scrolled past do not wait. */
  pagePictures: 128,
  /** Bytes of a picture for a thumbnail, and for a preview (C7); its pixels: a decoder needs four bytes for each, and a small file may have many. */
  thumbnailBytes: 4 * 1024 * 1024,
  previewBytes: 32 * 1024 * 1024,
  picturePixels: 40_000_000,
  /** Commands that the shell remembers across runs. */
  shellHistoryLines: 1000,
  /** Log files: size and number, one line per cause in this time, causes told apart (L6). */
  logFileBytes: 5 * 1024 * 1024,
  logFiles: 5,
  logIntervalMs: 60_000,
  logCauses: 64,

  /** One request to the control API (C8): body, depth of its JSON, headers; streams and texts have bounds of their own. */
  controlBodyBytes: 64 * 1024,
  controlDepth: 16,
  controlHeaderBytes: 16 * 1024,
  /** Connections to each of its listeners: there are not more than 256 file descriptors everywhere. */
  controlConnections: 128,
  /** How long a command looks for a node that has its data directory and is just starting. */
  controlFindMs: 1_000,
  /** A node that runs and does not answer in this time is stuck, or stopped. */
  controlAnswerMs: 10_000,
  /** What a reader of events says first, and in what time; also for the headers of a request. */
  controlTokenBytes: 1024,
  controlTokenMs: 5_000,
  /**
   * A code that lets a page in: how long it is good, codes at once, and wrong ones before none is good. Of 2^60 codes so many tries find one of
   * eight with a chance of 10^-13; a few would let any program of the machine lock our user out.
   */
  pageCodeMs: 60_000,
  pageCodes: 8,
  pageCodeTries: 10_000,
  /** Commands that are run for events: at once, waiting, and how long one may take. */
  hooksAtOnce: 4,
  hooksWaiting: 256,
  hookMs: 60_000,
  /** What may wait for a slow reader of events before it misses some. */
  controlReaderBytes: 1024 * 1024,
} as const

/** The same bounds with other numbers: tests lower them to be quick, and lift them to show that they are needed. */
export type Limits = { readonly [Name in keyof typeof limits]: number }
