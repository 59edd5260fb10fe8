import type { EventFeed } from './event-feed.ts'

/** How a node stands, in the text format of Prometheus. Counted and summed up only: no name and no ID of anybody is in it. */
export function metricsText(feed: EventFeed): string {
  const { peers, sessions, conversations, shares, transfers } = feed.state
  const active = transfers.filter(({ state }) => state === 'active')
  const bytesPerSecond = (direction: 'in' | 'out'): number =>
    sum(active.filter((one) => one.direction === direction).map((one) => one.bytesPerSecond))
  const gauges = [
    ['p2p_peers', 'Peers that are here.', peers.length],
    ['p2p_sessions', 'Sessions that are open.', sessions.length],
    [
      'p2p_messages_unread',
      'Messages that our user has not read.',
      sum(conversations.map((one) => one.unread)),
    ],
    [
      'p2p_messages_pending',
      'Messages of ours that have not arrived.',
      sum(conversations.map((one) => one.pending)),
    ],
    ['p2p_shared_files', 'Files that others may have.', sum(shares.map((one) => one.files))],
    [
      'p2p_unhashed_bytes',
      'Shared bytes that wait to be hashed.',
      sum(shares.map((one) => one.unhashedBytes)),
    ],
    ['p2p_transfers_active', 'Transfers under way.', active.length],
    ['p2p_receive_bytes_per_second', 'How fast files come.', bytesPerSecond('in')],
    ['p2p_send_bytes_per_second', 'How fast files go.', bytesPerSecond('out')],
    ['process_resident_memory_bytes', 'Resident memory.', process.memoryUsage.rss()],
    ['process_cpu_seconds_total', 'Time on the processor.', cpuSeconds()],
  ] as const
  const lines = gauges.flatMap(([name, help, value]) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}`,
    `${name} ${value}`,
  ])
  const counters = [...feed.counts].map(([type, count]) => `p2p_events_total{type="${type}"} ${count}`)
  const head = [
    '# HELP p2p_events_total What has happened since the start.',
    '# TYPE p2p_events_total counter',
  ]
  return `${[...lines, ...head, ...counters].join('\n')}\n`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
