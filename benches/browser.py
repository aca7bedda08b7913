#!/usr/bin/env python3
"""Measures the browser in a pseudo-terminal.

    benches/browser.py PROGRAM ARCHIVE [PATTERN]

prints the time until the first screen shows the process tree, and, while a
search in all memory runs and while none does, how long a key takes until the
screen answers.
ARCHIVE should be large (`cargo run --release -p libforensic --example
generate` makes one), PATTERN a regular expression that takes a while.
"""
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time


def main():
    program, archive = sys.argv[1:3]
    pattern = sys.argv[3] if len(sys.argv) > 3 else r"[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,}"
    firsts = []
    for _ in range(5):
        session = Session(program, archive)
        firsts.append(session.wait(b"processes"))
        session.close()
    print(f"first screen: {min(firsts) * 1000:.1f} ms best, {sorted(firsts)[2] * 1000:.1f} ms median of 5")

    session = Session(program, archive)
    session.wait(b"processes")
    time.sleep(0.5)
    # On a machine that does other things, too, this says how much of the time is theirs.
    print("a key while nothing runs:", session.keys())
    session.send(b"S-e " + pattern.encode() + b"\r")
    session.wait(b"searching")
    # The page of the results has other keys than the tree: Tab goes there and back.
    session.send(b"\t")
    time.sleep(0.1)
    taken = session.keys()
    running = b"search done" not in session.all
    print("a key while a search runs:", taken, "" if running else "(it ended meanwhile: take a larger archive)")
    with open(f"/proc/{session.pid}/status") as status:
        lines = [line.split() for line in status]
    print(", ".join(f"{line[0]} {line[1]} {line[2]}" for line in lines if line[0] in ("VmHWM:", "RssAnon:")))
    session.close()


class Session:
    def __init__(self, program, archive):
        self.start = time.perf_counter()
        self.all = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            # The size is set before the program asks for it.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 140, 0, 0))
            os.execv(program, [program, "tui", archive])

    def read(self, timeout):
        if not select.select([self.fd], [], [], timeout)[0]:
            return b""
        got = os.read(self.fd, 1 << 16)
        self.all += got
        return got

    def wait(self, text, timeout=60):
        end = time.perf_counter() + timeout
        while text not in self.all:
            if time.perf_counter() > end:
                sys.exit(f"no {text} within {timeout} s")
            self.read(1)
        return time.perf_counter() - self.start

    def send(self, keys):
        os.write(self.fd, keys)

    def drain(self):
        while self.read(0):
            pass

    def answer(self, key):
        self.drain()
        start = time.perf_counter()
        self.send(key)
        self.read(5)
        return time.perf_counter() - start

    def keys(self, count=40):
        """Goes up and down in the tree, where every key shows another process."""
        self.drain()
        times = []
        before = self.computed()
        for i in range(count):
            times.append(self.answer(b"jk"[i % 2:i % 2 + 1]) * 1000)
            time.sleep(0.01)
        times.sort()
        return (
            f"{times[count // 2]:.1f} ms median, {times[count * 95 // 100]:.1f} ms 95 %, "
            f"{times[-1]:.1f} ms worst of {count}; "
            f"of it the thread that draws computes {(self.computed() - before) / count:.1f} ms"
        )

    def computed(self):
        """Milliseconds that the main thread was on a processor."""
        with open(f"/proc/{self.pid}/task/{self.pid}/schedstat") as schedstat:
            return int(schedstat.read().split()[0]) / 1e6

    def close(self):
        os.kill(self.pid, 15)
        while True:
            try:
                if not self.read(5):
                    break
            except OSError:
                break
        os.waitpid(self.pid, 0)
        os.close(self.fd)


if __name__ == "__main__":
    main()
