/**
 * Where a node writes what happened. Silent unless a log is given.
 *
 * `message` is a fixed text of ours; whatever comes from outside goes into `fields`, so that no remote text is
 * ever a format string or looks like a line of ours.
 */
export interface Log {
  readonly debug: LogWrite
  readonly info: LogWrite
  readonly warn: LogWrite
  readonly error: LogWrite
}

type LogWrite = (message: string, fields?: LogFields) => void
export type LogFields = Readonly<Record<string, unknown>>
export type LogLevel = 'DEBUG' | 'INFO' | 'WARN' | 'ERROR'

const nothing: LogWrite = () => {}
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
