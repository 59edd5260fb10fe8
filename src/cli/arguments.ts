import { Command, CommanderError, Option } from 'commander'
import { P2PError } from '../index.ts'
import { displayText } from '../face/display-text.ts'
import type { DoctorWish } from './doctor-command.ts'
import type { IdentityWish } from './identity-command.ts'
import type { CommandName } from './examples.ts'
import { standaloneNames, type StandaloneName } from './standalone.ts'
import { version } from './version.ts'

/** What the command line says about the configuration; checked where the configuration is read. */
export interface Flags {
  readonly config?: string
  readonly dataDir?: string
  readonly port?: string
  readonly name?: string
  readonly policy?: string
  readonly logLevel?: string
}

export interface Arguments {
  readonly flags: Flags
  readonly json: boolean
  readonly stay: boolean
  /** The prompt instead of the screen, where somebody sits at a terminal. */
  readonly shell: boolean
  /** The screen as lines, for a screen reader. */
  readonly screenReader: boolean
  /** How long commands wait for a peer that is not known yet; undefined when not said. */
  readonly waitMs: number | undefined
  /** After this time it is given up. */
  readonly timeoutMs: number | undefined
  /** The only command to run; undefined for a prompt, or commands from standard input. */
  readonly alone: Standalone | undefined
  /** Tells what happens, and reads no commands. */
  readonly follows: boolean
  /** Command to run for each event that is told; see {@link follows}. */
  readonly exec: string | undefined
}

/** What `p2p serve` is asked for. */
export interface ServeWish {
  readonly flags: Flags
  readonly json: boolean
  /** TCP port of 127.0.0.1 on which the control API is served too; 0 for a free one. */
  readonly controlPort: number | undefined
  /** Whether the page is served there. */
  readonly web: boolean
  readonly timeoutMs: number | undefined
}

/** What `p2p web` is asked for. */
export interface WebWish {
  readonly flags: Flags
  readonly json: boolean
  /** Says how to get into the page, and opens no browser. */
  readonly code: boolean
  readonly timeoutMs: number | undefined
}

/** A command with what stands behind it on the command line. */
export interface Standalone {
  readonly name: StandaloneName
  readonly words: readonly string[]
}

/** What helps to use p2p, and needs no node of its own. */
export const tools = {
  config: 'Show the configuration that counts, and where each value comes from',
  completion: 'Print the completion for a shell: bash, zsh or fish',
  man: 'Print the manual page',
  service: 'Make "p2p serve" start with your session: service install',
} as const

/** The options of `p2p service`. */
interface ServiceOptions {
  /** For this user, which is what is always done. */
  readonly user?: true
  /** Only shows what would be written. */
  readonly print?: true
}

type ToolName = keyof typeof tools | '__complete'

export interface ToolWish {
  readonly name: ToolName
  readonly words: readonly string[]
  readonly options: ServiceOptions
  readonly flags: Flags
  readonly json: boolean
}

/** What the command line asks for: a run, to see or change the identity, to be examined, or only a text. */
export type Wish =
  | { readonly kind: 'run'; readonly args: Arguments }
  | { readonly kind: 'serve'; readonly wish: ServeWish }
  | { readonly kind: 'web'; readonly wish: WebWish }
  | { readonly kind: 'tool'; readonly wish: ToolWish }
  | { readonly kind: 'identity'; readonly wish: IdentityWish }
  | { readonly kind: 'doctor'; readonly wish: DoctorWish }
  | { readonly kind: 'text'; readonly text: string }

const toolNames = ['config', 'completion', 'man', 'service', '__complete'] as const

interface Options extends Flags {
  readonly json?: true
  readonly stay?: true
  readonly screenReader?: true
  readonly wait?: number
  readonly timeout?: number
  readonly version?: true
  readonly help?: true
}

interface DoctorOptions {
  readonly peer?: readonly string[]
}

interface IdentityOptions {
  readonly qr?: true
  readonly rotate?: true
}

type ChosenTool = Pick<ToolWish, 'name' | 'words' | 'options'>

/** What was written behind the options; at most one of these. */
interface Chosen {
  identity?: IdentityOptions
  doctor?: DoctorOptions
  serve?: { readonly controlPort?: number; readonly web?: true }
  web?: { readonly code?: true }
  events?: { readonly exec?: string }
  tool?: ChosenTool
  alone?: Standalone
}

