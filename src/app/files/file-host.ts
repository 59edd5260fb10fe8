import { setImmediate } from 'node:timers/promises'
import { limits } from '../../base/limits.ts'
import { monotonicMs } from '../../base/time.ts'
import { encodeAvailability, encodeFileList } from '../../protocol/file-messages.ts'
import type {
  AvailabilityRequest,
  FileRequest,
  FindRequest,
  ListRequest,
  TreeRequest,
} from '../../protocol/file-request.ts'
import type { SharedEntry } from '../../protocol/file-messages.ts'
import type { PeerId } from '../../protocol/peer-id.ts'
import type { IndexedFile, ShareStore } from '../../store/share-store.ts'
import type { FileHost, FileReply } from '../../transport/files.ts'
import type { CallOptions, ProvedPeer } from '../../transport/transport.ts'
import { ContentHost, notFound, type ContentHostContext } from './content-host.ts'
import { Fellows } from './fellows.ts'
import { FileRights, type FileRightsContext } from './file-rights.ts'
import { Turns } from './turns.ts'

/** What serving needs of its node. */
export interface FileHostContext
  extends FileRightsContext, Omit<ContentHostContext, 'rights' | 'fellows' | 'lookUps'> {
  readonly store: ShareStore
  /** Somebody waits for a file without an ID. */
  hurry(file: IndexedFile): void
}

/** Files of one listing that are hashed first because somebody looks at them. */
const hurriedFiles = 16

/** Answers what peers ask of our files; who may have what, `FileRights` says. */
export class NodeFileHost implements FileHost {
  readonly #context: FileHostContext
  readonly #rights: FileRights
  readonly #fellows = new Fellows()
  /** A search may walk over a million names: those who ask share the time of a few (F6). */
  readonly #finds = new Turns(limits.servedFinds)
  readonly #lookUps = new Turns(1)
  readonly #contents: ContentHost

  constructor(context: FileHostContext) {
    this.#context = context
    this.#rights = new FileRights(context)
    this.#contents = new ContentHost({
      rights: this.#rights,
      fellows: this.#fellows,
      worker: context.worker,
      upload: context.upload,
      lookUps: this.#lookUps,
      changed: (file) => context.changed(file),
      served: (to, offer, bytes) => context.served(to, offer, bytes),
      taken: (by, files) => context.taken(by, files),
    })
  }

  async serve(
    { id: caller }: ProvedPeer,
    request: FileRequest,
    options: CallOptions = {},
  ): Promise<FileReply> {
    switch (request.kind) {
      case 'list':
        return await this.#lookUps.take(async () => {
          await setImmediate()
          options.signal?.throwIfAborted()
          return this.#list(caller, request)
        })
      case 'find':
        return await this.#find(caller, request, options)
      case 'tree':
        return this.#tree(caller, request)
      case 'availability':
        return this.#availability(caller, request)
      case 'content':
        return await this.#contents.content(caller, request)
      case 'pack':
        return await this.#contents.pack(caller, request, options)
    }
  }

  /** Cuts off what is being sent to those who may not have it any more. */
  recheck(): void {
    this.#contents.recheck()
  }

  #list(caller: PeerId, request: ListRequest): FileReply {
    const { store } = this.#context
    const { offer, path } = request
    const viewer = this.#rights.viewer(caller)
    const page = store.list(viewer, request, limits.listEntries)
    if (page === undefined) return notFound
    // An offer is never empty: this one is another's, or is over.
    if (offer !== undefined && path === '' && request.after === '' && page.entries.length === 0)
      return notFound
    for (const entry of page.entries.filter(isUnhashed).slice(0, hurriedFiles)) {
      // A file that was asked for itself stands in its page under its last name.
      const file =
        store.fileAt(viewer, { offer, path: path === '' ? entry.path : `${path}/${entry.path}` }) ??
        store.fileAt(viewer, { offer, path })
      if (file !== undefined) this.#context.hurry(file)
    }
    return { kind: 'message', body: encodeFileList(page) }
  }

  async #find(caller: PeerId, { pattern, after }: FindRequest, { signal }: CallOptions): Promise<FileReply> {
    const query = { pattern, after, limit: limits.listEntries, ...(signal && { signal }) }
    const page = await this.#finds.take(async () => {
      signal?.throwIfAborted()
      return await this.#context.store.find(this.#rights.viewer(caller), query)
    })
    return { kind: 'message', body: encodeFileList(page) }
  }

  #tree(caller: PeerId, { id, group }: TreeRequest): FileReply {
    const { store } = this.#context
    const isOurs = this.#rights.files(id, caller).length > 0
    const holding = isOurs ? undefined : this.#rights.held(id, caller)
    if (!isOurs && holding === undefined) return notFound
    const body =
      group === undefined
        ? (holding?.groups() ?? store.groups(id))
        : (holding?.leaves(group) ?? store.leaves(id, group))
    return body === undefined ? notFound : { kind: 'message', body }
  }

  #availability(caller: PeerId, { id }: AvailabilityRequest): FileReply {
    const [file] = this.#rights.files(id, caller)
    const holding = file === undefined ? this.#rights.held(id, caller) : undefined
    const sizeBytes = file?.sizeBytes ?? holding?.sizeBytes
    if (sizeBytes === undefined) return notFound
    const { chunks } = holding ?? {}
    const fellows = this.#fellows.of(id, caller, monotonicMs())
    const body = encodeAvailability({
      sizeBytes,
      chunks: chunks ?? new Uint8Array(),
      complete: chunks === undefined,
      // Whoever is named may have it of others on our word: so not if he may not have it of us any more (F5).
      fellows: fellows.filter((fellow) => this.#rights.allows([id], fellow)),
      open: holding?.open ?? this.#context.store.isOpen(id),
    })
    return { kind: 'message', body }
  }
}

function isUnhashed({ kind, id }: SharedEntry): boolean {
  return kind === 'file' && id === undefined
}
