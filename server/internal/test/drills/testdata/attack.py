"""Attempts of an attacker with a shell, for TestAttacksOfOrdinaryUserFail.

attack.py NAME makes one attempt. It prints GOT and what it got, or the error of each system call. The environment has
DAEMONS, the process ids of the daemons of other users, STATE, the state folder of refmond, and ROOT, the folder of the
machine if it is not the root folder.
"""
import ctypes
import os
import resource
import signal
import socket
import stat
import struct
import sys
import time

DAEMONS = [int(p) for p in os.environ["DAEMONS"].split()]
STATE = os.environ["STATE"]
STATES = [STATE, STATE + "/audit", STATE + "/accounts.db"]
SECRET = "/mnt/projects/private/secret1"
ROOT = os.environ.get("ROOT", "")
SOCKET, ADMIN = ROOT + "/run/refmon/refmond.sock", ROOT + "/run/refmon/admin.sock"
MINE = "/tmp/mine-%d-%d" % (os.getuid(), os.getpid())
libc = ctypes.CDLL(None, use_errno=True)


def syscall(number, *args):
    """Makes a system call and raises OSError if it fails."""
    result = libc.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def tries(*calls):
    """Makes each call and prints its error, or GOT and its result."""
    for call in calls:
        try:
            print("GOT", call())
        except (OSError, ValueError) as e:
            print(e)


def daemons(*calls):
    """Tries each call with the process id of each daemon."""
    for pid in DAEMONS:
        tries(*(lambda c=c: c(pid) for c in calls))


def read(path):
    with open(path, "rb") as f:
        return f.read(1)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def proc_files():
    daemons(*(lambda p, n=n: read("/proc/%d/%s" % (p, n)) for n in ("mem", "environ", "maps", "auxv", "stack", "pagemap")),
            *(lambda p, n=n: os.listdir("/proc/%d/%s" % (p, n)) for n in ("root", "fd", "cwd", "map_files")),
            *(lambda p, n=n: os.readlink("/proc/%d/%s" % (p, n)) for n in ("exe", "ns/mnt")))


def proc_writes():
    daemons(*(lambda p, n=n, v=v: write("/proc/%d/%s" % (p, n), v) for n, v in (
        ("mem", "x"), ("oom_score_adj", "1000"), ("coredump_filter", "0xff"), ("clear_refs", "1"), ("comm", "x"))))


def ptrace():
    daemons(lambda p: syscall(101, 16, p, 0, 0), lambda p: syscall(101, 0x4206, p, 0, 0))


def memory_calls():
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 8)
    far = (ctypes.c_ulong * 2)(0x400000, 8)
    daemons(lambda p: syscall(310, p, vector, 1, far, 1, 0), lambda p: syscall(311, p, vector, 1, far, 1, 0),
            lambda p: syscall(312, os.getpid(), p, 0, 0, 0))


def stolen_descriptor():
    daemons(*(lambda p, n=n: syscall(438, os.pidfd_open(p), n, 0) for n in range(0, 24)))


def limits():
    daemons(lambda p: resource.prlimit(p, resource.RLIMIT_NOFILE, (4, 4)),
            lambda p: resource.prlimit(p, resource.RLIMIT_CORE, (1 << 40, 1 << 40)))


def scheduling():
    daemons(lambda p: os.setpriority(os.PRIO_PROCESS, p, 19), lambda p: os.sched_setaffinity(p, {0}),
            lambda p: os.sched_setscheduler(p, os.SCHED_IDLE, os.sched_param(0)), lambda p: syscall(251, 1, p, 3 << 13))


def signals():
    daemons(*(lambda p, s=s: os.kill(p, s) for s in (signal.SIGKILL, signal.SIGSTOP, signal.SIGQUIT, signal.SIGABRT,
                                                     signal.SIGHUP, signal.SIGTERM, signal.SIGURG)),
            lambda p: signal.pidfd_send_signal(os.pidfd_open(p), signal.SIGTERM))


def inotify():
    fd = libc.inotify_init()
    tries(*(lambda s=s: syscall(254, fd, s.encode(), 0xfff) for s in STATES))


def fanotify():
    tries(*(lambda s=s: syscall(301, syscall(300, 0x200, 0), 1, ctypes.c_ulong(0xfff), -100, s.encode()) for s in STATES))


def links():
    tries(*(lambda s=s: os.link(s, MINE) for s in (STATE + "/accounts.db", SOCKET, ADMIN, SECRET)),
          *(lambda s=s: os.symlink("/etc/passwd", s + "/x") for s in (STATE, "/run/refmon", "/mnt/projects/private")))


