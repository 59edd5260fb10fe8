"""Runs a program in a terminal, presses keys, and measures what each brings. Node has no terminals of its own.

Run: terminal.py STORY -- COMMAND..., where STORY is JSON: {"columns", "rows", "sign", "settleMs", "phases": [{"name", "keys", "times"}]}.
Prints JSON: {"startMs", "phases": {name: {"ms": [...], "bytes": [...]}}}: of each key the time until the last byte of what it has
changed was written, and how many bytes that were.
"""
import fcntl, json, os, pty, select, signal, struct, sys, termios, time

QUIET = 0.015  # a screen that is silent for so long is whole
STEP = 0.06  # between two keys: as fast as anybody types
PATIENCE = 2.0


def read_until_quiet(fd, patience):
    """The bytes written from now on, and when the last one came; None when there are none."""
    total, last, deadline = 0, None, time.perf_counter() + patience
    while True:
        now = time.perf_counter()
        left = QUIET if last is not None else deadline - now
        if left <= 0:
            return total, last
        ready, _, _ = select.select([fd], [], [], left)
        if not ready:
            return total, last
        total += len(os.read(fd, 1 << 16))
        last = time.perf_counter()


def main():
    at = sys.argv.index("--")
    story, command = json.loads(sys.argv[1]), sys.argv[at + 1 :]
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        for name in ("CI", "NO_COLOR"):
            os.environ.pop(name, None)
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", story["rows"], story["columns"], 0, 0))
    started, seen = time.perf_counter(), b""
    while story["sign"].encode() not in seen:
        seen = (seen + os.read(fd, 1 << 16))[-100_000:]
    start_ms = (time.perf_counter() - started) * 1000
    print("shown", flush=True)
    settled = time.perf_counter() + story["settleMs"] / 1000
    while time.perf_counter() < settled:
        if select.select([fd], [], [], 0.1)[0]:
            os.read(fd, 1 << 16)
    phases = {}
    for phase in story["phases"]:
        taken = phases[phase["name"]] = {"ms": [], "bytes": []}
        for index in range(phase["times"]):
            key = phase["keys"][index % len(phase["keys"])]
            read_until_quiet(fd, 0)
            pressed = time.perf_counter()
            os.write(fd, key.encode())
            size, last = read_until_quiet(fd, PATIENCE)
            if last is not None:
                taken["ms"].append((last - pressed) * 1000)
                taken["bytes"].append(size)
            time.sleep(STEP)
    os.kill(pid, signal.SIGTERM)
    print(json.dumps({"startMs": start_ms, "phases": phases}), flush=True)


main()
