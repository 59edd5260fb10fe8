import { testAgainstLibrary } from '../property/wire-against-library.ts'

testAgainstLibrary(300_000)
