"""Runs a program at a pseudo-terminal of its own and answers each question that wants a "yes": session.py COLUMNS PROGRAM ARGS...

A question is what stands on the last, unfinished line and ends in ": ". Everything that is printed comes on standard output.
"""

import fcntl, os, pty, re, struct, sys, termios

child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])

since = b""
while True:
    try:
        chunk = os.read(terminal, 65536)
    except OSError:  # Linux reports the end as EIO.
        chunk = b""
    if not chunk:
        break
    sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()
    since += chunk
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", since.decode("utf-8", "replace"))
    if re.search(r'"yes"[^"]*: $', plain):
        since = b""
        os.write(terminal, b"yes\n")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
