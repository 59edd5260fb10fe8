import { testPairingAgainstLibrary } from '../property/pairing-against-library.ts'
import { testAgainstLibrary } from '../property/wire-against-library.ts'

testAgainstLibrary(300_000)
testPairingAgainstLibrary(300_000)
