import { testSafePaths } from '../property/safe-path.ts'

testSafePaths(1_000_000)
