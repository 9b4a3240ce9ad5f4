#!/usr/bin/env python3
"""Check a certificate of refmon why --certificate. The only inputs are the descriptor's bytes and the token file.

    verify.py CERTIFICATE DESCRIPTOR TOKEN
    verify.py audit KEY.pub PROOF [OLD-CHECKPOINT]          a proof of refmon audit prove: see verify_audit.py

It repeats the decision, writes the certificate itself, and compares both. docs/certificates.md describes the form. It
needs only Python 3.8. Exit code: 0 true; 1 false, altered or of another form; 2 unreadable file, lost output or wrong
usage.
"""
import hashlib
import json
import re
import struct
import sys

FORM = "refmon access certificate 2"
MAX_FILE = 64 << 20  # bytes of the largest file, far above any certificate and its inputs

# Rights with special treatment.
ALL = 0xFFFFFFFF
DELETE = 0x10000
READ_CONTROL = 0x20000
WRITE_DAC = 0x40000
WRITE_OWNER = 0x80000
SYNCHRONIZE = 0x100000
SYSTEM_SECURITY = 0x1000000
MAXIMUM = 0x2000000  # MAXIMUM_ALLOWED: all rights that the caller can get
GENERIC_ALL = 0x10000000
GENERIC = 0xF0000000
GRANTABLE = ALL & ~(SYSTEM_SECURITY | MAXIMUM | GENERIC)  # by an entry
BACKUP = 0x11200A9  # declared intent grants these
RESTORE = 0x11F0116

SUCCESS = "STATUS_SUCCESS"
DENIED = "STATUS_ACCESS_DENIED"
INVALID = "STATUS_INVALID_PARAMETER"
WRONG_LEVEL = "STATUS_BAD_IMPERSONATION_LEVEL"
PRIVILEGE_NOT_HELD = "STATUS_PRIVILEGE_NOT_HELD"

# The fields of a certificate that state the request.
QUESTION = ("adOwnerReadOnly", "backup", "certificate", "claimsDisabled", "desired", "kernelMode", "level", "mapping",
            "objectTypes", "policies", "previous", "primary", "restore", "resultList", "self")

INTEGRITY_LEVELS = {"None": 0, "Untrusted": 0, "Low": 4096, "Medium": 8192, "MediumPlus": 8448, "High": 12288,
                    "System": 16384, "Protected": 20480}

# Attributes of a group or privilege.
MANDATORY, BY_DEFAULT, ENABLED, DENY_ONLY, INTEGRITY = 1, 2, 4, 0x10, 0x20
OTHER = 0x100  # attributes that decide nothing; a capability that has only these is disabled
ATTRIBUTES = {"Mandatory": MANDATORY, "Enabled": ENABLED, "UseForDenyOnly": DENY_ONLY, "Integrity": INTEGRITY}
LOGON = MANDATORY | BY_DEFAULT | ENABLED  # of a group without attributes

# Pairs of an alias and its SID without S-1-. The aliases from AP on are relative to a domain.
ALIAS_PAIRS = """
    AA 5-32-579 AC 15-2-1 AN 5-7 AO 5-32-548 AS 18-1 AU 5-11 BA 5-32-544 BG 5-32-546 BO 5-32-551
    BU 5-32-545 CD 5-32-574 CG 3-1 CO 3-0 CY 5-32-569 ED 5-9 ER 5-32-573 ES 5-32-576 HA 5-32-578
    HI 16-12288 HO 5-32-584 IS 5-32-568 IU 5-4 LS 5-19 LU 5-32-559 LW 16-4096 ME 16-8192 MP 16-8448
    MS 5-32-577 MU 5-32-558 NO 5-32-556 NS 5-20 NU 5-2 OW 3-4 PO 5-32-550 PS 5-10 PU 5-32-547
    RA 5-32-575 RC 5-12 RD 5-32-555 RE 5-32-552 RM 5-32-580 RU 5-32-554 SH 5-32-585 SI 16-16384
    SO 5-32-549 SS 18-2 SU 5-6 SY 5-18 UD 5-84-0-0-0-0-0 WD 1-0 WR 5-33 AP -525 CA -517 CN -522
    DA -512 DC -515 DD -516 DG -514 DU -513 EA -519 EK -527 KA -526 LA -500 LG -501 PA -520 RO -498
    RS -553 SA -518
""".split()
ALIASES = dict(zip(ALIAS_PAIRS[::2], ALIAS_PAIRS[1::2]))

# Letters without an upper case on Windows: it was added after Unicode 5.1, or it is an ASCII letter.
LATER = re.compile("[ıſƛȿɀɒɜɡɤ-ɦɪɬʂʇʝʞϳԥ-ԯა-ჿᏸ-ᏽᲀ-ᲊᶎⱟⳬ-ⳳⴧ-ⴭꙡꚙ-ꚛꞑ-ꟶꭓ-ꮿ]")


class Refused(Exception):
    """The certificate is false or was altered, or an input is malformed."""


# What a malformed input raises in the parsers.
MALFORMED = (Refused, KeyError, IndexError, ValueError, TypeError, AttributeError, StopIteration, RecursionError,
             struct.error)


def check(ok, why, *args):
    """Refuse the input unless ok is true."""
    if not ok:
        raise Refused(why % args if args else why)


def sid(text, domain=""):
    """A SID as (authority, sub-authorities…). text is S-1-… or an alias in capitals; Refused if it is malformed."""
    full = text
    alias = ALIASES.get(text)
    if alias:
        full = (domain if alias[0] == "-" else "S-1-") + alias
    parts = ()
    if re.fullmatch(r"S-1(-(0|[1-9][0-9]{0,9})){2,16}", full):
        parts = tuple(int(part) for part in full.split("-")[2:])
    check(parts and max(parts) <= ALL, "the SID %r: write it as S-1-… in decimal numbers", text)
    return parts


PRINCIPAL_SELF, OWNER_RIGHTS, ALL_PACKAGES = sid("PS"), sid("OW"), sid("AC")
ALL_RESTRICTED_PACKAGES = sid("S-1-15-2-2")


