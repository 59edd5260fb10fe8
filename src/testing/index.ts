/** `p2p/testing`: a LAN in memory, for tests of programs that use p2p. */
export { MemoryNetwork, type MemoryHost, type MemoryNetworkOptions } from './memory-network.ts'