/** @throws P2PError `usage` */
export async function parseArguments(args: readonly string[]): Promise<Wish> {
  const program = describe()
  const chosen = parseInto(program, args)
  const {
    json = false,
    stay = false,
    screenReader = false,
    wait,
    timeout,
    help,
    version: wantsVersion,
    ...flags
  } = program.opts<Options>()
  const { identity, doctor, serve, web, events, tool, alone } = chosen
  if (help)
    return { kind: 'text', text: (await import('./usage.ts')).usage(program, named(chosen, program.args)) }
  if (wantsVersion) return { kind: 'text', text: `${version()}\n` }
  if (identity !== undefined) {
    const { qr = false, rotate = false } = identity
    return { kind: 'identity', wish: { flags, json, qr, rotate } }
  }
  const [waitMs, timeoutMs] = [wait, timeout].map(millisecondsOf)
  if (doctor !== undefined)
    return { kind: 'doctor', wish: { flags, json, peers: doctor.peer ?? [], patienceMs: waitMs, timeoutMs } }
  if (tool !== undefined) return { kind: 'tool', wish: { ...tool, flags, json } }
  if (serve !== undefined)
    return {
      kind: 'serve',
      wish: { flags, json, controlPort: serve.controlPort, web: serve.web ?? false, timeoutMs },
    }
  if (web !== undefined) return { kind: 'web', wish: { flags, json, code: web.code ?? false, timeoutMs } }
  const follows = events !== undefined
  if (alone === undefined && !follows) checkWord(program.args)
  const [word] = program.args
  const patience = { waitMs, timeoutMs }
  const face = { stay, shell: word === 'shell', screenReader }
  return {
    kind: 'run',
    args: { flags, json, ...face, ...patience, alone, follows, exec: events?.exec },
  }
}

/** The name of what is asked about. */
function named(chosen: Chosen, [word]: readonly string[]): CommandName | undefined {
  const { identity, doctor, serve, web, events, tool, alone } = chosen
  if (identity !== undefined) return 'id'
  if (doctor !== undefined) return 'doctor'
  if (serve !== undefined) return 'serve'
  if (web !== undefined) return 'web'
  if (events !== undefined) return 'events'
  if (tool !== undefined && tool.name !== '__complete') return tool.name
  return word === 'shell' ? word : alone?.name
}

/** @throws P2PError `usage` */
function parseInto(program: Command, args: readonly string[]): Chosen {
  const chosen: Chosen = {}
  const identity = describeIdentity(program).action(() => {
    chosen.identity = identity.opts()
  })
  const serve = describeServe(program).action(() => {
    chosen.serve = serve.opts()
  })
  const web = describeWeb(program).action(() => {
    chosen.web = web.opts()
  })
  const events = describeEvents(program).action(() => {
    chosen.events = events.opts()
  })
  describeTools(program, (tool) => {
    chosen.tool = tool
  })
  const doctor = describeDoctor(program).action(() => {
    chosen.doctor = doctor.opts()
  })
  for (const name of standaloneNames) {
    const command = describeStandalone(program, name)
    command.action(() => {
      chosen.alone = { name, words: command.args }
    })
  }
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) throw misuse(sentence(error.message))
    throw error
  }
  return chosen
}

function describe(): Command {
  return new Command('p2p')
    .usage('[shell | id | doctor | <command>] [options]')
    .description('Find peers near you and talk with them, without a server, an account or the internet.')
    .argument('[shell]', 'a prompt instead of the screen; what there is without a terminal')
    .option('--config <file>', 'configuration file; default: config.yaml in the data directory')
    .option('--data-dir <dir>', 'where identity, configuration, history and log are kept')
    .option('--port <number>', 'TCP port to listen on; 0 takes a free one')
    .option('--name <text>', 'what you are called in the lists of others')
    .option('--policy <policy>', 'whom you talk with: open, encrypted or trusted')
    .option('--log-level <level>', 'DEBUG, INFO, WARN or ERROR: what goes into the log file')
    .option('--json', 'write JSON: what a command brought, or else events, one a line')
    .option('--stay', 'keep running when standard input ends')
    .option('--screen-reader', 'the screen as plain lines, for a screen reader')
    .addOption(
      new Option('--wait <seconds>', 'how long a command waits for its peer to appear').argParser(seconds),
    )
    .addOption(
      new Option('--timeout <seconds>', 'give it up after this time, with exit status 75').argParser(seconds),
    )
    .option('--version', 'print the version')
    .option('--help', 'print this text')
    .helpOption(false)
    .helpCommand(false)
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action(() => {})
}

