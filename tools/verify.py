#!/usr/bin/env python3
"""Check a certificate of refmon why --certificate. The only inputs are the descriptor's bytes and the token file.

    verify.py CERTIFICATE DESCRIPTOR TOKEN
    verify.py audit KEY.pub PROOF [OLD-CHECKPOINT]          a proof of refmon audit prove: see verify_audit.py

It repeats the decision, writes the certificate itself, and compares both. docs/certificates.md describes the form. It
needs only Python 3.8. Exit code: 0 true; 1 false, altered or of another form; 2 unreadable file, lost output or wrong usage.
"""
import hashlib, json, re, struct, sys

FORM = "refmon access certificate 2"
ALL, GENERIC, MAXIMUM, SYSTEM_SECURITY = 0xFFFFFFFF, 0xF0000000, 0x2000000, 0x1000000
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER, SYNCHRONIZE = 0x10000, 0x20000, 0x40000, 0x80000, 0x100000
GRANTABLE = ALL & ~(SYSTEM_SECURITY | MAXIMUM | GENERIC)  # by an entry
BACKUP, RESTORE = 0x11200A9, 0x11F0116
SUCCESS, DENIED, INVALID = "STATUS_SUCCESS", "STATUS_ACCESS_DENIED", "STATUS_INVALID_PARAMETER"
QUESTION = """adOwnerReadOnly backup certificate claimsDisabled desired kernelMode level mapping objectTypes policies previous primary
restore resultList self""".split()
LEVELS = {"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288, "System": 16384, "Protected": 20480}
ATTRIBUTES = {"Mandatory": 1, "Enabled": 4, "UseForDenyOnly": 0x10, "Integrity": 0x20}
WORDS = """AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551 BU 5-32-545 CD 5-32-574 CG 3-1
CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578 HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096
ME 16-8192 MP 16-8448 MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547 RA 5-32-575 RC 5-12
RD 5-32-555 RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384 SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0
WR 5-33 AP -525 CA -517 CN -522 DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498 RS -553
SA -518""".split()
ALIASES = dict(zip(WORDS[::2], WORDS[1::2]))
# Letters without an upper case on Windows: it was added after Unicode 5.1, or it is an ASCII letter.
LATER = re.compile("[ıſƛȿɀɒɜɡɤ-ɦɪɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")

class Refused(Exception): """The certificate is false or was altered, or an input is malformed."""
MALFORMED = (Refused, KeyError, IndexError, ValueError, TypeError, AttributeError, StopIteration, RecursionError, struct.error)

def check(ok, why, *args):
    if not ok: raise Refused(why % args if args else why)

def sid(text, domain=""):
    """A SID as (authority, sub-authorities…). text is S-1-… or an alias in capitals; Refused if it is malformed."""
    alias = ALIASES.get(text)
    full = (domain if alias[0] == "-" else "S-1-") + alias if alias else text
    parts = tuple(map(int, full.split("-")[2:])) if re.fullmatch(r"S-1(-(0|[1-9][0-9]{0,9})){2,16}", full) else ()
    check(parts and max(parts) <= ALL, "the SID %r: write it as S-1-… in decimal numbers", text)
    return parts

def read_sid(b, whole=False):
    check(b[0] == 1 and b[1] <= 15 and not (whole and len(b) != 8 + 4 * b[1]), "a SID is malformed")
    return (int.from_bytes(b[2:8], "big"),) + struct.unpack_from("<%dI" % b[1], b, 8)

class Entry:
    """An ACE. acts: it counts in a DACL; sid: in a compound entry the server's; data: the bytes after the SID."""
    def __init__(self, b):
        self.kind, self.live, self.mask, self.sid, self.guid, at = b[0], not b[1] & 8, 0, None, None, 12 if b[0] == 4 else 8
        self.deny, self.acts = self.kind in (1, 6, 10, 12), self.live and self.kind in (0, 1, 4, 5, 6, 9, 10, 11, 12)
        if self.kind > 0x15: return  # an unknown type has no effect
        if self.kind in (5, 6, 7, 8, 11, 12, 15, 16):
            at, self.guid = 12 + 16 * (b[8] & 1) + 8 * (b[8] & 2), b[12:28] if b[8] & 1 else None
        self.mask, self.sid, self.data = struct.unpack_from("<I", b, 4)[0], read_sid(b[at:]), b[at + 8 + 4 * b[at + 1]:]

def read_acl(b):
    size, count, out = *struct.unpack_from("<HH", b, 2), []
    check(8 <= size <= len(b), "a list of the descriptor is malformed")
    b = b[8:size]
    for _ in range(count):
        n = struct.unpack_from("<H", b, 2)[0]
        check(4 <= n <= len(b), "a list of the descriptor is malformed")
        out, b = out + [Entry(b[:n])], b[n:]
    return out

def read_descriptor(b):
    """Owner, SACL and DACL. Owner and DACL may be None; a missing SACL is empty. No bytes are not a descriptor."""
    if not b: return None, [], None
    control, owner, _, sacl, dacl = struct.unpack_from("<2xHIIII", b)
    return (read_sid(b[owner:]) if owner else None, read_acl(b[sacl:]) if sacl and control & 0x10 else [],
            read_acl(b[dacl:]) if dacl and control & 4 else None)

def fold(text, sensitive=False):
    """The UTF-16 code units, in upper case unless sensitive (A-112). Mappings to several units do not apply."""
    up = lambda c: next((x for x in (c.upper(), c.title()) if len(x) == 1 and x < "\U00010000"), c)
    return tuple(u if sensitive or LATER.match(chr(u)) else ord(up(chr(u))) for u in struct.unpack("<%dH" % (len(text) // 2), text))

def terminated(b):
    """The UTF-16 bytes before the first NUL. Without a NUL it raises StopIteration."""
    return next(b[:i] for i in range(0, len(b) - 1, 2) if b[i:i + 2] == b"\0\0")

def counted(b):
    n = struct.unpack_from("<I", b)[0]
    check(4 + n <= len(b), "a length passes the end")
    return b[4:4 + n]

def flag(v):
    check(not isinstance(v, str) and v in (0, 1), "a boolean")
    return int(v)

# A value is (kind, value): i integer, b boolean, s UTF-16, d SID, x octets. A claim is (name, flags, values).
STORED = {1: lambda b: (("i", struct.unpack_from("<q", b)[0]), 8), 2: lambda b: (("i", struct.unpack_from("<Q", b)[0]), 8),
          3: lambda b: (("s", terminated(b)), len(terminated(b)) + 2), 5: lambda b: (("d", read_sid(counted(b), True)), len(counted(b)) + 4),
          6: lambda b: (("b", flag(struct.unpack_from("<Q", b)[0])), 8), 16: lambda b: (("x", counted(b)), len(counted(b)) + 4)}
def unhex(text):
    check(re.fullmatch("([0-9a-fA-F]{2})*", text), "the bytes %r: write two hexadecimal digits each", text)
    return bytes.fromhex(text)

def number(v, most):
    """A number up to most, given as a number or as a decimal or hexadecimal string."""
    check(re.fullmatch("0|[1-9][0-9]{0,19}|0[xX][0-9a-fA-F]{1,16}", str(v)) and int(str(v), 0) <= most, "the number %r", v)
    return int(str(v), 0)

def signed(v):
    check(not isinstance(v, (str, bool)) and -1 << 63 <= v < 1 << 63, "the number %r", v)
    return v

WRITTEN = {"int64": lambda v, _: ("i", signed(v)), "uint64": lambda v, _: ("i", number(v, (1 << 64) - 1)), "boolean": lambda v, _: ("b", flag(v)),
           "string": lambda v, _: ("s", v.encode("utf-16-le")), "sid": lambda v, domain: ("d", sid(v, domain)), "octets": lambda v, _: ("x", unhex(v))}

def read_attribute(b):
    """A list with the claim of a resource attribute. It is empty if the attribute is malformed (S-33)."""
    try:
        name, kind, flags, n = struct.unpack_from("<IH2xII", b)
        values = [STORED[kind](b[at:]) for at in struct.unpack_from("<%dI" % n, b, 16)]
        claim = (fold(terminated(b[name:])), flags, [v for v, _ in values])
        return [claim] if kind in STORED and claim[0] and not flags & 0xFF00 and n <= 4096 and sum(size for _, size in values) <= 65536 else []
    except MALFORMED:
        return []

def unique(pairs):
    check(len({k for k, _ in pairs}) == len(pairs), "a key is given twice")
    return dict(pairs)

# Shapes of a token file and a certificate in the notation of shape. G is a group, P a privilege, C a claim, W a list of words.
MACROS = {"<G>": r"(s|\{(attributes:<W>,)?sid:s,\})", "<P>": r"(s|\{(attributes:<W>,)?name:s,\})",
          "<C>": r"\{(flags:[nsz],)?name:s,type:s,values:\[([sbn],)*\],\}", "<W>": r"(z|\[(s,)*\])", "\n": ""}
TOKEN = r"""\{(user:<G>,|(deviceGroups|groups|restrictedDeviceGroups|restrictedSids):(z|\[(<G>,)*\]),|
(deviceClaims|localAttributes|restrictedDeviceClaims|restrictedUserClaims|userClaims):(z|\[(<C>,)*\]),|
privileges:(z|\[(<P>,)*\]),|(flags|mandatoryPolicy):<W>,|(restricted|sandboxInert|writeRestricted):[bz],|
appContainer:(z|\{(capabilities:(z|\[(<G>,)*\]),)?(lowPrivilege:[bz],)?(number:[nsz],)?packageSid:s,\}),|
(auditPolicy|defaultDacl|domain|elevationType|impersonationLevel|integrityLevel|isolationPrefix):[sz],|
(owner|primaryGroup|source|trustLevel|type):[sz],|(authenticationId|dynamicCharged|expirationTime|modifiedId):[nsz],|
(originatingLogon|parentTokenId|sessionId|sourceId):[nsz],)*\}"""
CERTIFICATE = r"""\{adOwnerReadOnly:b,backup:b,certificate:s,claimsDisabled:b,descriptor:s,desired:s,digest:s,granted:s,kernelMode:b,
level:s,mapping:\[s,s,s,s,\],objectTypes:\[(s,)*\],policies:\{(\*:\[(\[s,s,s,\],)*\],)*\},previous:s,primary:s,privileges:\[(s,)*\],
restore:b,resultList:b,results:\[(s,)*\],self:s,status:s,steps:\[(\{ace:n,bits:s,granted:b,list:s,node:n,pass:s,rule:s,\},)*\],token:s,\}"""
LEXEME = re.compile(r'[ \t\r\n]+|[\[\]{}:,]|true|false|null|0|-?[1-9][0-9]{0,19}|"(?:[^"\\]|\\.)*"')

def shape(v):
    """The shape of a value: s, n, b, z for null, [shape,…] or {key:shape,…}, with * for a key other than a word."""
    if isinstance(v, list): return "[%s]" % "".join(shape(x) + "," for x in v)
    if not isinstance(v, dict): return {str: "s", bool: "b", type(None): "z"}.get(type(v), "n")
    return "{%s}" % "".join((k if re.fullmatch("[a-zA-Z]+", k) else "*") + ":" + shape(v[k]) + "," for k in sorted(v))

def read_json(text, form):
    """Parse JSON of a shape. Strings must be spelled as dense writes them; blanks and key order may differ."""
    if isinstance(text, bytes): text = text.decode()
    at = depth = 0
    while at < len(text):
        w = LEXEME.match(text, at)
        check(w and (w[0][0] != '"' or dense(json.loads(w[0])) == w[0]), "at %d: write it as refmon token show --json does", at)
        at, depth = w.end(), depth + {"[": 1, "{": 1, "]": -1, "}": -1}.get(w[0], 0)
        check(depth <= 64, "lists and objects nest deeper than 64")
    value = json.loads(text, object_pairs_hook=unique)
    for name in MACROS: form = form.replace(name, MACROS[name])
    check(re.fullmatch(form, shape(value)), "a field is missing, unknown, or of another type")
    return value

class Token:
    def __init__(self, text):
        f = {k: v for k, v in read_json(text, TOKEN).items() if v is not None}
        user = f["user"] if isinstance(f["user"], str) else f["user"]["sid"]
        domain = f.get("domain") or (user.rpartition("-")[0] if user.startswith("S-1-5-21-") else "")
        level, box = f.get("integrityLevel", "Medium"), f.get("appContainer")
        self.level = LEVELS[level] if level in LEVELS else sid(level)[1]
        self.package = sid(box["packageSid"], domain) if box else None
        pkg = (box.get("capabilities") or []) + [box["packageSid"], "S-1-15-2-2"] + ["AC"] * (not box.get("lowPrivilege")) if box else []
        said = lambda v: None if isinstance(v, str) else v.get("attributes")
        attributes = lambda v, bare: bare if said(v) is None else sum({ATTRIBUTES.get(w, 0x100) for w in said(v)})
        self.members = set()  # (pass, whether for entries that deny, SID)
        for name, values, bare, also, allow, deny in (  # attributes of a bare name; of all; that count for entries that allow; that deny
                ("", [f["user"]], 0, 4, 4, 0x14), ("", f.get("groups", []), 7, 0, 5, 0x15), ("package", pkg, 4, 0, 4, 4),
                ("device", f.get("deviceGroups", []), 7, 0, 4, 0x14), ("restricted", f.get("restrictedSids", []), 7, 4, 4, 0x14),
                ("restricteddevice", f.get("restrictedDeviceGroups", []), 7, 4, 4, 0x14)):
            for v in values:
                s, a = sid(v if isinstance(v, str) else v["sid"], domain), also | attributes(v, bare)
                if name == "" and a & 0x20: self.level, a = s[1], 0  # an integrity level is not a group
                elif name == "package" and a == 0: a = 4
                if a & allow and not a & 0x10: self.members.add((name, False, s))
                if a & deny: self.members.add((name, True, s))
        self.no_write_up = "NoWriteUp" in f.get("mandatoryPolicy", ["NoWriteUp"])
        self.privileges = {p if isinstance(p, str) else p["name"] for p in f.get("privileges", []) if attributes(p, 4) & 4}
        self.restricted, self.write_restricted = f.get("restricted") or f.get("restrictedSids"), f.get("writeRestricted", False)
        trust = sid(f.get("trustLevel", "S-1-19-0-0"), domain)
        self.trust = trust if len(trust) == 3 else (19, 0, 0)
        self.claims = {}
        for key in ("userClaims", "deviceClaims", "localAttributes"):
            own = f.get(key, [])
            for where, values in (key, own), ("restricted" + key, f.get("restricted" + key[0].upper() + key[1:], own)):
                self.claims[where] = [(fold(c["name"].encode("utf-16-le")), number(0 if c.get("flags") is None else c["flags"], ALL),
                                       [WRITTEN[c["type"]](v, domain) for v in c["values"]]) for c in values]

def truth(b):
    """-1 false, 0 unknown, 1 true."""
    return 1 if b else -1

class Operand:
    """A stack operand: a result r with its truth, an attribute a (NULL if it has no values), a literal l, a list c."""
    def __init__(self, kind, values=(), truth=0, sensitive=False):
        self.kind, self.values, self.truth, self.sensitive = kind, values, truth, sensitive
        self.null, self.bare = kind == "r" or kind == "a" and not values, False  # bare: a claim without values
    def as_truth(self):
        check(self.kind in "ra", "a literal has no truth")
        return self.truth if self.null or self.values[0][0] in "dx" else truth(any(v for _, v in self.values))
    def keys(self, sensitive):
        """The keys for comparing values: strings are in upper case unless sensitive."""
        return [fold(v, sensitive) if kind == "s" else v for kind, v in self.values]

SCOPES = ("localAttributes", "userClaims", "resource", "deviceClaims")

class Condition:
    """The rest of a conditional expression, and the side of the token that it is evaluated for."""
    def __init__(self, query, code, deny=False, name=""):
        self.q, self.rest, self.deny, self.name, self.tokens = query, code, deny, name.replace("package", ""), 0
    def take(self, n):
        check(n <= len(self.rest), "it ends early")
        b, self.rest = self.rest[:n], self.rest[n:]
        return b
    def counted(self):
        return self.take(struct.unpack("<I", self.take(4))[0])
    def holds(self):
        """The truth. It is unknown if the expression is malformed or does not leave exactly one result (A-117)."""
        try:
            check(len(self.rest) <= 10000 and self.take(4) == b"artx", "it is not an expression")
            stack = []
            while self.rest and self.rest[0]:
                op, self.tokens = self.take(1)[0], self.tokens + 1
                if 0x80 <= op < 0xF8:  # relations, contains, exists, any of, member of; from 0x8D on negated; and, or, not
                    family = "rrrrrrceammmmecammmm............&|!"[op - 0x80]
                    args = [stack.pop() for _ in range(1 if family in "em!" else 2)]
                    stack.append(Operand("r", truth=self.apply(family, op, args[-1], args[0]) * (-1 if 0x8D <= op < 0xA0 else 1)))
                elif op >= 0xF8: stack.append(self.attribute(SCOPES[op - 0xF8], fold(self.counted())))
                elif op == 0x50:
                    inner, values = Condition(self.q, self.counted()), []
                    while inner.rest: values.append(inner.literal(inner.take(1)[0]))
                    self.tokens += len(values)
                    stack.append(Operand("c", values))
                else: stack.append(Operand("l", [self.literal(op)]))
            return stack[0].as_truth() if len(stack) == 1 and self.tokens <= 2000 and b"\0\0\0".startswith(self.rest) else 0
        except MALFORMED:
            return 0
    def literal(self, code):
        if 0 < code <= 4:
            n = struct.unpack_from("<q", self.take(10))[0]
            check(-1 << (4 << code) - 1 <= n < 1 << (4 << code) - 1, "an integer out of range")
            return "i", n
        b = self.counted()
        check(code != 0x10 or len(b) % 2 == 0 and terminated(b + b"\0\0") == b, "a string")
        return {0x10: "s", 0x18: "x", 0x51: "d"}[code], read_sid(b, True) if code == 0x51 else b
    def attribute(self, scope, name):
        """The last attribute of a name. It is NULL if it is disabled, has a duplicate value, or is deny-only in an
        allow entry (A-110, A-151, S-32)."""
        for n, flags, values in reversed(self.q.t.claims[self.name + scope]):
            if n == name:
                o = Operand("a", values, sensitive=bool(flags & 2))
                o.bare = not values and scope.endswith("Claims")
                return Operand("a") if flags & 0x10 or flags & 4 and not self.deny or len(set(o.keys(o.sensitive))) < len(values) else o
        return Operand("a")
    def apply(self, family, op, l, r):
        """Apply an operator. r is its last operand; a unary operator has only that one."""
        if family in "&|!": return {"&": min, "|": max, "!": lambda l, _: -l}[family](l.as_truth(), r.as_truth())
        if family == "e": return truth(not l.null) if l.kind == "a" and not l.bare else 0
        if family == "m": return self.member_of(op - (0x90 if op >= 0x90 else 0x89), r)
        if family == "c" and r.kind == "c" and not r.values: return -1
        bit = lambda v: v[0] == "b" or v in (("i", 0), ("i", 1))
        agree = all(x[0] == y[0] or bit(x) and bit(y) for x in l.values for y in r.values)
        if family == "." or l.kind != "a" or l.null or r.null or family == "a" and r.kind == "l" or not agree:
            check(family != ".", "an unknown operator")
            return 0
        x, y = l.keys(l.sensitive or r.sensitive), r.keys(l.sensitive or r.sensitive)
        if family == "c": return truth(set(y) <= set(x))
        if family == "a": return truth(set(y) & set(x))
        if op < 0x82: return truth((len(x) == len(y) and set(x) == set(y)) == (op == 0x80))
        if len(x) > 1 or len(y) != 1 or r.kind == "c" or l.values[0][0] in "bd" or r.values[0][0] == "b": return 0
        return truth((x < y, x <= y, x > y, x >= y)[op - 0x82])
    def member_of(self, form, o):
        """Whether the token has all SIDs of a list, or any (A-116). Bits of form: 1 the device's groups, 2 any."""
        if o.kind in "ar" or not o.values or any(kind != "d" for kind, _ in o.values): return 0
        deny = not self.name and self.deny or self.name == "restricted" and form & 1 != 0
        held = [self.q.member(self.q.t, self.name + "device" * (form & 1), s, deny) for _, s in o.values]
        return truth(any(held) if form & 2 else all(held))

digits = lambda m: "0x%08x" % m
digest = lambda b: hashlib.sha256(b).hexdigest()

def parse_mask(text):
    check(re.fullmatch("0x[0-9a-f]{8}", text), "the mask %r: write 0x and eight digits", text)
    return int(text, 16)

class Node:
    """A node of the object tree; the first is the whole object. held: after earlier passes; open, got: in this one."""
    def __init__(self, level=0, guid=None):
        self.level, self.guid, self.held, self.open, self.got = level, guid, 0, 0, 0

class Query:
    """A question and the state of its decision."""
    def __init__(self, c, descriptor, token):
        self.c, self.t, self.none, self.own, self.by_privilege, self.steps, self.used = c, Token(token), not descriptor, 0, 0, [], []
        self.primary = Token(c["primary"]) if c["primary"] else self.t
        self.owner, self.sacl, self.dacl = read_descriptor(descriptor)
        self.t.claims["resource"] = [a for e in self.sacl if e.kind == 0x12 and e.live for a in read_attribute(e.data)][::-1]
        self.t.claims["restrictedresource"] = self.t.claims["resource"]
        self.self, self.mapping = sid(c["self"]) if c["self"] else None, [parse_mask(m) for m in c["mapping"]]
        asked, self.previous = self.mapped(parse_mask(c["desired"])), self.mapped(parse_mask(c["previous"]))
        self.max, self.asked, self.each = bool(asked & MAXIMUM), asked & ~MAXIMUM, c["resultList"]
        self.strict = not self.max and not self.each  # a missing right ends the check
        types = [re.fullmatch("(0|[1-9][0-9]*) ([0-9a-f]{32})", text).groups() for text in c["objectTypes"]]
        check(all(int(n) < 65536 for n, _ in types), "an object type's level")
        self.nodes, self.typed = [Node(int(n), bytes.fromhex(guid)) for n, guid in types] or [Node()], bool(types)
        levels = [-1] + [n.level for n in self.nodes]
        self.valid = len(types) <= 4096 and len({n.guid for n in self.nodes}) == len(self.nodes) and all(
            (n == 0) == (i == 0) and n <= min(levels[i] + 1, 4) for i, n in enumerate(levels[1:]))
    def mapped(self, m):
        for i, rights in enumerate(self.mapping): m |= rights if m >> (31 - i) & 1 else 0
        return m & ~GENERIC & ALL
    def step(self, rule, bits, granted, where="", ace=-1, name="", node=0):
        row = {"rule": rule, "list": where, "ace": ace, "pass": name, "node": node, "bits": digits(bits & ALL), "granted": granted}
        if bits & ALL: self.steps.append(row)
    def privilege(self, rule, name, bits):
        bits &= ~self.by_privilege
        if not bits or name not in self.t.privileges: return False
        self.by_privilege |= bits
        self.used.append(name)
        self.step(rule, bits, True)
        return True
    def decide(self):
        """Status and granted rights of each node. The rules before the check apply first, in this order."""
        level = ["", "Anonymous", "Identification", "Impersonation", "Delegation"].index(self.c["level"])
        zero, everything = self.c["desired"] == digits(0), self.mapping[3] if self.max else 0
        for applies, rule, bits, status in (
                (self.each and not (self.valid and self.typed), "A-25", self.asked, INVALID),
                (self.c["kernelMode"], "A-31", self.asked | self.previous | everything, SUCCESS), (self.none, "A-32", self.asked, DENIED),
                (level in (1, 2), "A-30", self.asked, "STATUS_BAD_IMPERSONATION_LEVEL"),
                (zero and self.previous, "A-35", self.previous, SUCCESS), (zero, "A-33", 0, DENIED), (not self.valid, "A-25", self.asked, INVALID)):
            if applies:
                self.step(rule, bits, status == SUCCESS)
                return [(status, bits if status == SUCCESS else 0)] * (len(self.nodes) if status != INVALID or not self.each else 0)
        status = self.check()
        if status != SUCCESS: return [(status, 0)] * len(self.nodes)
        total = [n.held | self.by_privilege | self.previous for n in self.nodes]
        return [(DENIED, self.asked & t) if self.asked & ~t or self.max and not t else (SUCCESS, t if self.max else self.asked | self.previous)
                for t in total]
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
        held = (GRANTABLE if self.max else need & ~self.by_privilege) & ceiling
        for n in self.nodes: n.held = held
        if held & (READ_CONTROL | WRITE_DAC) and ("", False, self.owner) in self.t.members:
            self.own = held & (READ_CONTROL if self.c["adOwnerReadOnly"] else READ_CONTROL | WRITE_DAC)
            lost = (any(e.live and e.sid == sid("OW") for e in self.dacl or []) or
                    self.t.restricted and ("restricted", False, self.owner) not in self.t.members)
            self.own = 0 if lost else self.own
            self.step("A-56", READ_CONTROL | WRITE_DAC if lost else self.own, not lost)
        return SUCCESS if self.read(self.dacl, "DACL", False, 0) and self.policy() else DENIED
    def first(self, kind):
        return next(((i, e) for i, e in enumerate(self.sacl) if e.kind == kind and e.live), (-1, None))
    def ceiling(self, need):
        """The rights that the trust label, access filters and the integrity level permit (A-60 to A-65)."""
        t, left, (read, write, execute, everything) = self.t, ALL, self.mapping
        limits = [("A-65", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i) for i, e in enumerate(self.sacl)
                  if e.kind == 0x15 and e.live and Condition(self, e.data).holds() != 1]
        i, e = self.first(0x14)
        if e and not (e.sid[0] == 19 and len(e.sid) == 3 and t.trust[1] >= e.sid[1] and t.trust[2] >= e.sid[2]):
            limits.insert(0, ("A-64", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i))
        i, e = self.first(0x11)
        level, policy, where, at = (e.sid[-1], e.mask & 7, "SACL", i) if e and e.sid[0] == 16 and len(e.sid) > 1 else (0x2000, 1, "", -1)
        if t.no_write_up and t.level < level and (not t.package or level > 0x2000) and policy:
            rights = read | execute | SYNCHRONIZE | READ_CONTROL | (0 if policy & 1 else everything | SYSTEM_SECURITY)
            classes = [0, 0]  # permitted, forbidden
            writing = write | DELETE | WRITE_DAC | WRITE_OWNER | SYSTEM_SECURITY
            for i, c in enumerate((writing, read | READ_CONTROL, execute & ~read | SYNCHRONIZE)): classes[policy >> i & 1] |= c
            relabel = WRITE_OWNER if "SeRelabelPrivilege" in t.privileges else 0
            limits.append(("A-62", rights & ~(classes[1] & ~classes[0]) | relabel, where, at))
        for rule, rights, where, at in limits:
            self.step(rule, (need | everything * self.max) & ~rights, False, where, at)
            left &= rights
        return left
    def policy(self):
        """Reduce the held rights by the central access rules that apply (A-100, A-101)."""
        (_, e), policies = self.first(0x13), self.c["policies"]
        rules = next((r for text, r in policies.items() if text and sid(text) == e.sid), policies[""]) if e and policies else []
        return all(self.read(read_descriptor(unhex(descriptor))[2], name, True, self.own) for name, condition, descriptor in rules
                   if not condition or Condition(self, unhex(condition)).holds() == 1)
    def clip(self, m):
        for n in self.nodes: n.held &= m
        return self.nodes[0].held
    def read(self, dacl, where, rule, exempt):
        """Reduce the held rights to those that a list grants to each side of the token, the package's except exempt."""
        t, limit, (read, write, execute, everything) = self.t, ALL & ~self.own, self.mapping
        if dacl is None:
            held = self.clip(self.own | everything & GRANTABLE | self.asked if self.max else ALL)
            self.step("A-42", 0 if rule else held & ~self.own, True)
            if t.package: self.step("A-96", held & ~exempt, False)
            return not t.package or self.clip(exempt) == held or not self.strict
        narrow = lambda name, limit: self.narrow(dacl, where, rule, name, limit)
        second = limit & (DELETE | WRITE_DAC | WRITE_OWNER | write & ~(read | execute)) if t.write_restricted else limit
        return narrow("", limit) and (not t.restricted or narrow("restricted", second)) and (not t.package or narrow("package", ALL & ~exempt))
    def narrow(self, dacl, where, rule, name, limit):
        """One pass over a list: the first entry that applies and has a right within limit decides it (A-70)."""
        allows, denies, lost = {"restricted": ("A-90", "A-92", "A-90"), "package": ("A-94", "A-94", "A-95")}.get(name, (
            "A-82" if self.typed else "A-70", "A-83" if self.typed else "A-70" if self.strict else "A-41", "A-40" if dacl else "A-43"))
        root, before, denying = self.nodes[0], self.nodes[0].held, False
        for n in self.nodes: n.held, n.open, n.got = n.held if self.each else before, (n.held if self.each else before) & limit, 0
        for i, e in enumerate(dacl):
            still, m = 0, self.mapped(e.mask)
            for n in self.nodes: still |= n.open
            at = next((i for i, n in enumerate(self.nodes) if n.guid == e.guid), -1) if e.guid and (self.typed or not e.deny) else 0
            if not m & still or at < 0 or not self.applies(e, name): continue
            was, hit = root.open, self.spread(at, m & still, e.deny)
            if not e.deny or not self.strict or root.open != was:  # otherwise the node already has the bits
                self.step(denies if e.deny else allows, m & still, not e.deny, where, i, name, at)
                denying = denying or e.deny
            if hit and e.deny and self.strict: break
        for n in self.nodes: n.held = n.held & ~limit | n.got
        interest = self.asked | (self.mapped(0x10000000) & ~MAXIMUM if self.max else 0)
        for i, n in enumerate(self.nodes[:len(self.nodes) if self.each else 1]):
            if not (denying and self.strict): self.step("A-101" if rule else lost, n.open & interest, False, name=name, node=i)
        return root.held == before or not self.strict
    def end(self, i):
        """One past the subtree of a node."""
        return next((j for j in range(i + 1, len(self.nodes)) if self.nodes[j].level <= self.nodes[i].level), len(self.nodes))
    def spread(self, at, m, deny):
        """Grant or deny at a node and below it. An ancestor is granted a right if all its children are, and denied it
        if one is (A-82 to A-85)."""
        up, hit = m & ~self.nodes[at].got, 0
        for i in range(self.end(at) - 1, -1, -1):
            n, bits, c = self.nodes[i], m if i >= at else up if deny else ALL, i + 1
            if self.end(i) <= at: continue
            while not deny and i < at and c < self.end(i): bits, c = bits & self.nodes[c].got, self.end(c)
            hit |= n.open & bits if i >= at else 0
            n.got, n.open = n.got | (0 if deny else bits & n.open), n.open & ~bits
        return hit
    def applies(self, e, name):
        """Whether an entry matches the token in a pass and its condition holds (A-70). A compound one has two SIDs."""
        if not e.acts or not self.member(self.t, name, read_sid(e.data) if e.kind == 4 else e.sid, e.deny): return False
        if e.kind < 9: return e.kind != 4 or self.member(self.primary, "", e.sid, False)
        return not self.c["claimsDisabled"] and Condition(self, e.data, e.deny, name).holds() >= (0 if e.deny else 1)
    def member(self, t, name, s, deny):
        """Whether a SID is on a side of a token, for entries that deny or allow (A-1 to A-4, A-94)."""
        s = self.self if s == sid("PS") and self.self else self.owner if s == sid("OW") else s
        mine = name == "package" and not deny and ("", False, s) in t.members  # only the user's side may grant by it
        return (name, deny, s) in t.members and not mine

def dense(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")

def verify(cert, descriptor, token):
    """A line with the outcome of a true certificate. Refused: it is false, altered or malformed."""
    try:
        other = re.search(r'"certificate"\s*:\s*"(refmon access certificate [0-9]{1,9})"', cert if isinstance(cert, str) else cert.decode("utf-8", "replace"))
        check(not other or other[1] == FORM, "the form is %s, this program knows %s: use the release that wrote it", other and other[1], FORM)
        c = read_json(cert, CERTIFICATE)
        check(c["certificate"] == FORM, "the form is %r, this program knows %r", c["certificate"], FORM)
        q, want = Query(c, descriptor, token), {key: c[key] for key in QUESTION}
        results = q.decide()
        status, granted = results[0] if results else (INVALID, 0)
        want.update(descriptor=digest(descriptor), token=digest(token), status=status, granted=digits(granted if status == SUCCESS else 0),
                    steps=q.steps, privileges=sorted(q.used), results=["%s %s" % (s, digits(g)) for s, g in results] if q.each else [])
        want["digest"] = digest(dense(want).encode())
        for key in want:
            says, gives = dense(c.get(key)), dense(want[key])
            check(says == gives, "%s is %s, and the inputs give %s", key, says, gives)
        check(dense(c) == dense(want), "it has other fields than a certificate")
    except MALFORMED as e:
        raise e if isinstance(e, Refused) else Refused("an input is malformed: %r" % e) from e
    return "%s granted %s in %d steps" % (status, want["granted"], len(q.steps))

def main(args):
    if args[:1] == ["audit"]: return __import__("verify_audit").main(args[1:])
    if len(args) != 3: return print(__doc__) or 2
    try:
        cert, descriptor, token = (open(name, "rb").read() for name in args)
        if re.fullmatch(rb"\s*([0-9a-fA-F]{2})*\s*", descriptor): descriptor = bytes.fromhex(descriptor.decode())
        print("verified:", verify(cert, descriptor, token))
    except (Refused, OSError) as e:
        return print("refused:" if isinstance(e, Refused) else "verify.py:", e) or (1 if isinstance(e, Refused) else 2)

if __name__ == "__main__":
    try: code = main(sys.argv[1:]); sys.stdout.flush()
    except OSError as e: sys.stdout, code = None, print("verify.py:", e, file=sys.stderr) or 2  # the output was lost
    sys.exit(code)
