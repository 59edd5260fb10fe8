import { testFilesAgainstLibrary } from './files-against-library.ts'
import { testFramesAgainstLibrary } from './frame-against-library.ts'
import { testPairingAgainstLibrary } from './pairing-against-library.ts'
import { testAgainstLibrary } from './wire-against-library.ts'

testAgainstLibrary(10_000)
testPairingAgainstLibrary(10_000)
testFramesAgainstLibrary(10_000)
testFilesAgainstLibrary(10_000)
