#!/usr/bin/env python3
"""Tests an upgrade of refmond's package, in the role of systemd: upgrade.py PACKAGE, as root.

It holds the sockets of refmond.socket, as systemd does, and starts the program with them. The old program serves its
clients until the restart. A client that connects during the restart waits.
"""
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading

import importlib.util


def clients(package):
    """Returns the module refmon, imported from its package."""
    subprocess.run(["dpkg-deb", "-x", package, "/tmp/python"], check=True)
    sys.path.insert(0, "/tmp/python/usr/lib/python3/dist-packages")
    sys.dont_write_bytecode = True
    return importlib.import_module("refmon")


def listen(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen()
    return s


def start(sockets):
    """Starts refmond as its unit does, waits until it is ready, and returns its process ID."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind("/tmp/notify")
    os.chmod("/tmp/notify", 0o666)
    user = pwd.getpwnam("refmond")
    pid = os.fork()
    if pid == 0:
        for i, s in enumerate(sockets):
            os.dup2(s.fileno(), 100 + i)
        for i in range(len(sockets)):
            os.dup2(100 + i, 3 + i, inheritable=True)
            os.close(100 + i)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.environ.update(LISTEN_FDS=str(len(sockets)), LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET="/tmp/notify")
        os.execv("/usr/bin/refmond", ["refmond", "serve", "--config", "/etc/refmon/refmond.yaml"])
    told.settimeout(60)
    while b"READY=1" not in told.recv(4096):
        pass
    told.close()
    os.unlink("/tmp/notify")
    return pid


def user(refmon, kernel):
    """Returns the SID of a connection's user."""
    thread = kernel.thread
    h = thread.NtOpenProcessToken(ProcessHandle=refmon.NtCurrentProcess,
                                  DesiredAccess=refmon.TOKEN_QUERY).check().TokenHandle
    q = thread.NtQueryInformationToken(TokenHandle=h, TokenInformationClass=refmon.TokenUser).check()
    thread.NtClose(Handle=h).check()
    return q.TokenInformation.value.SID


def main(package):
    refmon = clients([os.path.join("/packages", n) for n in os.listdir("/packages") if n.startswith("python3-")][0])
    sockets = [listen("/run/refmon/refmond.sock"), listen("/run/refmon/admin.sock")]
    old = start(sockets)
    before = refmon.connect()
    who = user(refmon, before)
    inode = os.stat("/usr/bin/refmond").st_ino
    subprocess.run(["dpkg", "-i", package], check=True, stdout=subprocess.DEVNULL)
    assert os.stat("/usr/bin/refmond").st_ino != inode, "the program was not replaced"
    assert os.readlink("/proc/%d/exe" % old).endswith("(deleted)"), "the old program is not the one that runs"
    assert user(refmon, before) == who, "the client from before lost its process by the upgrade"
    print("ok  the upgrade replaces the program; a client that is connected goes on")

    os.kill(old, signal.SIGTERM)
    _, status = os.waitpid(old, 0)
    assert status == 0, "the old program ended with %d" % status
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(user(refmon, refmon.connect())))
    waiting.start()  # no program serves now
    new = start(sockets)
    waiting.join(60)
    assert answers == [who], "who connected during the restart got %r" % answers
    try:
        user(refmon, before)
        raise AssertionError("the connection to the old program is still there")
    except refmon.Disconnected:
        pass
    print("ok  who connects during the restart waits and is served; who was connected is told, and connects again")
    os.kill(new, signal.SIGTERM)
    os.waitpid(new, 0)
    for s in sockets:
        os.unlink(s.getsockname())


main(*sys.argv[1:])
