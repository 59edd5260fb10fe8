import { P2PError } from '../index.ts'

/**
 * What makes Tab complete the words of `p2p` in a shell: each asks `p2p __complete` with the words up to the cursor, the last of which
 * is being typed. Nothing that comes back is ever run.
 */
const scripts: Readonly<Record<string, string>> = {
  bash: String.raw`# p2p completion for bash: source <(p2p completion bash)
_p2p() {
  local line="\${COMP_LINE:0:COMP_POINT}" current words IFS=$' \t\n'
  # Without -r a space that is escaped belongs to its word.
  read -a words <<< "$line"
  [[ $line == *[[:space:]] && $line != *'\ ' ]] && words+=("")
  current="\${words[-1]}"
  mapfile -t COMPREPLY < <(p2p __complete -- "\${words[@]:1}" 2> /dev/null)
  # readline takes what follows a colon for a word of its own.
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    COMPREPLY=("\${COMPREPLY[@]#"\${current%:*}:"}")
  fi
  if [[ \${#COMPREPLY[@]} -eq 1 ]]; then
    [[ \${COMPREPLY[0]} == *[/:] ]] && compopt -o nospace
    COMPREPLY[0]=$(printf '%q' "\${COMPREPLY[0]}")
  fi
}
complete -o default -F _p2p p2p
`.replaceAll('\\${', '${'),
  zsh: String.raw`#compdef p2p
# p2p completion for zsh: source <(p2p completion zsh)
_p2p() {
  local -a offers
  # A quote that is still open is closed to read the word.
  local current="\${(Q)\${:-$QIPREFIX$PREFIX\${QIPREFIX[-1]}}}"
  offers=("\${(@f)$(p2p __complete -- "\${(@Q)words[2,CURRENT-1]}" "$current" 2> /dev/null)}")
  offers=(\${offers:#})
  if (( \${#offers} )); then
    compadd -S '' -- \${(M)offers:#*[/:]}
    compadd -- \${offers:#*[/:]}
  else
    _files
  fi
}
compdef _p2p p2p
`.replaceAll('\\${', '${'),
  fish: String.raw`# p2p completion for fish: p2p completion fish | source
function __p2p_offers
  set -l typed (commandline -ct)
  # A word with a quote that is still open can be read only with its end.
  set -l current (string unescape -- "$typed" "$typed'" "$typed\"")[1]
  p2p __complete -- (commandline -opc)[2..] "$current" 2> /dev/null
end
complete -c p2p -f -a '(__p2p_offers)'
`,
}

/** @throws P2PError `usage` for any other shell */
export function completionScript([shell = '', ...more]: readonly string[]): string {
  const script = Object.hasOwn(scripts, shell) && more.length === 0 ? scripts[shell] : undefined
  if (script !== undefined) return script
  throw new P2PError('usage', 'Write "p2p completion bash", zsh or fish.')
}
