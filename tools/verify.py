#!/usr/bin/env python3
"""Check a certificate of refmon why --certificate against the descriptor's bytes and the token file alone.

    verify.py CERTIFICATE DESCRIPTOR TOKEN

It decides the question anew, writes the certificate itself, and compares. It covers what refmon-verify covers: plain
entries, object entries without an object type list, deny-only groups, owner and OWNER RIGHTS, PRINCIPAL SELF, privileges,
mandatory and trust labels, restricted and write-restricted tokens, AppContainers, NULL DACLs, MAXIMUM_ALLOWED. All else
is refused as not verifiable. Exit code: 0 true, 1 false or altered, 2 not verifiable or unreadable. Needs Python 3.8.
"""
import hashlib
import json
import re
import struct
import sys

FORM = "refmon access certificate 1"
ALL = 0xFFFFFFFF
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER, SYNCHRONIZE = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
SYSTEM_SECURITY, MAXIMUM, GENERIC = 0x1000000, 0x2000000, 0xF0000000
NEVER = SYSTEM_SECURITY | MAXIMUM | GENERIC  # by no entry
LEVELS = {"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}
ATTRIBUTES = {"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
WORDS = """AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574
CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19
LU 5-32-559 LW 16-4096 ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10
PU 5-32-547 RA 5-32-575 RC 5-12 RD 5-32-555 RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2
SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33 AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519
EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553 SA -518""".split()
ALIASES = dict(zip(WORDS[::2], WORDS[1::2]))

class NotVerifiable(Exception): """The certificate may be true, but says more than this program can check."""
class Refused(Exception): """The certificate is false or was altered."""

def sid(text, domain=""):
    """A SID is (authority, sub-authorities…); text is S-1-… or an alias in capitals."""
    full = text
    if text in ALIASES:
        full = domain + ALIASES[text] if ALIASES[text].startswith("-") else "S-1-" + ALIASES[text]
    if not re.fullmatch(r"S-1(-(0|[1-9][0-9]{0,9})){2,16}", full):
        raise NotVerifiable("the SID %r: write it as S-1-… in decimal numbers" % text)
    parts = tuple(int(p) for p in full.split("-")[2:])
    if max(parts) > ALL: raise NotVerifiable("the SID %r: a number of more than 32 bits" % text)
    return parts

SELF, OWNER_RIGHTS, PACKAGES, RESTRICTED_PACKAGES = sid("PS"), sid("OW"), sid("AC"), sid("S-1-15-2-2")

def read_sid(b):
    if b[0] != 1 or b[1] > 15: raise Refused("a SID of the descriptor is malformed")
    return (int.from_bytes(b[2:8], "big"),) + struct.unpack_from("<%dI" % b[1], b, 8)

class Entry:
    """An ACE. acts: it can take part in the walk over a DACL."""

    def __init__(self, b, system):
        self.kind, self.live, self.mask, self.sid = b[0], not b[1] & 8, 0, None
        self.deny, self.acts, at, typed = self.kind in (1, 6), False, 8, False
        if self.kind > 0x15: return
        if not system and self.kind in (4, 9, 10, 11, 12) or system and self.kind == 0x15 and self.live:
            raise NotVerifiable("an entry of type %#04x: compound, with a condition, or an access filter" % self.kind)
        if self.kind == 4:
            at = 12
        elif self.kind in (5, 6, 7, 8, 11, 12, 15, 16):
            at, typed = 12 + 16 * (b[8] & 1) + 8 * (b[8] & 2), bool(b[8] & 1)
        self.mask, self.sid = struct.unpack_from("<I", b, 4)[0], read_sid(b[at:])
        self.acts = self.live and (self.deny or self.kind == 0 or self.kind == 5 and not typed)

def read_acl(b, system):
    size, count = struct.unpack_from("<HH", b, 2)
    b, out = b[8:size], []
    for _ in range(count):
        n = struct.unpack_from("<H", b, 2)[0]
        if n < 4 or n > len(b): raise Refused("a list of the descriptor is malformed")
        out.append(Entry(b[:n], system))
        b = b[n:]
    return out

class Descriptor:
    def __init__(self, b):
        control, owner, _, sacl, dacl = struct.unpack_from("<2xHIIII", b)
        self.owner = read_sid(b[owner:]) if owner else None
        self.sacl = read_acl(b[sacl:], True) if sacl and control & 0x10 else []
        self.dacl = read_acl(b[dacl:], False) if dacl and control & 4 else None

def unique(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys): raise Refused("a key is given twice")
    return {k: v for k, v in pairs if v is not None}

def groups(values, domain, bare):
    for v in values:
        if isinstance(v, str):
            yield sid(v, domain), bare
            continue
        attrs = bare
        if "attributes" in v:
            attrs = 0
            for word in v["attributes"]: attrs |= ATTRIBUTES.get(word, 0)
        yield sid(v["sid"], domain), attrs

class Token:
    def __init__(self, text):
        f = json.loads(text, object_pairs_hook=unique)
        user = f["user"] if isinstance(f["user"], str) else f["user"]["sid"]
        domain = f.get("domain", user.rpartition("-")[0] if user.startswith("S-1-5-21-") else "")
        self.allow = {"": set(), "restricted": set(), "package": set()}  # by pass
        self.deny = {"": set(), "restricted": set(), "package": set()}
        for s, a in groups([f["user"]], domain, 0):
            self.add("", s, not a & 0x10, True)
        level = f.get("integrityLevel", "Medium")
        self.level = LEVELS[level] if level in LEVELS else sid(level)[-1]
        for s, a in groups(f.get("groups", []), domain, 7):
            if a & 0x20:
                self.level = s[-1]
            else:
                self.add("", s, a & 5 and not a & 0x10, a & 0x15)  # Mandatory implies Enabled
        self.no_write_up = "NoWriteUp" in f.get("mandatoryPolicy", ["NoWriteUp"])
        self.privileges = {p if isinstance(p, str) else p["name"] for p in f.get("privileges", [])
                           if isinstance(p, str) or "Enabled" in p.get("attributes", ["Enabled"])}
        self.restricted = f.get("restricted", False) or bool(f.get("restrictedSids"))
        self.write_restricted = f.get("writeRestricted", False)
        for s, a in groups(f.get("restrictedSids", []), domain, 7):
            self.add("restricted", s, not a & 0x10, True)
        box, self.package = f.get("appContainer"), None
        if box:
            self.package = sid(box["packageSid"], domain)
            for s in [self.package, RESTRICTED_PACKAGES] + ([] if box.get("lowPrivilege") else [PACKAGES]):
                self.add("package", s, True, True)
            for s, a in groups(box.get("capabilities", []), domain, 4):
                on = (a == 0 or a & 4) and not a & 0x10
                self.add("package", s, on, on)
        self.trust = sid(f["trustLevel"], domain) if "trustLevel" in f else None

    def add(self, name, s, allow, deny):
        self.allow[name] |= {s} if allow else set()
        self.deny[name] |= {s} if deny else set()

class Query:
    """The question, and what deciding it brings about."""

    def __init__(self, descriptor, token, desired, mapping, self_sid):
        self.d, self.t, self.desired, self.mapping, self.self = descriptor, token, desired, mapping, self_sid
        self.steps, self.used, self.by_privilege = [], [], 0

    def mapped(self, m):
        for i, rights in enumerate(self.mapping):
            if m >> (31 - i) & 1:
                m |= rights
        return m & ~GENERIC & ALL

    def step(self, rule, bits, granted, where="", ace=-1, name=""):
        if bits:
            self.steps.append({"rule": rule, "list": where, "ace": ace, "pass": name, "bits": "0x%08x" % bits, "granted": granted})

    def privilege(self, rule, name, bit):
        if name in self.t.privileges:
            self.by_privilege |= bit
            self.used.append(name)
            self.step(rule, bit, True)
        return name in self.t.privileges

    def decide(self):
        if self.desired == 0:
            return "STATUS_ACCESS_DENIED", 0
        need = self.mapped(self.desired)
        self.max, need = bool(need & MAXIMUM), need & ~MAXIMUM
        self.asked = need
        if need & SYSTEM_SECURITY and not self.privilege("A-50", "SeSecurityPrivilege", SYSTEM_SECURITY):
            self.step("A-50", SYSTEM_SECURITY, False)
            return "STATUS_PRIVILEGE_NOT_HELD", 0
        ceiling = self.ceiling(need)
        self.by_privilege &= ceiling
        if not self.max and need & ~ceiling: return "STATUS_ACCESS_DENIED", 0
        if need & WRITE_OWNER & ceiling:
            self.privilege("A-51", "SeTakeOwnershipPrivilege", WRITE_OWNER) or self.privilege("A-51", "SeRelabelPrivilege", WRITE_OWNER)
        self.held = (ALL & ~NEVER if self.max else need & ~self.by_privilege) & ceiling
        self.own = self.owner_rights()
        ok = not self.held & ~self.own and not self.t.package or self.read()
        total = self.held | self.by_privilege
        if not ok or self.max and (total == 0 or self.asked & ~total): return "STATUS_ACCESS_DENIED", 0
        return "STATUS_SUCCESS", total if self.max else self.asked

    def first(self, kind):
        return next(((i, e) for i, e in enumerate(self.d.sacl) if e.kind == kind and e.live), (-1, None))

    def ceiling(self, need):
        """What labels leave (A-60 to A-64)."""
        t, left = self.t, ALL
        need |= self.mapping[3] if self.max else 0
        i, e = self.first(0x14)
        if e and not self.dominates(e.sid):
            left = self.mapped(e.mask) | SYSTEM_SECURITY
            self.step("A-64", need & ~left, False, "SACL", i)
        level, policy, where, at = 0x2000, 1, "", -1
        i, e = self.first(0x11)
        if e and e.sid[0] == 16 and len(e.sid) > 1:
            level, policy, where, at = e.sid[-1], e.mask & 7, "SACL", i
        if not t.no_write_up or t.level >= level or t.package and level <= 0x2000 or not policy:
            return left
        read, write, execute, everything = self.mapping
        base = read | execute | SYNCHRONIZE | READ_CONTROL | (0 if policy & 1 else everything | SYSTEM_SECURITY)
        classes = [0, 0]  # permitted, forbidden
        for i, c in enumerate((write | DELETE | WRITE_DAC | WRITE_OWNER | SYSTEM_SECURITY, read | READ_CONTROL, execute & ~read | SYNCHRONIZE)):
            classes[policy >> i & 1] |= c
        base &= ~(classes[1] & ~classes[0])
        base |= WRITE_OWNER if "SeRelabelPrivilege" in t.privileges else 0
        self.step("A-62", need & ~base, False, where, at)
        return left & base

    def dominates(self, label):
        trust = self.t.trust if self.t.trust and self.t.trust[0] == 19 and len(self.t.trust) == 3 else (19, 0, 0)
        return label[0] == 19 and len(label) == 3 and trust[1] >= label[1] and trust[2] >= label[2]

    def owner_rights(self):
        """What the owner has without an entry (A-56)."""
        rights = READ_CONTROL | WRITE_DAC
        if not self.held & rights or self.d.owner not in self.t.allow[""]: return 0
        if any(e.live and e.sid == OWNER_RIGHTS for e in self.d.dacl or []) or self.t.restricted and self.d.owner not in self.t.allow["restricted"]:
            self.step("A-56", rights, False)
            return 0
        self.step("A-56", rights & self.held, True)
        return rights & self.held

    def read(self):
        """Narrow what is held to what the DACL grants to each side."""
        t = self.t
        if self.d.dacl is None:
            if self.max:
                self.held &= self.own | self.mapping[3] & ~NEVER | self.asked
            self.step("A-42", self.held & ~self.own, True)
            if not t.package: return True
            self.step("A-96", self.held, False)
            ok, self.held = self.max or not self.held, 0
            return ok
        limit = ALL & ~self.own
        if not self.narrow("", "A-70", "A-41" if self.max else "A-70", "A-40" if self.d.dacl else "A-43", limit):
            return False
        if t.write_restricted:
            limit &= DELETE | WRITE_DAC | WRITE_OWNER | self.mapping[1] & ~(self.mapping[0] | self.mapping[2])
        if t.restricted and not self.narrow("restricted", "A-90", "A-92", "A-90", limit):
            return False
        return not t.package or self.narrow("package", "A-94", "A-94", "A-95", ALL)

    def narrow(self, name, allows, denies, lost, limit):
        """One walk: each right is decided by the first entry that applies and has it (A-70)."""
        before, got, stopped = self.held, 0, False
        left = before & limit
        for i, e in enumerate(self.d.dacl):
            m = self.mapped(e.mask) & left
            if not m or not e.acts or stopped or not self.applies(e, name): continue
            left &= ~m
            self.step(denies if e.deny else allows, m, not e.deny, "DACL", i, name)
            stopped, got = e.deny and not self.max, got if e.deny else got | m
        if not stopped:
            self.step(lost, left & (self.asked | (self.mapped(0x10000000) & ~MAXIMUM if self.max else 0)), False, name=name)
        self.held = before & ~limit & ALL | got
        return self.max or self.held == before

    def applies(self, e, name):
        s = self.self if e.sid == SELF and self.self else self.d.owner if e.sid == OWNER_RIGHTS else e.sid
        if name == "package" and not e.deny and s in self.t.allow[""]:  # the user's side's to grant
            return False
        return s in self.t.allow[name] or e.deny and s in self.t.deny[name]

def dense(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

def verify(cert, descriptor, token):
    """The outcome of a true certificate; raises Refused or NotVerifiable."""
    try:
        c = json.loads(cert, object_pairs_hook=unique)
        if c["certificate"] != FORM or c["beyond"]: raise NotVerifiable("form %r, beyond its inputs %r" % (c["certificate"], c["beyond"]))
        q = Query(Descriptor(descriptor), Token(token), int(c["desired"], 16), [int(m, 16) for m in c["mapping"]], sid(c["self"]) if c["self"] else None)
        status, granted = q.decide()
        want = {"certificate": FORM, "descriptor": hashlib.sha256(descriptor).hexdigest(), "token": hashlib.sha256(token).hexdigest(),
                "desired": "0x%08x" % q.desired, "mapping": ["0x%08x" % m for m in q.mapping], "self": c["self"], "beyond": [],
                "status": status, "granted": "0x%08x" % granted, "privileges": q.used, "steps": q.steps}
        want["digest"] = hashlib.sha256(dense(want).encode()).hexdigest()
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, struct.error, RecursionError) as e:
        raise Refused("an input is malformed: %r" % e) from e
    for key in want:
        if dense(c.get(key)) != dense(want[key]):
            raise Refused("%s is %s, and the inputs give %s" % (key, dense(c.get(key)), dense(want[key])))
    if dense(c) != dense(want): raise Refused("it is not in the form of a certificate")
    return "%s granted 0x%08x in %d steps" % (status, granted, len(q.steps))

def main(args):
    if len(args) != 3: return print(__doc__) or 2
    try:
        cert, descriptor, token = (open(name, "rb").read() for name in args)
        if re.fullmatch(rb"\s*([0-9a-fA-F]{2})+\s*", descriptor):
            descriptor = bytes.fromhex(descriptor.decode())
        print("verified:", verify(cert, descriptor, token))
    except Refused as e:
        return print("refused:", e) or 1
    except (NotVerifiable, OSError) as e:
        return print("not verifiable:", e) or 2

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
