// The first lines of the single-file executable, and of its threads: the files of dist/ are inside, and Node finds them there.
'use strict'

const { createRequire, registerHooks } = require('node:module')
const { getAsset, getAssetKeys } = require('node:sea')
const { pathToFileURL } = require('node:url')
const { isMainThread } = require('node:worker_threads')

// Below a file there is no other, so that nobody can put one of theirs where ours are looked for.
const inside = `${pathToFileURL(process.execPath)}/`
const names = new Set(getAssetKeys())
const first = 'first.cjs'
const entry = isMainThread ? './cli.js' : './file-worker.js'

function assetOf(url) {
  const name = url.startsWith(inside) ? url.slice(inside.length) : ''
  return names.has(name) || name === first ? name : undefined
}

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier.startsWith('.') && context.parentURL?.startsWith(inside)
    const url = isOurs ? new URL(specifier, context.parentURL).href : specifier
    if (assetOf(url) === undefined) return next(specifier, context)
    return { url, format: url.endsWith('.cjs') ? 'commonjs' : 'module', shortCircuit: true }
  },
  load(url, context, next) {
    const name = assetOf(url)
    if (name === undefined) return next(url, context)
    if (name !== first) return { source: getAsset(name, 'utf8'), format: 'module', shortCircuit: true }
    return { source: `import('${entry}')`, format: 'commonjs', shortCircuit: true }
  },
})

// This very script may import nothing but what Node brings; a module that it requires may.
createRequire(inside)(inside + first)
