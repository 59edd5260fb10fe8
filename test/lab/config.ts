/** Configuration files for the peers of a lab. */
export interface LabConfig {
  readonly explorers?: readonly ('multicast' | 'broadcast')[]
  readonly interfaceName?: string
  readonly period?: string
}

/** The text of a config.yaml. Unless told: multicast alone, a period in which nothing is hidden by the next one. */
export function configText({
  explorers = ['multicast'],
  interfaceName,
  period = '20s',
}: LabConfig = {}): string {
  const lines = ['explorer:', `  period: ${period}`]
  for (const explorer of explorers) {
    const address = explorer === 'multicast' ? '235.5.5.11' : '255.255.255.255'
    lines.push(`  ${explorer}:`, `    address: ${address}`, '    port: 8001')
    if (interfaceName !== undefined) lines.push(`    interface-name: ${interfaceName}`)
  }
  return `${lines.join('\n')}\n`
}
