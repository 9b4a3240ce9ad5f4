#!/usr/bin/python3
"""Asks Samba's libraries: python3-samba, and libsamba-security for what has no Python binding."""

import ctypes
import glob
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit  # noqa: E402
from samba.dcerpc import security  # noqa: E402
from samba.ndr import ndr_pack, ndr_unpack  # noqa: E402

P = ctypes.c_void_p
NULL_SID = "S-1-0-0"
TAKE_OWNERSHIP, SECURITY = 9, 8  # the only privileges that Samba's check knows, by their LUID
STATUS = {0xC0000022: "STATUS_ACCESS_DENIED", 0xC0000061: "STATUS_PRIVILEGE_NOT_HELD"}


class Blob(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]


def library(pattern):
    return ctypes.CDLL(sorted(glob.glob("/usr/lib/*/" + pattern))[-1], mode=ctypes.RTLD_GLOBAL)


talloc, ndr, lib = library("libtalloc.so.2"), library("libndr.so.[0-9]"), library("samba/libsamba-security*.so.0")
talloc._talloc_zero.restype = talloc.talloc_named_const.restype = P
lib.create_security_descriptor.restype = P
lib.insert_in_object_tree.restype = ctypes.c_bool
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)


def to_c(memory, value, kind):
    """Copies a Python value into a new C structure."""
    raw = ndr_pack(value)
    out = P(talloc._talloc_zero(memory, ctypes.c_size_t(4096), b"structure"))
    blob = Blob(ctypes.cast(ctypes.c_char_p(raw), P), len(raw))
    pull = ctypes.cast(getattr(lib, "ndr_pull_" + kind), P)
    if ndr.ndr_pull_struct_blob(ctypes.byref(blob), out, out, pull):
        raise kit.Invalid("ndr_pull_" + kind)
    return out


def descriptor(question, name="sd"):
    text = question.get(name + "Hex")
    return text and unpack(text)


def unpack(text):
    try:
        return ndr_unpack(security.descriptor, bytes.fromhex(text), allow_remaining=True)
    except Exception as e:
        raise kit.Invalid(e)


def token_of(t):
    kit.refuse({"token": t}, "restricting", "appContainer", "userClaims", "deviceClaims", "deviceGroups", "userAttributes")
    if kit.mask(t["integrity"]) < 0x2000:
        raise kit.Unsupported("no integrity levels")
    out = security.token()
    sids = [security.dom_sid(t["user"])]
    for g in t.get("groups") or []:
        if kit.mask(g["attributes"]) & 0x10:
            raise kit.Unsupported("no deny-only groups")
        if kit.mask(g["attributes"]) & 0x4:
            sids.append(security.dom_sid(g["sid"]))
    out.sids, out.num_sids = sids, len(sids)
    for p in t.get("privileges") or []:
        number = {"SeSecurityPrivilege": SECURITY, "SeTakeOwnershipPrivilege": TAKE_OWNERSHIP,
                  "SeBackupPrivilege": 17, "SeRestorePrivilege": 18}.get(p["name"])
        if number and kit.mask(p["attributes"]) & 2:
            out.set_privilege(number)
    return out


def access_check(q):
    kit.refuse(q, "policies")
    sd, token = descriptor(q), token_of(q["token"])
    for ace in sd.sacl.aces if sd.sacl else []:
        if ace.type >= 0x11:
            raise kit.Unsupported("no labels, attributes and policies")
    memory = P(talloc.talloc_named_const(None, ctypes.c_size_t(0), b"question"))
    try:
        root = tree(memory, q.get("objectTypes"), kit.map_generic(kit.mask(q["desired"]), q.get("mapping")))
        granted = ctypes.c_uint32()
        me = to_c(memory, security.dom_sid(q["selfSid"]), "dom_sid") if q.get("selfSid") else None
        status = lib.sec_access_check_ds(
            to_c(memory, sd, "security_descriptor"), to_c(memory, token, "security_token"),
            ctypes.c_uint32(kit.map_generic(kit.mask(q["desired"]), q.get("mapping"))), ctypes.byref(granted), root, me)
    finally:
        talloc._talloc_free(memory, b"question")
    if status == 0:
        return {"status": "STATUS_SUCCESS", "granted": granted.value}
    return {"status": STATUS.get(status & 0xFFFFFFFF, hex(status & 0xFFFFFFFF)), "granted": 0}


def tree(memory, types, desired):
    """Builds Samba's tree of object types; None without types."""
    above = []
    for t in types or []:
        guid = ctypes.create_string_buffer(uuid.UUID(t["guid"]).bytes_le, 16)
        node, level = P(), t["level"]
        parent = above[level - 1] if level else None
        if not lib.insert_in_object_tree(memory, guid, ctypes.c_uint32(desired), parent, ctypes.byref(node)):
            raise kit.Invalid("object tree")
        above[level:] = [node]
    return above[0] if above else None


def inherit(q):
    kit.refuse(q, "defaultDaclHex")
    memory = P(talloc.talloc_named_const(None, ctypes.c_size_t(0), b"question"))
    try:
        c = {}
        for name in ("parent", "creator"):
            value = descriptor(q, name)
            directory = kit.mask((q.get("mapping") or {}).get("all")) == 0xF01FF
            lists = [l.aces for l in (value.dacl, value.sacl) if l] if value else []
            if not directory and any(ace.access_mask >> 28 for entries in lists for ace in entries):
                raise kit.Unsupported("maps generic bits as a directory service, whatever the mapping")
            c[name] = value and to_c(memory, value, "security_descriptor")
        token = security.token()
        token.sids, token.num_sids = [security.dom_sid(q["owner"]), security.dom_sid(q["group"])], 2
        guid = q.get("objectType") and ctypes.create_string_buffer(uuid.UUID(q["objectType"]).bytes_le, 16)
        mapper = CALLBACK(lambda bits: kit.map_generic(bits, q.get("mapping")))
        out = lib.create_security_descriptor(
            memory, c["parent"], c["creator"], ctypes.c_bool(bool(q.get("directory"))), guid or None,
            ctypes.c_uint32(3 if q.get("autoInherit") else 0), to_c(memory, token, "security_token"),
            to_c(memory, security.dom_sid(q["owner"]), "dom_sid"),
            to_c(memory, security.dom_sid(q["group"]), "dom_sid"), mapper)
        blob = Blob()
        push = ctypes.cast(lib.ndr_push_security_descriptor, P)
        if not out or ndr.ndr_push_struct_blob(ctypes.byref(blob), memory, P(out), push):
            raise kit.Invalid("create_security_descriptor")
        return {"hex": ctypes.string_at(blob.data, blob.length).hex()}
    finally:
        talloc._talloc_free(memory, b"question")


def parse_sddl(q):
    try:
        sd = security.descriptor.from_sddl(q["sddl"], security.dom_sid(q.get("domain") or NULL_SID))
    except Exception as e:
        raise kit.Invalid(e)
    return {"hex": ndr_pack(sd).hex()}


kit.main({
    "parse_sddl": parse_sddl,
    "format_sddl": lambda q: {"sddl": unpack(q["hex"]).as_sddl(security.dom_sid(q.get("domain") or NULL_SID))},
    "read_descriptor": lambda q: {"hex": ndr_pack(unpack(q["hex"])).hex()},
    "inherit": inherit,
    "access_check": access_check,
})
