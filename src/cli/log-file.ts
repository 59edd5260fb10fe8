import { appendFileSync, renameSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import { limits, type Log, type LogFields, type LogLevel } from '../index.ts'
import { escapeJson } from '../face/display-text.ts'

interface Entry {
  readonly level: Lowercase<LogLevel>
  readonly message: string
  readonly fields: LogFields
}

/** How often one cause came since its last line. */
interface Cause {
  readonly at: number
  repeated: number
}

/** A log on disk that no stranger can fill: one line a minute for each cause, and a bounded number of files (L6). */
export interface FileLog extends Log {
  /** Starts writing; what was logged before is kept until then. The data directory must be ours by now. */
  open(): Promise<void>
  setLevel(level: LogLevel): void
}

/** @param path the newest file; older ones are `path.1`, `path.2` … */
export function fileLog(path: string, level: LogLevel): FileLog {
  const causes = new Map<string, Cause>()
  const early: Entry[] = []
  let logger: Logger | undefined
  let current = level
  const write = (entry: Entry): void => {
    const repeated = admit(causes, entry, performance.now())
    if (repeated === undefined) return
    const fields = repeated === 0 ? entry.fields : { ...entry.fields, repeated }
    if (logger !== undefined) logger[entry.level](fields, entry.message)
    else if (early.length < limits.logCauses) early.push({ ...entry, fields })
  }
  const at =
    (entryLevel: Entry['level']) =>
    (message: string, fields: LogFields = {}): void =>
      write({ level: entryLevel, message, fields })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel(next) {
      current = next
      if (logger !== undefined) logger.level = next.toLowerCase()
    },
    async open() {
      const { default: pino } = await import('pino')
      const formatters = { level: (label: string) => ({ level: label }) }
      const options = {
        level: current.toLowerCase(),
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters,
      }
      logger = pino(options, { write: (line: string) => append(path, escapeJson(line)) })
      for (const entry of early.splice(0)) logger[entry.level](entry.fields, entry.message)
    },
  }
}

/** How often this cause was left out since its last line, or undefined when it is to be left out again. */
function admit(causes: Map<string, Cause>, { message, fields }: Entry, now: number): number | undefined {
  const named = `${message} ${typeof fields['cause'] === 'string' ? fields['cause'] : ''}`
  // Texts of ours are few; should one ever carry something from outside, it still cannot fill the memory.
  const name = causes.has(named) || causes.size < limits.logCauses ? named : 'other'
  const last = causes.get(name)
  if (last !== undefined && now - last.at < limits.logIntervalMs) {
    last.repeated++
    return undefined
  }
  causes.set(name, { at: now, repeated: 0 })
  return last?.repeated ?? 0
}

/** Appends one line. A disk that is full, or gone, must not stop the node: the line is lost then. */
function append(path: string, line: string): void {
  try {
    if (sizeOf(path) + line.length > limits.logFileBytes) rotate(path)
    appendFileSync(path, line, { mode: 0o600 })
  } catch {
    // There is nowhere left to tell it.
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function rotate(path: string): void {
  for (let age = limits.logFiles - 1; age > 0; age--) {
    const older = `${path}.${age}`
    const newer = age === 1 ? path : `${path}.${age - 1}`
    if (sizeOf(newer) > 0) renameSync(newer, older)
  }
}
