#!/usr/bin/env python3
"""Check a certificate of refmon why --certificate against the descriptor's bytes and the token file alone.

    verify.py CERTIFICATE DESCRIPTOR TOKEN

It decides the question anew, writes the certificate itself, and compares; docs/certificates.md describes the form. Nothing
is needed but Python 3.8. Exit code: 0 true, 1 false, altered or of another form, 2 a file cannot be read.
"""
import hashlib
import json
import re
import struct
import sys

FORM = "refmon access certificate 2"
ALL = 0xFFFFFFFF
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER, SYNCHRONIZE = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
SYSTEM_SECURITY, MAXIMUM, GENERIC = 0x1000000, 0x2000000, 0xF0000000
NEVER = SYSTEM_SECURITY | MAXIMUM | GENERIC  # by no entry
BACKUP, RESTORE = 0x11200A9, 0x11F0116
SUCCESS, DENIED, INVALID = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED", "STATUS_INVALID_PARAMETER"
IMPERSONATION = ["", "Anonymous", "Identification", "Impersonation", "Delegation"]
QUESTION = """adOwnerReadOnly backup certificate claimsDisabled desired kernelMode level mapping objectTypes policies previous
primary restore resultList self""".split()
LEVELS = {"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}
ATTRIBUTES = {"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
WORDS = """AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574
CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19
LU 5-32-559 LW 16-4096 ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10
PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555 RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2
SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33 AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519
EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553 SA -518""".split()
ALIASES = dict(zip(WORDS[::2], WORDS[1::2]))
# Letters whose upper case came after Unicode 5.1, or is ASCII: to Windows they have none.
LATER = re.compile("[ıſƛȿɀɒɜɡɤ-ɦɪ-ɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")

class Refused(Exception): """The certificate is false or was altered, or an input is malformed."""

def check(ok, why, *args):
    if not ok: raise Refused(why % args if args else why)

def sid(text, domain=""):
    """A SID is (authority, sub-authorities…); text is S-1-… or an alias in capitals."""
    full = text
    if text in ALIASES: full = domain + ALIASES[text] if ALIASES[text].startswith("-") else "S-1-" + ALIASES[text]
    check(re.fullmatch(r"S-1(-(0|[1-9][0-9]{0,9})){2,16}", full), "the SID %r: write it as S-1-… in decimal numbers", text)
    parts = tuple(int(p) for p in full.split("-")[2:])
    check(max(parts) <= ALL, "the SID %r: a number of more than 32 bits", text)
    return parts

SELF, OWNER_RIGHTS, PACKAGES, RESTRICTED_PACKAGES = sid("PS"), sid("OW"), sid("AC"), sid("S-1-15-2-2")

def read_sid(b):
    check(b[0] == 1 and b[1] <= 15, "a SID is malformed")
    return (int.from_bytes(b[2:8], "big"),) + struct.unpack_from("<%dI" % b[1], b, 8)

def whole_sid(b):
    check(len(b) == 8 + 4 * b[1], "a SID of another size")
    return read_sid(b)

class Entry:
    """An ACE. acts: it takes part in the walk over a DACL; sid: of a compound entry the server's; data: what follows the SID."""

    def __init__(self, b):
        self.kind, self.live, self.mask, self.sid, self.guid, at = b[0], not b[1] & 8, 0, None, None, 12 if b[0] == 4 else 8
        self.deny, self.acts = self.kind in (1, 6, 10, 12), self.live and self.kind in (0, 1, 4, 5, 6, 9, 10, 11, 12)
        if self.kind > 0x15: return
        if self.kind in (5, 6, 7, 8, 11, 12, 15, 16):
            at, self.guid = 12 + 16 * (b[8] & 1) + 8 * (b[8] & 2), b[12:28] if b[8] & 1 else None
        self.mask, self.sid, self.data = struct.unpack_from("<I", b, 4)[0], read_sid(b[at:]), b[at + 8 + 4 * b[at + 1]:]

def read_acl(b):
    size, count = struct.unpack_from("<HH", b, 2)
    b, out = b[8:size], []
    for _ in range(count):
        n = struct.unpack_from("<H", b, 2)[0]
        check(4 <= n <= len(b), "a list of the descriptor is malformed")
        out.append(Entry(b[:n]))
        b = b[n:]
    return out

def read_descriptor(b):
    """Owner, SACL and DACL, which may be None."""
    if not b: return None, [], None
    control, owner, _, sacl, dacl = struct.unpack_from("<2xHIIII", b)
    return (read_sid(b[owner:]) if owner else None, read_acl(b[sacl:]) if sacl and control & 0x10 else [],
            read_acl(b[dacl:]) if dacl and control & 4 else None)

def fold(text, sensitive=False):
    """Units of UTF-16, in upper case unless sensitive (A-112): simple mappings of single units only."""
    u = struct.unpack("<%dH" % (len(text) // 2), text)  # half a unit is an error
    if sensitive: return u
    up = lambda c: next((x for x in (c.upper(), c.title()) if len(x) == 1 and x < "\U00010000"), c)
    return tuple(c if LATER.match(chr(c)) else ord(up(chr(c))) for c in u)

def terminated(b):
    """The UTF-16 before the first NUL."""
    return next(b[:i] for i in range(0, len(b) - 1, 2) if b[i:i + 2] == b"\0\0")

# A value is (kind, value): i integer, b boolean, s UTF-16, d SID, x octets. A claim is (folded name, flags, values).
KINDS = {1: "i", 2: "i", 3: "s", 5: "d", 6: "b", 16: "x"}

def read_attribute(b):
    """The claim of a resource attribute; one that cannot be read is none (S-33)."""
    try:
        name, kind, flags, n = struct.unpack_from("<IH2xII", b)
        claim, size = (fold(terminated(b[name:])), flags, []), 0
        check(kind in KINDS and claim[0] and not flags & 0xFF00 and n <= 4096, "attribute")
        for at in struct.unpack_from("<%dI" % n, b, 16):
            p = b[at:]
            if kind == 3:
                p = terminated(p)
                size += len(p) + 2
            elif kind in (5, 16):
                count = struct.unpack_from("<I", p)[0]
                check(4 + count <= len(p), "value")
                p, size = p[4:4 + count], size + 4 + count
                if kind == 5: p = whole_sid(p)
            else:
                p, size = struct.unpack_from("<q" if kind == 1 else "<Q", p)[0], size + 8
                check(kind != 6 or p <= 1, "boolean")
            check(size <= 65536, "values overlap")
            claim[2].append((KINDS[kind], p))
        return [claim]
    except (Refused, struct.error, StopIteration, IndexError):
        return []

def unique(pairs):
    check(len({k for k, _ in pairs}) == len(pairs), "a key is given twice")
    return dict(pairs)

class Token:
    def __init__(self, text):
        f = {k: v for k, v in json.loads(text, object_pairs_hook=unique).items() if v is not None}
        user = f["user"] if isinstance(f["user"], str) else f["user"]["sid"]
        domain = f.get("domain", user.rpartition("-")[0] if user.startswith("S-1-5-21-") else "")
        level, box = f.get("integrityLevel", "Medium"), f.get("appContainer")
        self.level = LEVELS[level] if level in LEVELS else sid(level)[-1]
        self.package = sid(box["packageSid"], domain) if box else None
        pkg = [box["packageSid"], "S-1-15-2-2"] + ([] if box.get("lowPrivilege") else ["AC"]) + (box.get("capabilities") or []) if box else []
        # By pass and effect: attributes of a bare name; of all; that count for entries that allow; that deny.
        self.members = {}
        for name, values, bare, every, allow, deny in (
                ("", [f["user"]], 0, 4, 4, 0x14), ("", f.get("groups", []), 7, 0, 5, 0x15), ("restricted", f.get("restrictedSids", []), 7, 4, 4, 0x14),
                ("device", f.get("deviceGroups", []), 7, 0, 4, 0x14), ("restricteddevice", f.get("restrictedDeviceGroups", []), 7, 4, 4, 0x14),
                ("package", pkg, 4, 0, 4, 4)):
            for v in values:
                s, a = sid(v if isinstance(v, str) else v["sid"], domain), every | self.attributes(v, bare)
                if name == "" and a & 0x20:
                    self.level = s[-1]
                    continue
                if name == "package" and a == 0: a = 4
                if a & allow and not a & 0x10: self.members.setdefault((name, False), set()).add(s)
                if a & deny: self.members.setdefault((name, True), set()).add(s)
        self.no_write_up = "NoWriteUp" in f.get("mandatoryPolicy", ["NoWriteUp"])
        self.privileges = {p if isinstance(p, str) else p["name"] for p in f.get("privileges", []) if self.attributes(p, 4) & 4}
        self.restricted = f.get("restricted", False) or bool(f.get("restrictedSids"))
        self.write_restricted = f.get("writeRestricted", False)
        trust = sid(f.get("trustLevel", "S-1-19-0-0"), domain)
        self.trust = trust if len(trust) == 3 else (19, 0, 0)
        self.claims = {}
        for key in ("userClaims", "deviceClaims", "localAttributes"):
            self.claims[key] = self.read_claims(f.get(key, []), domain)
            narrowed = f.get("restricted" + key[0].upper() + key[1:])
            self.claims["restricted" + key] = self.claims[key] if narrowed is None else self.read_claims(narrowed, domain)

    @staticmethod
    def attributes(v, bare):
        if isinstance(v, str) or v.get("attributes") is None: return bare
        return sum({ATTRIBUTES.get(word, 0) for word in v["attributes"]})

    @staticmethod
    def read_claims(values, domain):
        number = lambda v: int(v, 0) if isinstance(v, str) else int(v)
        read = {"int64": ("i", number), "uint64": ("i", number), "boolean": ("b", number), "string": ("s", lambda v: v.encode("utf-16-le")),
                "sid": ("d", lambda v: sid(v, domain)), "octets": ("x", bytes.fromhex)}
        return [(fold(c["name"].encode("utf-16-le")), number(c.get("flags") or 0),
                 [(read[c["type"]][0], read[c["type"]][1](v)) for v in c["values"]]) for c in values]

class Operand:
    """What lies on the stack: a result r with its truth, an attribute a (without values NULL), a literal l, a list c."""

    def __init__(self, kind, values=(), truth=0, sensitive=False):
        self.kind, self.values, self.truth, self.sensitive = kind, values, truth, sensitive

    def as_truth(self):
        check(self.kind in "ra", "a literal has no truth")
        if self.kind == "r" or not self.values or self.values[0][0] in "dx": return self.truth
        return truth(any(v for _, v in self.values))

def truth(b):
    """-1 false, 0 unknown, 1 true."""
    return 1 if b else -1

def same(v, sensitive):
    """What equal values have in common, and what orders them."""
    return fold(v[1], sensitive) if v[0] == "s" else v[1]

class Condition:
    """A conditional expression, and for whom it is evaluated."""

    def __init__(self, query, code, deny, name):
        self.q, self.rest, self.deny, self.name, self.tokens = query, code, deny, "" if name == "package" else name, 0

    def take(self, n):
        check(n <= len(self.rest), "it ends early")
        b, self.rest = self.rest[:n], self.rest[n:]
        return b

    def holds(self):
        """One that is malformed or leaves more or less than one result is unknown (A-117)."""
        stack = []
        try:
            check(len(self.rest) <= 10000 and self.take(4) == b"artx", "it is no expression")
            while self.rest and self.rest[0]:
                op = self.rest[0]
                if op < 0x80 or op > 0xA2:
                    stack.append(self.operand(True))
                    continue
                self.take(1)
                self.tokens += 1
                n = 1 if 0x89 <= op <= 0x8D or 0x90 <= op < 0xA0 or op in (0x87, 0xA2) else 2
                check(len(stack) >= n, "an operand is missing")
                stack[-n:] = [Operand("r", truth=self.apply(op, stack[-n], stack[-1]))]
            check(len(stack) == 1 and self.tokens <= 2000 and b"\0\0\0".startswith(self.rest), "it has no result")
            return stack[0].as_truth()
        except (Refused, struct.error, StopIteration, IndexError):
            return 0

    def operand(self, outer):
        self.tokens += 1
        code = self.take(1)[0]
        if 1 <= code <= 4:
            n, half = struct.unpack_from("<q", self.take(10))[0], 1 << (4 << code) - 1
            check(-half <= n < half, "an integer out of range")
            return Operand("l", [("i", n)])
        b = self.take(struct.unpack("<I", self.take(4))[0])
        if code == 0x10:
            check(len(b) % 2 == 0 and terminated(b + b"\0\0") == b, "a string")
            return Operand("l", [("s", b)])
        if code == 0x18: return Operand("l", [("x", b)])
        if code == 0x51: return Operand("l", [("d", whole_sid(b))])
        check(outer and code in (0x50, 0xF8, 0xF9, 0xFA, 0xFB), "an unknown token")
        if code != 0x50:
            return self.attribute(("localAttributes", "userClaims", "resource", "deviceClaims")[code - 0xF8], fold(b))
        inner, values = Condition(self.q, b, False, ""), []
        while inner.rest: values += inner.operand(False).values
        self.tokens += inner.tokens
        return Operand("c", values)

    def attribute(self, scope, name):
        """The last of a name; disabled, or with a value twice, it is NULL (A-110, S-32)."""
        for n, flags, values in reversed(self.q.t.claims[self.name + scope]):
            if n == name:
                sensitive = bool(flags & 2)
                null = flags & 0x10 or len({same(v, sensitive) for v in values}) < len(values)
                return Operand("a", [] if null else values, sensitive=sensitive)
        return Operand("a")

    def apply(self, op, l, r):
        """An operator; r is the last operand, which may be the only one."""
        if op == 0xA0: return min(l.as_truth(), r.as_truth())
        if op == 0xA1: return max(l.as_truth(), r.as_truth())
        if op == 0xA2: return -l.as_truth()
        family, sign = "rrrrrrceammmmecammmm"[op - 0x80], -1 if op >= 0x8D else 1
        if family == "e": return sign * truth(l.values) if l.kind == "a" else 0
        if family == "m": return sign * self.member(op - (0x90 if op >= 0x90 else 0x89), r)
        if family == "c" and r.kind == "c" and not r.values: return -sign
        bit = lambda v: v[0] == "b" or v[0] == "i" and v[1] in (0, 1)
        if (l.kind != "a" or not l.values or r.kind == "r" or r.kind == "a" and not r.values or family == "a" and r.kind == "l"
                or not all(x[0] == y[0] or bit(x) and bit(y) for x in l.values for y in r.values)):
            return 0
        left, right = ([same(v, l.sensitive or r.sensitive) for v in o.values] for o in (l, r))
        if family == "c": return sign * truth(set(right) <= set(left))
        if family == "a": return sign * truth(set(right) & set(left))
        if op < 0x82: return truth((len(left) == len(right) and set(left) == set(right)) == (op == 0x80))
        if len(left) > 1 or len(right) != 1 or r.kind == "c" or l.values[0][0] in "bd" or r.values[0][0] == "b": return 0
        x, y = left[0], right[0]
        return truth((x < y, x <= y, x > y, x >= y)[op - 0x82])

    def member(self, form, o):
        """All of a list of SIDs, or any (A-116). form: 1 the device's, 2 any."""
        if o.kind in "ar" or not o.values or any(kind != "d" for kind, _ in o.values): return 0
        deny = self.name == "restricted" if form & 1 else self.deny and not self.name
        held = [self.q.member(self.q.t, self.name + ("device" if form & 1 else ""), s, deny) for _, s in o.values]
        return truth(any(held) if form & 2 else all(held))

def parse_mask(text):
    check(re.fullmatch("0x[0-9a-f]{8}", text), "the mask %r: write 0x and eight digits", text)
    return int(text, 16)

def digits(m):
    return "0x%08x" % m

class Node:
    """A node of the object tree; the first stands for the whole object."""

    def __init__(self, level=0, guid=None):
        self.level, self.guid = level, guid
        self.held = self.open = self.got = 0  # after the passes so far; still to decide and granted in the one that runs

class Query:
    """A question, and what deciding it brings about."""

    def __init__(self, c, descriptor, token):
        self.c, self.t = c, Token(token)
        self.primary = Token(c["primary"]) if c["primary"] else self.t
        self.owner, self.sacl, self.dacl = read_descriptor(descriptor)
        self.none, self.list, self.rule, self.own, self.by_privilege, self.steps, self.used = not descriptor, "DACL", False, 0, 0, [], []
        self.t.claims["resource"] = [a for e in self.sacl if e.kind == 0x12 and e.live for a in read_attribute(e.data)][::-1]
        self.t.claims["restrictedresource"] = self.t.claims["resource"]
        self.self, self.mapping = sid(c["self"]) if c["self"] else None, [parse_mask(m) for m in c["mapping"]]
        asked, self.previous = self.mapped(parse_mask(c["desired"])), self.mapped(parse_mask(c["previous"]))
        self.max, self.asked = bool(asked & MAXIMUM), asked & ~MAXIMUM
        self.each, self.strict = c["resultList"], not self.max and not c["resultList"]
        self.nodes = []
        for text in c["objectTypes"]:
            m = re.fullmatch("(0|[1-9][0-9]*) ([0-9a-f]{32})", text)
            check(m, "an object type is its level and GUID")
            self.nodes.append(Node(int(m[1]), bytes.fromhex(m[2])))
        self.typed, levels = bool(self.nodes), [n.level for n in self.nodes]
        self.valid = len(levels) <= 4096 and len({n.guid for n in self.nodes}) == len(levels) and all(
            (n == 0) == (i == 0) and n <= 4 and (i == 0 or n <= levels[i - 1] + 1) for i, n in enumerate(levels))
        self.nodes = self.nodes or [Node()]

    def mapped(self, m):
        for i, rights in enumerate(self.mapping):
            if m >> (31 - i) & 1: m |= rights
        return m & ~GENERIC & ALL

    def step(self, rule, bits, granted, where="", ace=-1, name="", node=0):
        if bits & ALL:
            self.steps.append({"rule": rule, "list": where, "ace": ace, "pass": name, "node": node, "bits": digits(bits & ALL), "granted": granted})
        return granted

    def privilege(self, rule, name, bits):
        bits &= ~self.by_privilege
        if not bits or name not in self.t.privileges: return False
        self.by_privilege |= bits
        self.used.append(name)
        return self.step(rule, bits, True)

    def decide(self):
        """The rules before the check in their order, then the check."""
        level = IMPERSONATION.index(self.c["level"])
        zero, everything = self.c["desired"] == digits(0), self.mapping[3] if self.max else 0
        for applies, rule, bits, status in (
                (self.each and not (self.valid and self.typed), "A-25", self.asked, INVALID),
                (self.c["kernelMode"], "A-31", self.asked | self.previous | everything, SUCCESS),
                (self.none, "A-32", self.asked, DENIED),
                (level in (1, 2), "A-30", self.asked, "STATUS_BAD_IMPERSONATION_LEVEL"),
                (zero and self.previous, "A-35", self.previous, SUCCESS),
                (zero, "A-33", 0, DENIED),
                (not self.valid, "A-25", self.asked, INVALID)):
            if applies:
                granted = bits if self.step(rule, bits, status == SUCCESS) or status == SUCCESS else 0
                return status, granted, [] if status == INVALID else [(status, granted)] * len(self.nodes)
        status, results = self.check(), []
        for n in self.nodes:
            total = n.held | self.by_privilege | self.previous
            if status != SUCCESS: results.append((status, 0))
            elif self.asked & ~total or self.max and not total: results.append((DENIED, self.asked & total))
            else: results.append((SUCCESS, total if self.max else self.asked | self.previous))
        return results[0][0], results[0][1] if results[0][0] == SUCCESS else 0, results

    def check(self):
        """The stages (A-40 to A-103)."""
        need = self.asked & ~self.previous
        want = ALL & ~self.previous if self.max else need
        self.step("A-35", self.asked & self.previous, True)
        if self.c["backup"]: self.privilege("A-54", "SeBackupPrivilege", want & BACKUP)
        if self.c["restore"]: self.privilege("A-54", "SeRestorePrivilege", want & RESTORE)
        bit = need & SYSTEM_SECURITY & ~self.by_privilege
        if bit and not self.privilege("A-50", "SeSecurityPrivilege", bit):
            self.used = []
            self.step("A-50", bit, False)
            return "STATUS_PRIVILEGE_NOT_HELD"
        ceiling = self.ceiling(need)
        self.by_privilege &= ceiling
        if self.strict and need & ~ceiling: return DENIED
        bit = need & WRITE_OWNER & ceiling
        self.privilege("A-51", "SeTakeOwnershipPrivilege", bit) or self.privilege("A-51", "SeRelabelPrivilege", bit)
        held = (ALL & ~NEVER if self.max else need & ~self.by_privilege) & ceiling
        for n in self.nodes: n.held = held
        self.owner_rights(held)
        return SUCCESS if self.read(0) and self.policy() else DENIED

    def first(self, kind):
        return next(((i, e) for i, e in enumerate(self.sacl) if e.kind == kind and e.live), (-1, None))

    def ceiling(self, need):
        """What trust label, access filters and integrity leave (A-60 to A-65)."""
        t, left, (read, write, execute, everything) = self.t, ALL, self.mapping
        need |= everything if self.max else 0
        limits = []
        i, e = self.first(0x14)
        if e and not (e.sid[0] == 19 and len(e.sid) == 3 and t.trust >= e.sid[:2] and t.trust[2] >= e.sid[2]):
            limits.append(("A-64", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i))
        for i, e in enumerate(self.sacl):
            if e.kind == 0x15 and e.live and Condition(self, e.data, False, "").holds() != 1:
                limits.append(("A-65", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i))
        level, policy, where, at = 0x2000, 1, "", -1
        i, e = self.first(0x11)
        if e and e.sid[0] == 16 and len(e.sid) > 1: level, policy, where, at = e.sid[-1], e.mask & 7, "SACL", i
        if t.no_write_up and t.level < level and (not t.package or level > 0x2000) and policy:
            rights = read | execute | SYNCHRONIZE | READ_CONTROL | (0 if policy & 1 else everything | SYSTEM_SECURITY)
            classes = [0, 0]  # permitted, forbidden
            for i, c in enumerate((write | DELETE | WRITE_DAC | WRITE_OWNER | SYSTEM_SECURITY, read | READ_CONTROL, execute & ~read | SYNCHRONIZE)):
                classes[policy >> i & 1] |= c
            rights &= ~(classes[1] & ~classes[0])
            limits.append(("A-62", rights | (WRITE_OWNER if "SeRelabelPrivilege" in t.privileges else 0), where, at))
        for rule, rights, where, at in limits:
            self.step(rule, need & ~rights, False, where, at)
            left &= rights
        return left

    def owner_rights(self, held):
        """What the owner has without an entry (A-56)."""
        holds = lambda name: self.owner in self.t.members.get((name, False), ())
        if not held & (READ_CONTROL | WRITE_DAC) or not holds(""): return
        if any(e.live and e.sid == OWNER_RIGHTS for e in self.dacl or []) or self.t.restricted and not holds("restricted"):
            self.step("A-56", READ_CONTROL | WRITE_DAC, False)
            return
        self.own = held & (READ_CONTROL if self.c["adOwnerReadOnly"] else READ_CONTROL | WRITE_DAC)
        self.step("A-56", self.own, True)

    def policy(self):
        """Narrow what is held by the central access rules that apply (A-100, A-101)."""
        (_, e), policies = self.first(0x13), self.c["policies"]
        if not e or not policies: return True
        for name, condition, descriptor in next((r for text, r in policies.items() if text and sid(text) == e.sid), policies[""]):
            if not condition or Condition(self, bytes.fromhex(condition), False, "").holds() == 1:
                self.rule, self.list, self.dacl = True, name, read_descriptor(bytes.fromhex(descriptor))[2]
                if not self.read(self.own): return False
        return True

    def clip(self, m):
        for n in self.nodes: n.held &= m
        return self.nodes[0].held

    def read(self, exempt):
        """Narrow what is held to what the list grants to each side; exempt is not the package's to grant."""
        t, limit = self.t, ALL & ~self.own
        if self.dacl is None:
            held = self.clip(self.own | self.mapping[3] & ~NEVER | self.asked if self.max else ALL)
            if not self.rule: self.step("A-42", held & ~self.own, True)
            if not t.package: return True
            self.step("A-96", held & ~exempt, False)
            return self.clip(exempt) == held or not self.strict
        if not self.narrow("", limit): return False
        if t.write_restricted:
            limit &= DELETE | WRITE_DAC | WRITE_OWNER | self.mapping[1] & ~(self.mapping[0] | self.mapping[2])
        return (not t.restricted or self.narrow("restricted", limit)) and (not t.package or self.narrow("package", ALL & ~exempt))

    def narrow(self, name, limit):
        """One walk: each right within limit is decided by the first entry that applies and has it (A-70)."""
        allows, denies, lost = {"restricted": ("A-90", "A-92", "A-90"), "package": ("A-94", "A-94", "A-95")}.get(name, (
            "A-82" if self.typed else "A-70", "A-83" if self.typed else "A-70" if self.strict else "A-41", "A-40" if self.dacl else "A-43"))
        root, before, denying = self.nodes[0], self.nodes[0].held, False
        for n in self.nodes:
            n.held = n.held if self.each else before
            n.open, n.got = n.held & limit, 0
        for i, e in enumerate(self.dacl):
            still = 0
            for n in self.nodes: still |= n.open
            m, at = self.mapped(e.mask) & still, self.at(e)
            if not m or at is None or not self.applies(e, name): continue
            self.step(denies if e.deny else allows, m, not e.deny, self.list, i, name, at)
            denying, hit = denying or e.deny, self.spread(at, m, e.deny)
            if hit and e.deny and self.strict: break
        for n in self.nodes: n.held = n.held & ~limit | n.got
        if not (denying and self.strict):
            interest = self.asked | (self.mapped(0x10000000) & ~MAXIMUM if self.max else 0)
            self.step("A-101" if self.rule else lost, root.open & interest, False, name=name)
        return root.held == before or not self.strict

    def end(self, i):
        """One past the subtree of a node."""
        return next((j for j in range(i + 1, len(self.nodes)) if self.nodes[j].level <= self.nodes[i].level), len(self.nodes))

    def at(self, e):
        """The node an entry is about; None if it has none (A-80, A-81)."""
        if not e.guid or e.deny and not self.typed: return 0
        return next((i for i, n in enumerate(self.nodes) if n.guid == e.guid), None)

    def spread(self, at, m, deny):
        """Grant or deny at a node and below; an ancestor is granted what all its children are, denied what one is (A-82 to A-85)."""
        up, hit = m & ~self.nodes[at].got, 0
        for i in range(self.end(at) - 1, -1, -1):
            n, bits, c = self.nodes[i], up if deny else ALL, i + 1
            if i >= at: bits, hit = m, hit | m & n.open
            elif self.end(i) <= at: continue
            while not deny and i < at and c < self.end(i): bits, c = bits & self.nodes[c].got, self.end(c)
            if not deny: n.got |= bits & n.open
            n.open &= ~bits
        return hit

    def applies(self, e, name):
        """Whether an entry is for the token in a pass, and its condition agrees (A-70)."""
        if not e.acts or not self.member(self.t, name, read_sid(e.data) if e.kind == 4 else e.sid, e.deny): return False
        if e.kind == 4: return self.member(self.primary, "", e.sid, False)
        if e.kind < 9: return True
        return not self.c["claimsDisabled"] and Condition(self, e.data, e.deny, name).holds() >= (0 if e.deny else 1)

    def member(self, t, name, s, deny):
        """Whether a SID counts for a side of a token (A-1 to A-4, A-94)."""
        s = self.self if s == SELF and self.self else self.owner if s == OWNER_RIGHTS else s
        if name == "package" and not deny and s in t.members.get(("", False), ()): return False  # the user's side's to grant
        return s in t.members.get((name, deny), ())

def dense(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

def digest(b):
    return hashlib.sha256(b).hexdigest()

def verify(cert, descriptor, token):
    """The outcome of a true certificate; raises Refused."""
    try:
        c = json.loads(cert, object_pairs_hook=unique)
        check(c["certificate"] == FORM, "the form is %r, this program knows %r", c["certificate"], FORM)
        q = Query(c, descriptor, token)
        status, granted, results = q.decide()
        want = {key: c[key] for key in QUESTION}
        want.update(descriptor=digest(descriptor), token=digest(token), status=status, granted=digits(granted), privileges=sorted(q.used),
                    results=["%s %s" % (s, digits(g)) for s, g in results] if q.each else [], steps=q.steps)
        want["digest"] = digest(dense(want).encode())
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, struct.error, RecursionError) as e:
        raise Refused("an input is malformed: %r" % e) from e
    for key in want: check(dense(c.get(key)) == dense(want[key]), "%s is %s, and the inputs give %s", key, dense(c.get(key)), dense(want[key]))
    check(dense(c) == dense(want), "it has fields that no certificate has")
    return "%s granted %s in %d steps" % (status, digits(granted), len(q.steps))

def main(args):
    if len(args) != 3: return print(__doc__) or 2
    try:
        cert, descriptor, token = (open(name, "rb").read() for name in args)
        if re.fullmatch(rb"\s*([0-9a-fA-F]{2})*\s*", descriptor): descriptor = bytes.fromhex(descriptor.decode())
        print("verified:", verify(cert, descriptor, token))
    except Refused as e:
        return print("refused:", e) or 1
    except OSError as e:
        return print(e) or 2

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
