"""What tests have done in other processes: it is imported there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from chimera.runtime.recovery import PermanentError


def echo(argument, call):
    return {"argument": argument, "inputs": call.inputs, "key": call.key, "id": call.new_id()}


def pid(argument, call):
    return os.getpid()


def chatty(argument, call):
    call.log("logged")
    print("printed", flush=True)
    print("on stderr", file=sys.stderr, flush=True)
    call.publish("topic", {"n": 1})
    return sys.stdin.read()


def secretive(argument, call):
    call.context.secrets.add("hunter2-hunter2")
    call.log("it is hunter2-hunter2")
    print("it is hunter2-hunter2", flush=True)
    raise ValueError("not hunter2-hunter2")


def refuse(argument, call):
    raise PermanentError("it never will", help="give up")


def exits(argument, call):
    sys.exit(3)


def die(argument, call):
    os.kill(os.getpid(), signal.SIGKILL)


def once(argument, call):
    if Path(argument).exists():
        return "second"
    Path(argument).touch()
    return die(argument, call)


def obedient(argument, call):
    child = subprocess.Popen(["sleep", "600"])
    Path(argument).write_text(str(child.pid))
    child.wait()
    while not call.cancelled():
        time.sleep(0.01)
    raise InterruptedError(f"stopped, and so was its child: {child.returncode}")


def stubborn(argument, call):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " print('on', flush=True); time.sleep(600)"
    )
    # One in the group, and one that has left it.
    children = [
        subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=alone
        )
        for alone in (False, True)
    ]
    for child in children:
        child.stdout.readline()
    pids = [os.getpid(), *(child.pid for child in children)]
    Path(argument + ".part").write_text(" ".join(map(str, pids)))
    Path(argument + ".part").rename(argument)
    time.sleep(600)


def flood(argument, call):
    while True:
        print("x" * 1000)


def large(argument, call):
    return "x" * argument


def unusual(argument, call):
    return {1, 2}


def greedy(argument, call):
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 20) * 16))
        time.sleep(0.01)


def nap(argument, call):
    time.sleep(argument)
    return os.getpid()


def deaf(argument, call):
    Path(argument).write_text(str(os.getpid()))
    while True:
        try:
            time.sleep(600)
        except BaseException:
            continue


def patient(argument, call):
    Path(argument).write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)


def asking(argument, call):
    Path(argument).write_text(str(os.getpid()))
    while not call.cancelled():
        try:
            time.sleep(0.01)
        except KeyboardInterrupt:
            continue
    return "asked"


def verbose(argument, call):
    for number in range(argument):
        print("line", number)


def wait_for(argument, call):
    while not Path(argument).exists():
        time.sleep(0.001)
    return "open"
