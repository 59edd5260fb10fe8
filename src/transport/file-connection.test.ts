import { fileConnectionContract, type MakeFilesPair } from '../../test/contracts/file-connection.ts'
import { makeCredentials, openTransport } from '../../test/transport/open.ts'

const makePair: MakeFilesPair = async (files, host = {}) => {
  const left = await openTransport({ credentials: makeCredentials() })
  const right = await openTransport({ credentials: makeCredentials(), context: { ...host, files } })
  return {
    askerId: left.id,
    hostId: right.id,
    open: (signal) => left.files(right.id, [right.here], signal === undefined ? {} : { signal }),
    cut: () => right.cutFiles(left.id),
    async [Symbol.asyncDispose]() {
      await left[Symbol.asyncDispose]()
      await right[Symbol.asyncDispose]()
    },
  }
}

fileConnectionContract('TLS', makePair)