function describeIdentity(program: Command): Command {
  return program
    .command('id')
    .description('Show your ID and key, without a network; --qr draws them, --rotate makes new ones')
    .option('--qr', 'draw a QR code for others to scan')
    .option('--rotate', 'take a new key, and with it a new ID; contacts are told')
    .allowExcessArguments(false)
}

function describeServe(program: Command): Command {
  return program
    .command('serve')
    .description('Run without a screen, until a signal ends it; other commands use it')
    .addOption(
      new Option(
        '--control-port <number>',
        'serve the control API on this TCP port of 127.0.0.1 too; 0 takes a free one',
      ).argParser(port),
    )
    .option('--web', 'serve the page there too; on a free port unless one is said')
    .allowExcessArguments(false)
}

function describeWeb(program: Command): Command {
  return program
    .command('web')
    .description('Open the page of the p2p that runs in your browser, or run one for it')
    .option('--code', 'say where the page is and what lets you in, and open no browser')
    .allowExcessArguments(false)
}

function describeDoctor(program: Command): Command {
  return program
    .command('doctor')
    .description('Find out why peers do not find each other, and what to do')
    .option(
      '--peer <address...>',
      'try this one too; with its discovery port, as 192.168.1.20:8001, if it is another',
    )
    .allowExcessArguments(false)
}

function describeEvents(program: Command): Command {
  return program
    .command('events')
    .description('Tell everything that happens, until it is ended; with --json one event a line')
    .option('--exec <command>', 'run a command for each event, which is JSON on its standard input')
    .allowExcessArguments(false)
}

const toolUsages = {
  config: '[options]',
  completion: '<bash|zsh|fish>',
  man: '[options]',
  service: 'install [options]',
} as const satisfies Readonly<Record<keyof typeof tools, string>>

function describeTools(program: Command, chosen: (tool: ChosenTool) => void): void {
  for (const name of toolNames) {
    const isHidden = name === '__complete'
    const command = program.command(name, { hidden: isHidden }).argument('[words...]')
    if (isHidden) command.allowUnknownOption()
    else command.description(tools[name]).usage(toolUsages[name])
    if (name === 'service')
      command
        .option('--user', 'for your user, as always')
        .option('--print', 'only show what would be written')
    command.action(() => chosen({ name, words: command.args, options: command.opts() }))
  }
}

function port(text: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (value >= 0 && value <= 65_535) return value
  throw misuse(`--control-port takes a number from 0 to 65535, not "${text}".`)
}

/** What its words mean is for the command itself to say, as at the prompt. */
function describeStandalone(program: Command, name: StandaloneName): Command {
  return program.command(name).argument('[words...]').allowUnknownOption()
}

function seconds(text: string): number {
  const value = /^\d{1,5}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(value)) throw misuse(`--wait and --timeout take a number of seconds, not "${text}".`)
  return value
}

function millisecondsOf(given: number | undefined): number | undefined {
  return given === undefined ? undefined : given * 1000
}

/** Other commands are typed inside, not on the command line: say so rather than ignore them. */
function checkWord([word, ...more]: readonly string[]): void {
  if (word === undefined || (word === 'shell' && more.length === 0)) return
  const unknown = word === 'shell' ? more[0] : word
  throw misuse(`"${unknown}" is no command of the command line. Run p2p and type it there.`)
}

/** A message of the library, which is `error: what is wrong`, and on a line of its own perhaps `(Did you mean …?)`. */
function sentence(message: string): string {
  const [what = '', question] = message.replace(/^error: /, '').split('\n')
  const told = `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`
  return question === undefined ? told : `${told} ${question.replaceAll(/^\(|\)$/g, '')}`
}

function misuse(text: string): P2PError {
  return new P2PError('usage', `${displayText(text)}\n"p2p --help" shows what there is.`)
}
