import { testFilesAgainstLibrary } from '../property/files-against-library.ts'
import { testFramesAgainstLibrary } from '../property/frame-against-library.ts'
import { testPairingAgainstLibrary } from '../property/pairing-against-library.ts'
import { testAgainstLibrary } from '../property/wire-against-library.ts'

testAgainstLibrary(300_000)
testPairingAgainstLibrary(300_000)
testFramesAgainstLibrary(300_000)
testFilesAgainstLibrary(300_000)
