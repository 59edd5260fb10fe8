import { testAgainstLibrary } from './wire-against-library.ts'

testAgainstLibrary(10_000)
