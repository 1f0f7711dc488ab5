"""Runs a program at a pseudo-terminal of its own, and types each answer when its prompt has appeared.

terminal.py PLAN PROGRAM ARGS...; PLAN is JSON: {"answers": [[pattern, text, command], ...], "columns": 80}.
The command is run by a shell before its text is typed. Where the text is null the terminal hangs up.
"""

import fcntl, json, os, pty, re, struct, subprocess, sys, termios

plan = json.loads(sys.argv[1])
child, terminal = pty.fork()
if child == 0:
    # The size is set before the program starts, so that it cannot see another.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, plan["columns"], 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])

answers = plan["answers"]
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
    if answers and re.search(answers[0][0], re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", since.decode("utf-8", "replace"))):
        since = b""
        _, text, *commands = answers.pop(0)
        for command in commands:
            subprocess.run(command, shell=True, check=True)
        if text is None:
            break
        os.write(terminal, text.encode())
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) % 256)