def renames():
    open(MINE, "w").close()
    tries(*(lambda s=s: os.rename(s, MINE + ".x") for s in (STATE, STATE + "/audit", "/run/refmon", SOCKET, ADMIN)),
          *(lambda s=s: os.rename(MINE, s) for s in (STATE + "/accounts.db", SOCKET, ADMIN)))
    os.unlink(MINE)


def sockets():
    tries(*(lambda s=s, f=f: f(s) for s in (SOCKET, ADMIN) for f in (
        os.unlink, lambda s: os.chmod(s, 0o777), lambda s: os.chown(s, os.getuid(), -1),
        lambda s: socket.socket(socket.AF_UNIX).bind(s + ".x"))))
    for s in (SOCKET, ADMIN):
        print(s, oct(stat.S_IMODE(os.stat(s).st_mode)))


def trail():
    log = STATE + "/audit/audit-0000000000000001.log"
    tries(*(lambda o=o: os.open(log, o) for o in (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY | os.O_APPEND,
                                                  os.O_WRONLY | os.O_TRUNC)),
          lambda: os.truncate(log, 0), lambda: os.unlink(log), lambda: os.rename(log, log + ".old"),
          lambda: os.utime(log), lambda: os.chmod(log, 0o666), lambda: os.setxattr(log, "user.x", b"x"),
          lambda: os.open(STATE + "/audit/audit-9999999999999999.log", os.O_CREAT | os.O_WRONLY, 0o666))


def handle():
    """Opens the inode 2 of the root's file system by a handle that the attacker made."""
    made = struct.pack("IiII", 8, 1, 2, 0)
    tries(*(lambda p=p: syscall(304, os.open(p, os.O_RDONLY), made, os.O_RDONLY) for p in ("/", "/mnt/projects/plans")))


def path_only():
    tries(lambda: read("/proc/self/fd/%d" % os.open(SECRET, os.O_PATH)),
          lambda: write("/proc/self/fd/%d" % os.open("/mnt/projects/plans/plan1", os.O_PATH), "x"))


def attributes():
    for f in (SECRET, "/mnt/projects/plans/plan1"):
        tries(lambda: os.chmod(f, 0o777), lambda: os.chown(f, os.getuid(), -1), lambda: os.truncate(f, 0),
              lambda: os.utime(f), lambda: os.unlink(f), lambda: os.rename(f, f + ".x"), lambda: os.link(f, f + ".y"),
              *(lambda n=n: os.setxattr(f, n, b"x" * 20) for n in ("user.x", "security.NTACL", "system.ntfs_acl",
                                                                    "security.capability", "trusted.x")))


def holds():
    """Keeps alice from writing a file that the attacker may read, by a lease or a lock for writing."""
    fd = os.open("/mnt/projects/plans/plan1", os.O_RDONLY)
    tries(lambda: syscall(72, fd, 1024, 1), lambda: syscall(72, fd, 1024, 0),
          lambda: syscall(72, fd, 6, struct.pack("hhqqi4x", 1, 0, 0, 0, 0)))


def connected(path, *sent):
    """Returns what a server answers to sent bytes, b'' once it has closed the connection."""
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    for b in sent:
        s.sendall(b)
    return s, s.recv(1 << 16)


def administer():
    """Connects to the administrators' socket, whose server answers STATUS_ACCESS_DENIED to others."""
    got = connected(ADMIN)[1]
    print("access denied" if b"\x22\0\0\xc0" in got else "GOT %r" % got)


def frames():
    for name, b in (("oversized", b"\xff" * 64), ("malformed", b"\x20\0\0\0" + b"\xaa" * 64), ("HTTP", b"GET / HTTP/1.1\r\n\r\n")):
        try:
            got = connected(SOCKET, b)[1]
        except OSError as e:
            got = e
        print(name, "refused" if len(str(got)) < 400 else "GOT %r" % got)


def slow():
    """Holds 300 connections with half a frame, and checks that another one is served at once."""
    half = [socket.socket(socket.AF_UNIX) for _ in range(300)]
    for s in half:
        s.connect(SOCKET)
        s.sendall(b"\x40\0\0\0\0")
    began = time.monotonic()
    code = os.waitstatus_to_exitcode(os.system("refmond ps >/dev/null 2>&1"))
    print("served" if code == 0 and time.monotonic() - began < 20 else "GOT nothing from refmond: %d" % code)


def descriptors():
    r, w = os.pipe()
    for _ in range(300):
        s = socket.socket(socket.AF_UNIX)
        s.connect(SOCKET)
        try:
            socket.send_fds(s, [b"x"], [w] * 250)
        except OSError as e:
            print(e)
        s.close()
    os.close(w)
    print("GOT a descriptor that stays" if os.read(r, 1) else "all closed")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
