/** Peers that answer requests for files with something else than they should. */
import type { FileRequest } from '../../src/protocol/file-request.ts'
import type { ContentSource, FileHost, FileReply } from '../../src/transport/files.ts'
import { tcpTransport } from '../../src/transport/tcp-transport.ts'
import type { TransportFactory } from '../../src/transport/transport.ts'

/** What a liar makes of an honest reply. */
export type Lie = (reply: FileReply, request: FileRequest) => FileReply

/** The transport of a node whose answers about files are lies; everything else is honest. @param ask what the node itself is asked */
export function lying(lie: Lie, ask = (request: FileRequest): FileRequest => request): TransportFactory {
  return (context) => {
    const files: FileHost = {
      async serve(caller, request) {
        return lie(await context.files.serve(caller, ask(request)), request)
      },
    }
    return tcpTransport({ port: 0 })({ ...context, files })
  }
}

/** Makes something else of the content that is sent; the other answers are honest. */
export function lyingContent(lie: (body: ContentSource) => ContentSource): TransportFactory {
  return lying((reply) => (reply.kind === 'content' ? { ...reply, body: lie(reply.body) } : reply))
}

/** Content with one bit that is another in every buffer. */
export function corrupted(body: ContentSource): ContentSource {
  return changed(body, async (into) => {
    const bytes = await body.read(into)
    if (bytes > 0) into[bytes >> 1] = (into[bytes >> 1] ?? 0) ^ 1
    return bytes
  })
}

/** Content with one byte that is another, so many bytes after its beginning. */
export function corruptedFrom(body: ContentSource, at: number): ContentSource {
  let begin = 0
  return changed(body, async (into) => {
    const bytes = await body.read(into)
    const place = at - begin
    if (place >= 0 && place < bytes) into[place] = (into[place] ?? 0) ^ 1
    begin += bytes
    return bytes
  })
}

/** Content of which nothing comes before something has happened. */
export function stalling(body: ContentSource, until: Promise<void>): ContentSource {
  return changed(body, async () => {
    await until
    return 0
  })
}

/** Content whose bytes are counted. */
export function counted(body: ContentSource, count: (bytes: number) => void): ContentSource {
  return changed(body, async (into) => {
    const bytes = await body.read(into)
    count(bytes)
    return bytes
  })
}

function changed(body: ContentSource, read: ContentSource['read']): ContentSource {
  return { read, [Symbol.asyncDispose]: () => body[Symbol.asyncDispose]() }
}
