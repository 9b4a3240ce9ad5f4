#!/usr/bin/python3
"""Asks Wine's advapi32 and ntdll through adapter.exe, whose path is the first argument.

Wine 8 has no NtCreateToken, so an access check runs with the process's token: the adapter gives the question's SIDs other
names, the same in token and descriptor. S-1-3-4 and S-1-5-10 keep theirs.
"""

import os
import re
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit  # noqa: E402

STATUS = {0: "STATUS_SUCCESS", 0xC0000022: "STATUS_ACCESS_DENIED", 0xC0000061: "STATUS_PRIVILEGE_NOT_HELD"}
LUIDS = {"SeSecurityPrivilege": 8, "SeTakeOwnershipPrivilege": 9, "SeBackupPrivilege": 17, "SeRestorePrivilege": 18,
         "SeDebugPrivilege": 20, "SeChangeNotifyPrivilege": 23, "SeImpersonatePrivilege": 29}
DOMAIN = "S-1-5-21-0-0-0"  # the domain of a Wine prefix
FIXED = {"S-1-3-4", "S-1-5-10"}
program = None


def call(*words):
    """Returns the words after "ok". The adapter ends with the program, and guard starts both again."""
    global program
    if program is None:
        program = subprocess.Popen(["wine", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    program.stdin.write(" ".join(words) + "\n")
    program.stdin.flush()
    out = program.stdout.readline().split()
    if not out:
        sys.exit("the program crashed")
    if out[0] != "ok":
        raise kit.Invalid("error " + " ".join(out[1:]))
    return out[1:]


def sid_bytes(text):
    parts = [int(p) for p in text.split("-")[1:]]
    return struct.pack(">BBQ", parts[0], len(parts) - 2, parts[1])[:2] + struct.pack(">Q", parts[1])[2:] + b"".join(
        struct.pack("<I", p) for p in parts[2:])


def sid_text(b):
    return "-".join(["S", str(b[0]), str(int.from_bytes(b[2:8], "big"))] + [
        str(n) for n in struct.unpack("<%dI" % b[1], b[8:8 + 4 * b[1]])])


def renamed(sd, name):
    """Returns a descriptor with other SIDs. Wine's server accepts the four plain types only."""
    out, body = bytearray(sd[:20]), bytearray()
    for field, at in zip((4, 8, 12, 16), struct.unpack("<4I", sd[4:20])):
        if not at:
            continue
        out[field:field + 4] = struct.pack("<I", 20 + len(body))
        if field < 12:
            body += sid_bytes(name(sid_text(sd[at:])))
            continue
        entries, count, pos = bytearray(), struct.unpack("<H", sd[at + 4:at + 6])[0], at + 8
        for _ in range(count):
            kind, size = sd[pos], struct.unpack("<H", sd[pos + 2:pos + 4])[0]
            if kind > 2:
                raise kit.Unsupported("no entries of type 0x%02x in access checks" % kind)
            sid = sid_bytes(name(sid_text(sd[pos + 8:])))
            entries += sd[pos:pos + 2] + struct.pack("<H", 8 + len(sid)) + sd[pos + 4:pos + 8] + sid
            pos += size
        body += sd[at:at + 2] + struct.pack("<HHH", 8 + len(entries), count, 0) + entries
    return bytes(out + body)


def access_check(q):
    token, mapping = q["token"], q.get("mapping") or {}
    kit.refuse(q, "objectTypes", "policies", "restricting", "appContainer", "userClaims", "deviceClaims", "deviceGroups",
               "userAttributes", "selfSid")
    if kit.mask(token["integrity"]) < 0x2000:
        raise kit.Unsupported("no integrity levels")
    user, *free = [w.split("=")[0] for w in call("show") if w[0] == "S"]
    names, deny = {token["user"]: user}, []
    for g in token.get("groups") or []:
        attributes = kit.mask(g["attributes"])
        if attributes & 0x14 and g["sid"] not in names:
            if not free:
                raise kit.Unsupported("no NtCreateToken, and the process's token has too few groups")
            names[g["sid"]] = free.pop(0)
            deny += [names[g["sid"]]] if attributes & 0x10 else []
    strangers = {}

    def name(sid):
        if sid in FIXED:
            return sid
        return names.get(sid) or strangers.setdefault(sid, "S-1-5-21-9-9-9-%d" % (1000 + len(strangers)))

    on = [str(LUIDS[p["name"]]) for p in token.get("privileges") or []
          if kit.mask(p["attributes"]) & 2 and p["name"] in LUIDS]
    m = [mapping.get(k, "0x0")[2:] for k in ("read", "write", "execute", "all")]
    status, granted = call("access", renamed(bytes.fromhex(q["sdHex"]), name).hex(), q["desired"][2:], *m,
                           ",".join(deny) or "-", ",".join(on) or "0")
    status = int(status, 16)
    return {"status": STATUS.get(status, hex(status)), "granted": 0 if status else int(granted, 16)}


def local(text, q):
    """Replaces the question's domain by Wine's, in bytes or in text."""
    domain = q.get("domain") or DOMAIN
    return text.replace(sid_bytes(domain)[8:].hex(), sid_bytes(DOMAIN)[8:].hex()).replace(domain + "-", DOMAIN + "-")


def foreign(text, q):
    domain = q.get("domain") or DOMAIN
    return text.replace(sid_bytes(DOMAIN)[8:].hex(), sid_bytes(domain)[8:].hex()).replace(DOMAIN + "-", domain + "-")


def parse_sddl(q):
    return {"hex": foreign(call("parse", q["sddl"].encode("utf-16-le", "surrogatepass").hex() + "0000")[0], q)}


def format_sddl(q):
    out = bytes.fromhex(call("format", local(q["hex"], q))[0]).decode("utf-16-le", "replace")
    return {"sddl": foreign(out, q)}


kit.main({
    "parse_sddl": parse_sddl,
    "format_sddl": format_sddl,
    "read_descriptor": lambda q: {"hex": call("read", q["hex"])[0]},
    "access_check": access_check,
})
