import type { Command } from 'commander'
import { errorTable, limits } from '../index.ts'
import { rowsOf } from '../face/rows.ts'
import type { Command as Described } from './command.ts'
import { exampleRows, type CommandName } from './examples.ts'
import { findCommand } from './commands.ts'
import { standaloneNames, type StandaloneName } from './standalone.ts'

const days = limits.successionMs / (24 * 60 * 60_000)

const howToUse = `Examples:
  p2p                                    a screen: who is here, talk, files; ? helps
  p2p shell                              the same at a prompt; try help
  p2p --name kitchen --port 0            as "kitchen", on any free port
  p2p --data-dir ~/second --port 0       a second p2p of the same user
  echo 'list peers' | p2p --wait 2       who answers within 2 seconds
  echo 'tell 7c21 lunch?' | p2p          one message, now or when 7c21 is there
  echo 'export all.ndjson' | p2p         everything that was said, as JSON lines
  p2p share ~/photos                     others see the folder, until Ctrl-C
  p2p get 7c21:photos --to .             a folder of 7c21, checked, to here
  p2p get 7c21:a.iso --to - | sha256sum  a file in a pipe
  tar c . | p2p send 7c21 - --as me.tar  ended when 7c21 has it, verified
  p2p --policy trusted                   talk only with those you have verified
  p2p id --qr                            your ID and key, as a code to scan
  p2p serve                              without a screen; other commands use it
  p2p web                                the page, in your browser
  p2p events --json                      everything that happens, for a program
  p2p events --exec 'jq -r .type'        a command reads each event
  p2p doctor --peer 192.168.1.20         why that machine and this one do not meet

Commands at the prompt: list peers, conversations, open, tell, history, outbox,
share, ls, get, send, transfers, verify, alias, block, and more; help shows all.
A peer is named by the alias you gave it, any beginning of its ID, or its
address (192.168.1.20); what is decided for good needs alias or ID.

At a terminal p2p shows a screen, with --screen-reader (or the variable
INK_SCREEN_READER=true) plain lines; NO_COLOR takes the colours away.

A command uses the p2p that runs with the same data directory, if one does;
else it runs one for as long as it needs. --name, --port, --policy and
--log-level always need one of their own.

A command that runs alone waits for its peer for 10 seconds, or as --wait says,
and ends when what it began is done; "p2p get --help" tells more about one.
--json writes what it brought, as docs/command-output.schema.json says.

Without a terminal, commands are read from standard input, one a line, and p2p
ends after the last. A command that names a peer waits for it to appear: 5
seconds, or as --wait says (at a terminal: 0). With --wait, a list of peers is
made only that long after the start. At the end it waits as long for messages to
arrive; those that do not are kept, and delivered in a later run.

`

/** What `p2p --help` prints, or with a command behind it. */
export function usage(program: Command, name: CommandName | undefined): string {
  const alone = standaloneNames.find((one) => one === name)
  if (alone !== undefined) return usageAlone(alone)
  if (name !== undefined) return usageSpecial(program, name)
  describeCommands(program)
  return `${program.helpInformation()}
${howToUse}${filesAndStatus()}`
}

function filesAndStatus(): string {
  return `Files, in the data directory (Linux: ~/.config/p2p):
  config.yaml     the configuration, with every key explained
  identity.pem    the key that makes you who you are; keep it, show it to nobody
  former-*.pem    earlier keys, for ${days} days; see p2p id --rotate
  trust.db        whom you have met, verified, named and blocked
  messages.db     what was said, and what waits to be delivered
  shares.db       what others may have, with its hashes
  transfers.db    what is on its way, and what was offered
  history/shell   commands typed at the prompt
  log.log         the log; messages are never in it
  control.json    where other commands find the p2p that runs; its token
  control.sock    the socket on which they ask it
  web.html        leads a browser to the page, once, within a minute

Environment: P2P_CONFIG, P2P_DATA_DIR, P2P_NAME, P2P_PORT, P2P_POLICY,
P2P_LOG_LEVEL, and P2P_ with any other key of config.yaml, such as
P2P_EXPLORER_PERIOD. Flags win over the environment, and that over the file.
NO_COLOR=1 leaves out colours.

Exit status: 0 when all went well or a signal ended it; else that of the first
command that failed, or was cut off when it ran alone; p2p doctor ends with 1
when something is wrong:
${statuses()}
`
}

/** Commands that run alone are described as at the prompt. */
function describeCommands(program: Command): void {
  const described = new Map<string, Described>(
    standaloneNames.map((name) => [name, findCommand(name).command]),
  )
  program.configureHelp({
    subcommandTerm: (one) =>
      writtenAlone(one.name(), described.get(one.name())) ?? `${one.name()} ${one.usage()}`,
    // The shorter name is the one that stands beside it here.
    subcommandDescription: (one) =>
      (described.get(one.name())?.summary ?? one.description()).replace(/ \(short: .+\)$/, ''),
  })
}

/** Some have a shorter name too, which is the one that runs alone. */
function writtenAlone(name: string, command: Described | undefined): string | undefined {
  return command?.usage.replace(command.name, name)
}

function usageAlone(name: StandaloneName): string {
  const { command } = findCommand(name)
  const { summary, details = '' } = command
  const rows = `${summary}.\n\n${details}`.split('\n').flatMap((line) => rowsOf(line, 80))
  return `Usage: p2p ${writtenAlone(name, command)} [options]\n\n${rows.join('\n').trimEnd()}\n\n${endOf(name)}`
}

function usageSpecial(program: Command, name: CommandName): string {
  const command = program.commands.find((one) => one.name() === name)
  const about =
    command?.helpInformation() ??
    'Usage: p2p shell [options]\n\nThe line shell: a prompt at a terminal; elsewhere commands from standard input\n'
  return `${about}\n${endOf(name)}`
}

function endOf(name: CommandName): string {
  return `${exampleRows(name).join('\n')}\n\n${everywhere}\n`
}

/** What any command takes. */
const everywhere = `With any command: --json for a program (docs/command-output.schema.json), --wait
SECONDS for a peer that is not here yet, --timeout SECONDS to give it up;
"p2p --help" shows all options and the exit statuses.`

function statuses(): string {
  const byStatus = Map.groupBy(Object.entries(errorTable), ([, { exit }]) => exit)
  return [...byStatus]
    .sort(([a], [b]) => a - b)
    .flatMap(([exit, entries]) =>
      rowsOf(entries.map(([code]) => code).join(', '), 74).map(
        (row, index) => `  ${(index === 0 ? String(exit) : '').padStart(2)}  ${row}`,
      ),
    )
    .join('\n')
}
