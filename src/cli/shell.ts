export { openScript as openShell } from './script.ts'