def read_sid(b, whole=False):
    """The binary SID at the start of b. With whole, b has nothing else."""
    check(b[0] == 1 and b[1] <= 15 and not (whole and len(b) != 8 + 4 * b[1]), "a SID is malformed")
    return (int.from_bytes(b[2:8], "big"),) + struct.unpack_from("<%dI" % b[1], b, 8)


# Types of entries, by number in MS-DTYP 2.4.4.1.
COMPOUND_ALLOW = 0x04
FIRST_CALLBACK = 0x09  # of those that allow or deny, this one and later ones have a condition
INTEGRITY_LABEL = 0x11
RESOURCE_ATTRIBUTE = 0x12
POLICY_ID = 0x13
TRUST_LABEL = 0x14
ACCESS_FILTER = 0x15  # the last known type
ALLOWING = (0, 4, 5, 9, 11)
DENYING = (1, 6, 10, 12)
WITH_GUIDS = (5, 6, 7, 8, 11, 12, 15, 16)


class Entry:
    """An ACE. live: it is not inherit-only; acts: it counts in a DACL; sid: in a compound entry the server's; data: the
    bytes after the SID. Of an unknown type only the first two are known."""

    def __init__(self, b):
        inherit_only = 8
        self.kind = b[0]
        self.live = not b[1] & inherit_only
        self.acts = self.live and self.kind in ALLOWING + DENYING
        self.deny = self.kind in DENYING
        self.mask, self.sid, self.guid, self.data = 0, None, None, b""
        if self.kind > ACCESS_FILTER:
            return
        at = 8
        if self.kind == COMPOUND_ALLOW:
            at = 12
        if self.kind in WITH_GUIDS:
            at = 12
            if b[8] & 1:
                self.guid = b[12:28]
                at += 16
            if b[8] & 2:  # the inherited object type
                at += 16
        self.mask = struct.unpack_from("<I", b, 4)[0]
        self.sid = read_sid(b[at:])
        self.data = b[at + 8 + 4 * b[at + 1]:]


def read_acl(b):
    """The entries of a binary ACL."""
    size, count = struct.unpack_from("<HH", b, 2)
    check(8 <= size <= len(b), "a list of the descriptor is malformed")
    entries, b = [], b[8:size]
    for _ in range(count):
        n = struct.unpack_from("<H", b, 2)[0]
        check(4 <= n <= len(b), "a list of the descriptor is malformed")
        entries.append(Entry(b[:n]))
        b = b[n:]
    return entries


def read_descriptor(b):
    """Owner, SACL and DACL. Owner and DACL may be None; a missing SACL is empty. No bytes are not a descriptor."""
    if not b:
        return None, [], None
    control, owner_at, _, sacl_at, dacl_at = struct.unpack_from("<2xHIIII", b)
    owner, sacl, dacl = None, [], None
    if owner_at:
        owner = read_sid(b[owner_at:])
    if sacl_at and control & 0x10:
        sacl = read_acl(b[sacl_at:])
    if dacl_at and control & 4:
        dacl = read_acl(b[dacl_at:])
    return owner, sacl, dacl


def upper(c):
    """The upper case of a character, if that is one UTF-16 unit."""
    for x in (c.upper(), c.title()):
        if len(x) == 1 and x < "\U00010000":
            return x
    return c


