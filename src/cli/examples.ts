import type { tools } from './arguments.ts'
import type { StandaloneName } from './standalone.ts'

/** Everything that may stand first on the command line. */
export type CommandName =
  StandaloneName | 'serve' | 'web' | 'shell' | 'events' | 'id' | 'doctor' | keyof typeof tools

/** For each command of the command line, how it is written, and what that does. */
export const examples: Readonly<Record<CommandName, readonly (readonly [line: string, what: string])[]>> = {
  peers: [
    ['p2p peers', 'who is here'],
    ['p2p peers --json | jq -r .result.peers[].id', 'for a program'],
  ],
  conversations: [['p2p conversations', 'with whom you talk, and what is unread']],
  tell: [
    ['p2p tell desk lunch?', 'one message, now or when desk is there'],
    ['p2p tell 192.168.1.20 hello --wait 5', 'to whoever is at this address'],
  ],
  history: [
    ['p2p history desk', 'the last page'],
    ['p2p history --search lunch', 'everything with this word'],
  ],
  outbox: [
    ['p2p outbox', 'what waits, and for what'],
    ['p2p outbox cancel 1', 'withdraws the first of the list'],
  ],
  sessions: [['p2p sessions', 'open sessions']],
  share: [
    ['p2p share ~/photos', 'for everybody that policy lets in'],
    ['p2p share ~/plans --to desk,kitchen', 'only for these two'],
  ],
  unshare: [['p2p unshare photos', 'nobody sees it any more']],
  shares: [['p2p shares', 'what others see']],
  ls: [
    ['p2p ls desk:photos', 'what is in a folder of desk'],
    ['p2p ls 192.168.1.20:', 'what is shared at this address'],
  ],
  find: [["p2p find '*.iso'", 'by name, at everybody who is here']],
  get: [
    ['p2p get desk:photos --to .', 'a folder, checked, to here'],
    ['p2p get desk:a.iso --to - | sha256sum', 'a file in a pipe'],
  ],
  send: [
    ['p2p send desk report.pdf', 'ended when desk has it, verified'],
    ['tar c . | p2p send desk - --as me.tar', 'from a pipe'],
  ],
  offers: [['p2p offers', 'what waits for an answer']],
  accept: [['p2p accept 1 --to ~/in', 'takes the first of the list']],
  decline: [['p2p decline 1', 'refuses it']],
  transfers: [
    ['p2p transfers', 'what is on its way'],
    ['p2p transfers clear', 'forgets what has ended'],
  ],
  pause: [['p2p pause 1', 'lets the first of the list rest']],
  resume: [['p2p resume 1', 'goes on with it']],
  cancel: [['p2p cancel 1', 'gives it up']],
  limit: [['p2p limit upload 10MB/s', 'of the p2p that runs']],
  verify: [
    ['p2p verify desk', 'compare eight digits with the other screen'],
    ['p2p verify desk yes', 'they are the same'],
  ],
  trust: [['p2p trust desk', 'all that is known of its key']],
  alias: [['p2p alias 7c21 desk', 'a name of your own']],
  block: [['p2p block 7c21', 'refused from now on']],
  unblock: [['p2p unblock 7c21', 'takes that back']],
  forget: [['p2p forget 7c21', 'and deletes what was said']],
  policy: [['p2p policy trusted', 'of the p2p that runs, until it ends']],
  'load-peers': [['p2p load-peers desk', 'asks desk whom it knows']],
  emit: [['p2p emit 192.168.1.20:8001', 'announces to one address']],
  export: [['p2p export all.ndjson', 'every message, as JSON lines']],
  import: [['p2p import all.ndjson', 'known ones are skipped']],
  serve: [
    ['p2p serve', 'until Ctrl-C; "p2p service install" starts it with your session'],
    ['p2p serve --control-port 0', 'for programs that speak HTTP; see docs/control.md'],
    ['p2p serve --web', 'with the page, which p2p web opens'],
  ],
  web: [
    ['p2p web', 'the page of the p2p that runs; or runs one, until Ctrl-C'],
    ['p2p web --code', 'for a browser that p2p cannot open'],
  ],
  shell: [
    ['p2p shell', 'a prompt, at a terminal; help lists its commands'],
    ["printf 'peers\\noutbox\\n' | p2p shell", 'commands from a pipe, one a line'],
  ],
  id: [
    ['p2p id', 'your ID and key, without a network'],
    ['p2p id --qr', 'as a code to scan'],
  ],
  doctor: [
    ['p2p doctor', 'why nobody is seen'],
    ['p2p doctor --peer 192.168.1.20', 'why that machine and this one do not meet'],
  ],
  config: [['p2p config', 'every key, its value, and where that comes from']],
  completion: [
    ['source <(p2p completion bash)', 'in ~/.bashrc'],
    ['source <(p2p completion zsh)', 'in ~/.zshrc, after compinit'],
    ['p2p completion fish | source', 'in ~/.config/fish/config.fish'],
  ],
  man: [['p2p man > ~/.local/share/man/man1/p2p.1', 'for "man p2p"']],
  service: [
    ['p2p service install --user', 'writes the file, and says how to start it'],
    ['p2p service install --print', 'shows what would be written'],
  ],
  events: [
    ['p2p events --json', 'one event a line'],
    ['p2p events --json --timeout 60', 'of the next minute'],
    ["p2p events --exec 'jq -r .type'", 'a command reads each event'],
  ],
}

/** Rows for the help of one command. */
export function exampleRows(name: keyof typeof examples): readonly string[] {
  const width = Math.max(...examples[name].map(([line]) => line.length))
  return ['Examples:', ...examples[name].map(([line, what]) => `  ${line.padEnd(width)}  ${what}`)]
}