def fold(text, sensitive=False):
    """The UTF-16 code units, in upper case unless sensitive (A-112)."""
    units = struct.unpack("<%dH" % (len(text) // 2), text)
    if sensitive:
        return units
    return tuple(u if LATER.match(chr(u)) else ord(upper(chr(u))) for u in units)


def terminated(b):
    """The UTF-16 bytes before the first NUL. Without a NUL it raises StopIteration."""
    return next(b[:i] for i in range(0, len(b) - 1, 2) if b[i:i + 2] == b"\0\0")


def counted(b):
    """The bytes after a length of four bytes."""
    n = struct.unpack_from("<I", b)[0]
    check(4 + n <= len(b), "a length passes the end")
    return b[4:4 + n]


def unhex(text):
    check(re.fullmatch("([0-9a-fA-F]{2})*", text), "the bytes %r: write two hexadecimal digits each", text)
    return bytes.fromhex(text)


def number(v, most):
    """A number up to most, given as a number or as a decimal or hexadecimal string."""
    is_number = re.fullmatch("0|[1-9][0-9]{0,19}|0[xX][0-9a-fA-F]{1,16}", str(v))
    check(is_number and int(str(v), 0) <= most, "the number %r", v)
    return int(str(v), 0)


def signed(v):
    """A number of 64 bits, given as a number or as a decimal string."""
    check(re.fullmatch("-?(0|[1-9][0-9]{0,18})", str(v)) and -1 << 63 <= int(v) < 1 << 63, "the number %r", v)
    return int(v)


def flag(v):
    check(not isinstance(v, str) and v in (0, 1), "a boolean")
    return int(v)


# A value of a claim or condition is (kind, value): i integer, b boolean, s UTF-16, d SID, x octets. A claim is (name,
# flags, values).

def stored_value(kind, b):
    """A value at the start of b in a resource attribute (MS-DTYP 2.4.10.1), and its size there."""
    if kind == 1:
        return ("i", struct.unpack_from("<q", b)[0]), 8
    if kind == 2:
        return ("i", struct.unpack_from("<Q", b)[0]), 8
    if kind == 3:
        return ("s", terminated(b)), len(terminated(b)) + 2
    if kind == 5:
        return ("d", read_sid(counted(b), True)), len(counted(b)) + 4
    if kind == 6:
        return ("b", flag(struct.unpack_from("<Q", b)[0])), 8
    if kind == 16:
        return ("x", counted(b)), len(counted(b)) + 4
    raise Refused("an unknown type of an attribute")


def file_value(kind, v, domain):
    """A value of a claim in a token file."""
    if kind == "int64":
        return "i", signed(v)
    if kind == "uint64":
        return "i", number(v, (1 << 64) - 1)
    if kind == "boolean":
        return "b", flag(v)
    if kind == "string":
        return "s", v.encode("utf-16-le")
    if kind == "sid":
        return "d", sid(v, domain)
    if kind == "octets":
        return "x", unhex(v)
    raise Refused("an unknown type of a claim")


def read_attribute(b):
    """A list with the claim of a resource attribute. It is empty if the attribute is malformed (S-33)."""
    max_values, max_bytes = 4096, 65536
    try:
        name_at, kind, flags, count = struct.unpack_from("<IH2xII", b)
        values = [stored_value(kind, b[at:]) for at in struct.unpack_from("<%dI" % count, b, 16)]
        name = fold(terminated(b[name_at:]))
        check(kind in (1, 2, 3, 5, 6, 16) and name and not flags & 0xFF00, "an attribute")
        check(count <= max_values and sum(size for _, size in values) <= max_bytes, "an attribute")
        return [(name, flags, [value for value, _ in values])]
    except MALFORMED:
        return []


def unique(pairs):
    check(len({k for k, _ in pairs}) == len(pairs), "a key is given twice")
    return dict(pairs)


# Shapes of a token file and a certificate in the notation of shape. G is a group, P a privilege, C a claim, W a list of
# words.
MACROS = {"<G>": r"(s|\{(attributes:<W>,)?sid:s,\})", "<P>": r"(s|\{(attributes:<W>,)?name:s,\})",
          "<C>": r"\{(flags:[nsz],)?name:s,type:s,values:\[([sbn],)*\],\}", "<W>": r"(z|\[(s,)*\])", "\n": ""}
TOKEN = r"""\{(user:<G>,|(deviceGroups|groups|restrictedDeviceGroups|restrictedSids):(z|\[(<G>,)*\]),|
(deviceClaims|localAttributes|restrictedDeviceClaims|restrictedUserClaims|userClaims):(z|\[(<C>,)*\]),|
privileges:(z|\[(<P>,)*\]),|(flags|mandatoryPolicy):<W>,|(restricted|sandboxInert|writeRestricted):[bz],|
appContainer:(z|\{(capabilities:(z|\[(<G>,)*\]),)?(lowPrivilege:[bz],)?(number:[nsz],)?packageSid:s,\}),|
(auditPolicy|defaultDacl|domain|elevationType|impersonationLevel|integrityLevel|isolationPrefix):[sz],|
(owner|primaryGroup|source|trustLevel|type):[sz],|(authenticationId|dynamicCharged|expirationTime|modifiedId):[nsz],|
(originatingLogon|parentTokenId|sessionId|sourceId):[nsz],)*\}"""
CERTIFICATE = r"""\{adOwnerReadOnly:b,backup:b,certificate:s,claimsDisabled:b,descriptor:s,desired:s,digest:s,
granted:s,kernelMode:b,level:s,mapping:\[s,s,s,s,\],objectTypes:\[(s,)*\],
policies:\{(\*:\[(\[s,s,s,\],)*\],)*\},previous:s,primary:s,
privileges:\[(s,)*\],restore:b,resultList:b,results:\[(s,)*\],self:s,status:s,
steps:\[(\{ace:n,bits:s,granted:b,list:s,node:n,pass:s,rule:s,\},)*\],token:s,\}"""
LEXEME = re.compile(r'[ \t\r\n]+|[\[\]{}:,]|true|false|null|0|-?[1-9][0-9]{0,19}|"(?:[^"\\]|\\.)*"')


def shape(v):
    """The shape of a value: s, n, b, z for null, [shape,…] or {key:shape,…}, with * for a key other than a word."""
    if isinstance(v, list):
        return "[%s]" % "".join(shape(x) + "," for x in v)
    if isinstance(v, dict):
        names = [(key if re.fullmatch("[a-zA-Z]+", key) else "*", v[key]) for key in sorted(v)]
        return "{%s}" % "".join(name + ":" + shape(x) + "," for name, x in names)
    return {str: "s", bool: "b", type(None): "z"}.get(type(v), "n")


def read_json(text, form):
    """Parse JSON of a shape. Strings must be spelled as dense writes them; blanks and key order may differ."""
    if isinstance(text, bytes):
        text = text.decode()
    at = depth = 0
    while at < len(text):
        w = LEXEME.match(text, at)
        is_canonical = w and (w[0][0] != '"' or dense(json.loads(w[0])) == w[0])
        check(is_canonical, "at %d: write it as refmon token show --json does", at)
        at = w.end()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(w[0], 0)
        check(depth <= 64, "lists and objects nest deeper than 64")
    value = json.loads(text, object_pairs_hook=unique)
    for name in MACROS:
        form = form.replace(name, MACROS[name])
    check(re.fullmatch(form, shape(value)), "a field is missing, unknown, or of another type")
    return value


def elements(values, key, absent):
    """The (name, attributes) of the elements of a list: names, or objects with a name under key. An element without
    attributes gets those in absent."""
    for v in values or []:
        name, words = (v, None) if isinstance(v, str) else (v[key], v.get("attributes"))
        if words is None:
            yield name, absent
        else:
            yield name, sum({ATTRIBUTES.get(word, OTHER) for word in words})


class Token:
    """A token file. Absent fields have the defaults of the format."""

    def __init__(self, text):
        f = {k: v for k, v in read_json(text, TOKEN).items() if v is not None}
        user = f["user"] if isinstance(f["user"], str) else f["user"]["sid"]
        self.domain = f.get("domain") or ""
        if not self.domain and user.startswith("S-1-5-21-"):
            self.domain = user.rpartition("-")[0]
        level = f.get("integrityLevel", "Medium")
        self.level = INTEGRITY_LEVELS[level] if level in INTEGRITY_LEVELS else sid(level)[1]
        self.no_write_up = "NoWriteUp" in f.get("mandatoryPolicy", ["NoWriteUp"])
        self.privileges = {name for name, attributes in elements(f.get("privileges"), "name", ENABLED)
                           if attributes & ENABLED}
        self.restricted = f.get("restricted") or f.get("restrictedSids")
        self.write_restricted = f.get("writeRestricted", False)
        trust = sid(f.get("trustLevel", "S-1-19-0-0"), self.domain)
        self.trust = trust if len(trust) == 3 else (19, 0, 0)
        self.members = set()  # (pass, whether for entries that deny, SID)
        self.read_members(f)
        self.package = None
        if f.get("appContainer"):
            self.read_package(f["appContainer"])
        self.claims = {}  # by pass and field of the file
        for key in ("userClaims", "deviceClaims", "localAttributes"):
            own = f.get(key, [])
            left = f.get("restricted" + key[0].upper() + key[1:], own)  # what a restriction left
            self.claims[key] = self.read_claims(own)
            self.claims["restricted" + key] = self.read_claims(left)

    def read_members(self, f):
        """Add the user, the groups, the restricting SIDs and those of the device. An integrity level among the groups
        is the token's."""
        for name, attributes in elements([f["user"]], "sid", 0):
            self.add_own(sid(name, self.domain), attributes | ENABLED, ENABLED)
        for name, attributes in elements(f.get("groups"), "sid", LOGON):
            self.add_own(sid(name, self.domain), attributes, ENABLED | MANDATORY)
        for where, field, forced in (("device", "deviceGroups", 0), ("restricted", "restrictedSids", ENABLED),
                                     ("restricteddevice", "restrictedDeviceGroups", ENABLED)):
            for name, attributes in elements(f.get(field), "sid", LOGON):
                self.add(where, sid(name, self.domain), attributes | forced, ENABLED)

    def read_package(self, box):
        """Add the package's side of an AppContainer (A-94)."""
        self.package = sid(box["packageSid"], self.domain)
        sids = [self.package, ALL_RESTRICTED_PACKAGES]
        if not box.get("lowPrivilege"):
            sids.append(ALL_PACKAGES)
        for name, attributes in elements(box.get("capabilities"), "sid", ENABLED):
            s = sid(name, self.domain)
            if attributes & ENABLED or attributes == 0:
                self.members.add(("package", True, s))
                if not attributes & DENY_ONLY:
                    self.members.add(("package", False, s))
        for s in sids:
            self.members.update((("package", False, s), ("package", True, s)))

    def add_own(self, s, attributes, counting):
        if attributes & INTEGRITY:
            self.level = s[1]
        else:
            self.add("", s, attributes, counting)

    def add(self, where, s, attributes, counting):
        """Add a SID. It counts with one of the attributes counting; for deny only, it counts for entries that deny."""
        if attributes & counting and not attributes & DENY_ONLY:
            self.members.add((where, False, s))
        if attributes & (counting | DENY_ONLY):
            self.members.add((where, True, s))

    def read_claims(self, claims):
        return [(fold(c["name"].encode("utf-16-le")), number(0 if c.get("flags") is None else c["flags"], ALL),
                 [file_value(c["type"], v, self.domain) for v in c["values"]]) for c in claims]


def truth(b):
    """1 true, 0 unknown, -1 false."""
    return 1 if b else -1


class Operand:
    """A stack operand: a result r with its truth, an attribute a (NULL if it has no values), a literal l, a list c."""

    def __init__(self, kind, values=(), truth=0, sensitive=False):
        self.kind, self.values, self.truth, self.sensitive = kind, values, truth, sensitive
        self.null = kind == "r" or kind == "a" and not values
        self.bare = False  # a claim without values

    def as_truth(self):
        """The truth of a result or attribute (A-111). An attribute is true if it has a value other than zero or
        empty."""
        check(self.kind in "ra", "a literal has no truth")
        if self.null or self.values[0][0] in "dx":
            return self.truth
        return truth(any(v for _, v in self.values))

    def keys(self, sensitive):
        """The keys for comparing values: strings are in upper case unless sensitive."""
        return [fold(v, sensitive) if kind == "s" else v for kind, v in self.values]


# Codes of the tokens of a condition (MS-DTYP 2.4.4.17).
STRING, OCTETS, LIST, SID = 0x10, 0x18, 0x50, 0x51
EQUAL, NOT_EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL = range(0x80, 0x86)
CONTAINS, EXISTS, ANY_OF = 0x86, 0x87, 0x88
MEMBER_OF = range(0x89, 0x8D)  # of all, of all of the device, of any, of any of the device
NOT_EXISTS, NOT_CONTAINS, NOT_ANY_OF = 0x8D, 0x8E, 0x8F
NOT_MEMBER_OF = range(0x90, 0x94)
AND, OR, NOT = 0xA0, 0xA1, 0xA2
FIRST_SCOPE = 0xF8
SCOPES = ("localAttributes", "userClaims", "resource", "deviceClaims")

# The operator that a negated one negates.
NEGATED = {NOT_EXISTS: EXISTS, NOT_CONTAINS: CONTAINS, NOT_ANY_OF: ANY_OF, **dict(zip(NOT_MEMBER_OF, MEMBER_OF))}


class Condition:
    """The rest of a conditional expression, and the side of the token that it is evaluated for."""

    def __init__(self, query, code, deny=False, name=""):
        self.query, self.rest, self.deny, self.tokens = query, code, deny, 0
        self.name = "" if name == "package" else name  # a package has the claims and groups of its user

    def take(self, n):
        check(n <= len(self.rest), "it ends early")
        b, self.rest = self.rest[:n], self.rest[n:]
        return b

    def counted(self):
        return self.take(struct.unpack("<I", self.take(4))[0])

    def holds(self):
        """The truth. It is unknown if the expression is malformed or does not leave exactly one result (A-117)."""
        max_bytes, max_tokens = 10000, 2000
        try:
            check(len(self.rest) <= max_bytes and self.take(4) == b"artx", "it is not an expression")
            stack = []
            while self.rest and self.rest[0]:
                self.tokens += 1
                self.step(stack)
            is_padding = b"\0\0\0".startswith(self.rest)
            check(len(stack) == 1 and self.tokens <= max_tokens and is_padding, "it is not an expression")
            return stack[0].as_truth()
        except MALFORMED:
            return 0

    def step(self, stack):
        """Evaluate one token of the expression."""
        op = self.take(1)[0]
        if op >= FIRST_SCOPE:
            stack.append(self.attribute(SCOPES[op - FIRST_SCOPE], fold(self.counted())))
        elif op == LIST:
            inner, values = Condition(self.query, self.counted()), []
            while inner.rest:
                values.append(inner.literal(inner.take(1)[0]))
            self.tokens += len(values)
            stack.append(Operand("c", values))
        elif op < EQUAL:
            stack.append(Operand("l", [self.literal(op)]))
        else:
            plain = NEGATED.get(op, op)
            right = left = stack.pop()
            if plain not in MEMBER_OF and plain not in (EXISTS, NOT):
                left = stack.pop()
            result = self.apply(plain, left, right)
            stack.append(Operand("r", truth=-result if op in NEGATED else result))

    def literal(self, code):
        if 0 < code <= 4:  # an integer of 8, 16, 32 or 64 bits
            n = struct.unpack_from("<q", self.take(10))[0]
            half = 1 << (4 << code) - 1
            check(-half <= n < half, "an integer out of range")
            return "i", n
        b = self.counted()
        if code == STRING:
            check(len(b) % 2 == 0 and terminated(b + b"\0\0") == b, "a string")
            return "s", b
        if code == OCTETS:
            return "x", b
        check(code == SID, "no literal")
        return "d", read_sid(b, True)

    def attribute(self, scope, name):
        """The last attribute of a name. It is NULL if it is disabled, has a duplicate value, or is deny-only in an
        allow entry (A-110, A-151, S-32)."""
        case_sensitive, deny_only, disabled = 2, 4, 0x10
        for other, flags, values in reversed(self.query.token.claims[self.name + scope]):
            if other != name:
                continue
            o = Operand("a", values, sensitive=bool(flags & case_sensitive))
            o.bare = not values and scope.endswith("Claims")
            is_repeated = len(set(o.keys(o.sensitive))) < len(values)
            if flags & disabled or flags & deny_only and not self.deny or is_repeated:
                return Operand("a")
            return o
        return Operand("a")

    def apply(self, op, left, right):
        """Apply an operator that is not negated. One with a single operand has it on both sides."""
        if op == AND:
            return min(left.as_truth(), right.as_truth())
        if op == OR:
            return max(left.as_truth(), right.as_truth())
        if op == NOT:
            return -right.as_truth()
        if op == EXISTS:
            return truth(not right.null) if right.kind == "a" and not right.bare else 0
        if op in MEMBER_OF:
            return self.member_of(op - MEMBER_OF[0], right)
        check(op <= ANY_OF, "an unknown operator")
        return relate(op, left, right)

    def member_of(self, form, o):
        """Whether the token has all SIDs of a list, or any (A-116). Bits of form: 1 the device's groups, 2 any."""
        if o.kind in "ar" or not o.values or any(kind != "d" for kind, _ in o.values):
            return 0
        where, deny = self.name, self.deny and not self.name
        if form & 1:
            where += "device"
            deny = deny or self.name == "restricted"
        held = [self.query.member(self.query.token, where, s, deny) for _, s in o.values]
        return truth(any(held) if form & 2 else all(held))


def relate(op, left, right):
    """Contains, Any_of and the relations. Unknown if the left side is no attribute, for NULL, and for types that do not
    compare."""
    if op == CONTAINS and right.kind == "c" and not right.values:
        return -1
    if left.kind != "a" or left.null or right.null or op == ANY_OF and right.kind == "l":
        return 0
    if not all(is_comparable(x, y) for x in left.values for y in right.values):
        return 0
    sensitive = left.sensitive or right.sensitive
    x, y = left.keys(sensitive), right.keys(sensitive)
    if op == CONTAINS:
        return truth(set(y) <= set(x))
    if op == ANY_OF:
        return truth(set(y) & set(x))
    if op in (EQUAL, NOT_EQUAL):
        return truth((len(x) == len(y) and set(x) == set(y)) == (op == EQUAL))
    # Only single numbers and strings have an order.
    if len(x) != 1 or len(y) != 1 or right.kind == "c" or left.values[0][0] in "bd" or right.values[0][0] == "b":
        return 0
    return truth({LESS: x < y, LESS_OR_EQUAL: x <= y, GREATER: x > y, GREATER_OR_EQUAL: x >= y}[op])


def is_comparable(x, y):
    """Whether two values have one kind, or both can be booleans (A-112)."""
    is_bit = [v[0] == "b" or v in (("i", 0), ("i", 1)) for v in (x, y)]
    return x[0] == y[0] or all(is_bit)


def hex_mask(m):
    return "0x%08x" % m


def sha256(b):
    return hashlib.sha256(b).hexdigest()


def parse_mask(text):
    check(re.fullmatch("0x[0-9a-f]{8}", text), "the mask %r: write 0x and eight digits", text)
    return int(text, 16)


class Node:
    """A node of the object tree; the first is the whole object. held: after earlier passes; open, got: in this one."""

    def __init__(self, level=0, guid=None):
        self.level, self.guid = level, guid
        self.held = self.open = self.got = 0


class Query:
    """A question and the state of its decision."""

    def __init__(self, c, descriptor, token):
        self.c = c
        self.token = Token(token)
        self.primary = Token(c["primary"]) if c["primary"] else self.token
        self.none = not descriptor
        self.owner, self.sacl, self.dacl = read_descriptor(descriptor)
        attributes = [a for e in self.sacl if e.kind == RESOURCE_ATTRIBUTE and e.live for a in read_attribute(e.data)]
        attributes.reverse()  # the first of a name counts
        self.token.claims["resource"] = self.token.claims["restrictedresource"] = attributes
        self.self = sid(c["self"]) if c["self"] else None
        self.mapping = [parse_mask(m) for m in c["mapping"]]  # read, write, execute, all
        asked = self.mapped(parse_mask(c["desired"]))
        self.max, self.asked = bool(asked & MAXIMUM), asked & ~MAXIMUM
        self.previous = self.mapped(parse_mask(c["previous"]))
        self.each = c["resultList"]
        self.strict = not self.max and not self.each  # a missing right ends the check
        self.plant(c["objectTypes"])
        self.own = 0  # rights of the owner without an entry
        self.by_privilege = 0
        self.used = []  # privileges that granted a right
        self.steps = []

    def plant(self, types):
        """Make the object tree. valid: the list is a tree in preorder (A-25)."""
        max_nodes, max_level = 4096, 4
        self.typed = bool(types)
        self.nodes = []
        for text in types:
            level, guid = re.fullmatch("(0|[1-9][0-9]*) ([0-9a-f]{32})", text).groups()
            check(int(level) < 65536, "an object type's level")
            self.nodes.append(Node(int(level), bytes.fromhex(guid)))
        self.valid = len(types) <= max_nodes and len({n.guid for n in self.nodes}) == len(self.nodes)
        last = -1
        for i, n in enumerate(self.nodes):
            if (n.level == 0) != (i == 0) or n.level > min(last + 1, max_level):
                self.valid = False
            last = n.level
        if not self.typed:
            self.nodes = [Node()]

    def mapped(self, m):
        """A mask with the rights of the object's type in place of generic ones."""
        for i, rights in enumerate(self.mapping):
            if m & 0x80000000 >> i:
                m |= rights
        return m & ~GENERIC & ALL

    def step(self, rule, bits, granted, where="", ace=-1, name="", node=0):
        """Add a step to the certificate: the entry or stage that granted or refused bits. Without bits there is no
        step."""
        if bits & ALL:
            self.steps.append({"rule": rule, "list": where, "ace": ace, "pass": name, "node": node,
                               "bits": hex_mask(bits & ALL), "granted": granted})

    def privilege(self, rule, name, bits):
        """Grant bits if the token has a privilege. Whether it granted any."""
        bits &= ~self.by_privilege
        if not bits or name not in self.token.privileges:
            return False
        self.by_privilege |= bits
        self.used.append(name)
        self.step(rule, bits, True)
        return True

    def decide(self):
        """Status and granted rights of each node."""
        early = self.prologue()
        if early:
            rule, bits, status = early
            self.step(rule, bits, status == SUCCESS)
            if status == INVALID and self.each:
                return []
            return [(status, bits if status == SUCCESS else 0)] * len(self.nodes)
        status = self.stages()
        return [self.result(n, status) for n in self.nodes]

    def result(self, n, status):
        """Status and granted rights of a node. A denied one still has the requested rights that it got (A-85)."""
        total = n.held | self.by_privilege | self.previous
        if status != SUCCESS:
            return status, 0
        if self.asked & ~total or self.max and not total:
            return DENIED, self.asked & total
        return SUCCESS, total if self.max else self.asked | self.previous

    def prologue(self):
        """Rule, rights and status of a request that needs no list of the descriptor. None: the check goes on."""
        level = ["", "Anonymous", "Identification", "Impersonation", "Delegation"].index(self.c["level"])
        asks_nothing = not self.asked and not self.max
        if self.each and not (self.valid and self.typed):
            return "A-25", self.asked, INVALID
        if self.c["kernelMode"]:
            return "A-31", self.asked | self.previous | (self.mapping[3] if self.max else 0), SUCCESS
        if self.none:
            return "A-32", self.asked, DENIED
        if level in (1, 2):
            return "A-30", self.asked, WRONG_LEVEL
        if asks_nothing and self.previous:
            return "A-35", self.previous, SUCCESS
        if asks_nothing:
            return "A-33", 0, DENIED
        if not self.valid:
            return "A-25", self.asked, INVALID
        return None

    def stages(self):
        """The stages (A-40 to A-103). The status of the object as a whole, before each node's rights are compared."""
        need = self.asked & ~self.previous
        self.step("A-35", self.asked & self.previous, True)
        intended = ALL & ~self.previous if self.max else need
        if self.c["backup"]:
            self.privilege("A-54", "SeBackupPrivilege", intended & BACKUP)
        if self.c["restore"]:
            self.privilege("A-54", "SeRestorePrivilege", intended & RESTORE)
        bit = need & SYSTEM_SECURITY & ~self.by_privilege
        if bit and not self.privilege("A-50", "SeSecurityPrivilege", bit):
            self.used = []
            self.step("A-50", bit, False)
            return PRIVILEGE_NOT_HELD
        ceiling = self.ceiling(need)
        self.by_privilege &= ceiling
        if self.strict and need & ~ceiling:
            return DENIED
        bit = need & WRITE_OWNER & ceiling
        if not self.privilege("A-51", "SeTakeOwnershipPrivilege", bit):
            self.privilege("A-51", "SeRelabelPrivilege", bit)
        possible = (GRANTABLE if self.max else need & ~self.by_privilege) & ceiling
        for n in self.nodes:
            n.held = possible
        self.grant_owner(possible)
        return SUCCESS if self.read(self.dacl, "DACL", False, 0) and self.policy() else DENIED

    def grant_owner(self, possible):
        """Grant the owner READ_CONTROL and WRITE_DAC without an entry (A-56). An OWNER RIGHTS entry ends that, and so
        does a restricted token without the owner among its restricting SIDs."""
        rights = READ_CONTROL | WRITE_DAC
        if not possible & rights or ("", False, self.owner) not in self.token.members:
            return
        is_named = any(e.live and e.sid == OWNER_RIGHTS for e in self.dacl or [])
        if is_named or self.token.restricted and ("restricted", False, self.owner) not in self.token.members:
            self.step("A-56", rights, False)
            return
        self.own = possible & (READ_CONTROL if self.c["adOwnerReadOnly"] else rights)
        self.step("A-56", self.own, True)

    def first(self, kind):
        """Index and entry of the first live entry of a kind in the SACL, or -1 and None."""
        return next(((i, e) for i, e in enumerate(self.sacl) if e.kind == kind and e.live), (-1, None))

    def ceiling(self, need):
        """The rights that the trust label, access filters and the integrity level permit (A-60 to A-65)."""
        trust, left = self.token.trust, ALL
        limits = []  # rule, rights, list, index
        i, e = self.first(TRUST_LABEL)
        if e:
            is_valid = e.sid[0] == 19 and len(e.sid) == 3
            if not (is_valid and trust[1] >= e.sid[1] and trust[2] >= e.sid[2]):
                limits.append(("A-64", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i))
        for i, e in enumerate(self.sacl):
            if e.kind == ACCESS_FILTER and e.live and Condition(self, e.data).holds() != 1:
                limits.append(("A-65", self.mapped(e.mask) | SYSTEM_SECURITY, "SACL", i))
        limits += self.integrity()
        interest = need | (self.mapping[3] if self.max else 0)
        for rule, rights, where, at in limits:
            self.step(rule, interest & ~rights, False, where, at)
            left &= rights
        return left

    def integrity(self):
        """A list with the limit of the integrity label, in the form of ceiling, empty without one (A-60 to A-63). The
        default label is medium integrity and no-write-up. SeRelabelPrivilege keeps WRITE_OWNER."""
        medium, no_write_up = 0x2000, 1
        level, policy, where, at = medium, no_write_up, "", -1
        i, e = self.first(INTEGRITY_LABEL)
        if e and e.sid[0] == 16 and len(e.sid) > 1:
            level, policy, where, at = e.sid[-1], e.mask & 7, "SACL", i
        is_lower = self.token.level < level and (not self.token.package or level > medium)
        if not self.token.no_write_up or not is_lower or not policy:
            return []
        read, write, execute, everything = self.mapping
        rights = read | execute | SYNCHRONIZE | READ_CONTROL
        if not policy & no_write_up:
            rights |= everything | SYSTEM_SECURITY
        forbidden = permitted = 0  # a right that is in a class of each stays
        classes = (write | DELETE | WRITE_DAC | WRITE_OWNER | SYSTEM_SECURITY, read | READ_CONTROL,
                   execute & ~read | SYNCHRONIZE)
        for i, bits in enumerate(classes):
            if policy >> i & 1:
                forbidden |= bits
            else:
                permitted |= bits
        rights &= ~(forbidden & ~permitted)
        if "SeRelabelPrivilege" in self.token.privileges:
            rights |= WRITE_OWNER
        return [("A-62", rights, where, at)]

    def policy(self):
        """Reduce the held rights by the central access rules that apply (A-100, A-101)."""
        _, e = self.first(POLICY_ID)
        policies = self.c["policies"]
        if not e or not policies:
            return True
        rules = next((r for text, r in policies.items() if text and sid(text) == e.sid), policies[""])
        for name, condition, descriptor in rules:
            if condition and Condition(self, unhex(condition)).holds() != 1:
                continue
            dacl = read_descriptor(unhex(descriptor))[2]
            if not self.read(dacl, name, True, self.own):
                return False
        return True

    def clip(self, rights):
        for n in self.nodes:
            n.held &= rights

    def read(self, dacl, where, rule, exempt):
        """Reduce the held rights to those that a list grants to each side of the token, the package's except exempt.
        False: a right is missing, which ends the check."""
        if dacl is None:
            return self.read_none(rule, exempt)
        limit = ALL & ~self.own
        if not self.narrow(dacl, where, rule, "", limit):
            return False
        if self.token.restricted:
            restrictable = ALL
            if self.token.write_restricted:
                read, write, execute, _ = self.mapping
                restrictable = DELETE | WRITE_DAC | WRITE_OWNER | write & ~(read | execute)
            if not self.narrow(dacl, where, rule, "restricted", limit & restrictable):
                return False
        return not self.token.package or self.narrow(dacl, where, rule, "package", ALL & ~exempt)

    def read_none(self, rule, exempt):
        """As read, for a missing DACL: it grants everything to the user (A-42) and nothing to a package (A-96)."""
        if self.max:
            self.clip(self.own | self.mapping[3] & GRANTABLE | self.asked)
        held = self.nodes[0].held
        if not rule:
            self.step("A-42", held & ~self.own, True)
        if self.token.package:
            self.step("A-96", held & ~exempt, False)
            self.clip(exempt)
        return self.nodes[0].held == held or not self.strict

    def rules_of(self, dacl, rule, name):
        """The rules of a pass: of an entry that allows, of one that denies, and of rights that no entry grants."""
        if name == "restricted":
            allow, deny, missing = "A-90", "A-92", "A-90"
        elif name == "package":
            allow, deny, missing = "A-94", "A-94", "A-95"
        elif self.typed:
            allow, deny, missing = "A-82", "A-83", "A-40"
        else:
            allow, deny, missing = "A-70", "A-70" if self.strict else "A-41", "A-40"
        if not name and not dacl:
            missing = "A-43"
        return allow, deny, "A-101" if rule else missing

    def narrow(self, dacl, where, rule, name, limit):
        """One pass over a list, for one side of the token. Rights outside of limit stay. False: it ends the check."""
        before = self.nodes[0].held
        for n in self.nodes:
            if not self.each:
                n.held = before
            n.open, n.got = n.held & limit, 0
        allow, deny, missing = self.rules_of(dacl, rule, name)
        is_denied = self.walk(dacl, where, name, allow, deny)
        for n in self.nodes:
            n.held = n.held & ~limit | n.got
        interest = self.asked | (self.mapped(GENERIC_ALL) & ~MAXIMUM if self.max else 0)
        if not (is_denied and self.strict):  # then the entry that denied has a step of its own
            for i, n in enumerate(self.nodes if self.each else self.nodes[:1]):
                self.step(missing, n.open & interest, False, name=name, node=i)
        return self.nodes[0].held == before or not self.strict

    def walk(self, dacl, where, name, allow, deny):
        """Apply the entries of a list: the first one that applies and has a right decides it (A-70). Whether an entry
        denied a right."""
        is_denied = False
        for i, e in enumerate(dacl):
            undecided = 0
            for n in self.nodes:
                undecided |= n.open
            at, bits = self.target(e), self.mapped(e.mask) & undecided
            if not bits or at < 0 or not self.applies(e, name):
                continue
            root = self.nodes[0].open
            changed = self.spread(at, bits, e.deny)
            if not e.deny:
                self.step(allow, bits, True, where, i, name, at)
                continue
            if not self.strict or self.nodes[0].open != root:  # otherwise the node already has the bits
                self.step(deny, bits, False, where, i, name, at)
                is_denied = True
            if changed and self.strict:
                break
        return is_denied

    def target(self, e):
        """Index of the node that an entry is about, or -1 (A-80, A-81)."""
        if not e.guid or e.deny and not self.typed:
            return 0
        return next((i for i, n in enumerate(self.nodes) if n.guid == e.guid), -1)

    def end(self, i):
        """One past the subtree of a node."""
        behind = range(i + 1, len(self.nodes))
        return next((j for j in behind if self.nodes[j].level <= self.nodes[i].level), len(self.nodes))

    def spread(self, at, bits, deny):
        """Grant or deny at a node and below it. An ancestor is granted a right if all its children are, and denied it
        if one is (A-82 to A-85). The rights of the subtree that were undecided before."""
        denied_above, changed = bits & ~self.nodes[at].got, 0
        for i in range(self.end(at) - 1, -1, -1):  # children before their parents
            n, decided = self.nodes[i], bits
            if i < at:
                if self.end(i) <= at:
                    continue  # no ancestor
                decided = denied_above if deny else self.of_all_children(i)
            decided &= n.open
            n.open &= ~decided
            if not deny:
                n.got |= decided
            if i >= at:
                changed |= decided
        return changed

    def of_all_children(self, i):
        """The rights that all children of a node were granted."""
        bits, child = ALL, i + 1
        while child < self.end(i):
            bits &= self.nodes[child].got
            child = self.end(child)
        return bits

    def applies(self, e, name):
        """Whether an entry matches the token in a pass and its condition holds (A-70). A compound one has two SIDs."""
        if not e.acts:
            return False
        client = read_sid(e.data) if e.kind == COMPOUND_ALLOW else e.sid
        if not self.member(self.token, name, client, e.deny):
            return False
        if e.kind == COMPOUND_ALLOW:
            return self.member(self.primary, "", e.sid, False)
        if e.kind < FIRST_CALLBACK:
            return True
        if self.c["claimsDisabled"]:
            return False
        # A condition that is unknown denies, and does not allow.
        return Condition(self, e.data, e.deny, name).holds() >= (0 if e.deny else 1)

    def member(self, token, name, s, deny):
        """Whether a SID is on a side of a token, for entries that deny or allow (A-1 to A-4). A package has no SID that
        the user's side has (A-94)."""
        if s == PRINCIPAL_SELF and self.self:
            s = self.self
        elif s == OWNER_RIGHTS:
            s = self.owner
        if name == "package" and not deny and ("", False, s) in token.members:
            return False
        return (name, deny, s) in token.members


def dense(value):
    """JSON on one line without blanks, with sorted keys."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def certificate(c, descriptor, token):
    """The certificate of the request in c, decided again."""
    q = Query(c, descriptor, token)
    results = q.decide()
    status, granted = results[0] if results else (INVALID, 0)
    want = {key: c[key] for key in QUESTION}
    want["descriptor"], want["token"] = sha256(descriptor), sha256(token)
    want["status"] = status
    want["granted"] = hex_mask(granted if status == SUCCESS else 0)
    want["steps"], want["privileges"] = q.steps, sorted(q.used)
    want["results"] = ["%s %s" % (s, hex_mask(g)) for s, g in results] if q.each else []
    want["digest"] = sha256(dense(want).encode())
    return want


def check_form(cert):
    """Refuse the certificate of another release. It may have other fields, so it is not parsed."""
    text = cert if isinstance(cert, str) else cert.decode("utf-8", "replace")
    said = re.search(r'"certificate"\s*:\s*"(refmon access certificate [0-9]{1,9})"', text)
    if said:
        check(said[1] == FORM, "the form is %s, this program knows %s: use the release that wrote it", said[1], FORM)


def verify(cert, descriptor, token):
    """A line with the outcome of a true certificate. Refused: it is false, altered or malformed."""
    try:
        check_form(cert)
        c = read_json(cert, CERTIFICATE)
        check(c["certificate"] == FORM, "the form is %r, this program knows %r", c["certificate"], FORM)
        want = certificate(c, descriptor, token)
        for key in want:
            says, gives = dense(c.get(key)), dense(want[key])
            check(says == gives, "%s is %s, and the inputs give %s", key, says, gives)
    except Refused:
        raise
    except MALFORMED as e:
        raise Refused("an input is malformed: %r" % e) from e
    return "%s granted %s in %d steps" % (want["status"], want["granted"], len(want["steps"]))


def read_file(name):
    """The bytes of a file. OSError: it cannot be read, or is too large or without an end."""
    with open(name, "rb") as file:
        b = file.read(MAX_FILE + 1)
    if len(b) > MAX_FILE:
        raise OSError("%s is larger than %d bytes" % (name, MAX_FILE))
    return b


def one_line(text):
    """A text from a file without characters that end a line or control a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def main(args):
    if args[:1] == ["audit"]:
        import verify_audit
        return verify_audit.main(args[1:])
    if len(args) != 3:
        print(__doc__)
        return 2
    try:
        cert, descriptor, token = [read_file(name) for name in args]
        if re.fullmatch(rb"\s*([0-9a-fA-F]{2})*\s*", descriptor):
            descriptor = bytes.fromhex(descriptor.decode())
        print("verified:", one_line(verify(cert, descriptor, token)))
        return 0
    except Refused as e:
        print("refused:", one_line(str(e)))
        return 1
    except OSError as e:
        print("verify.py:", e)
        return 2


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except OSError as e:  # the output was lost
        sys.stdout, code = None, 2
        print("verify.py:", e, file=sys.stderr)
    sys.exit(code)
