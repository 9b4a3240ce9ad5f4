#!/usr/bin/env python3
"""Check a proof of refmon audit prove: of a record, or that a log continues an older checkpoint.

    verify.py audit KEY.pub PROOF [OLD-CHECKPOINT]

It needs only Python 3.8, because it implements Ed25519 (RFC 8032) itself. Exit code: 0 true; 1 false, altered or of
another form; 2 unreadable file, lost output or wrong usage.
"""
import base64
import binascii
import hashlib
import sys

MAX_FILE = 64 << 20  # bytes of the largest file, far above any proof


class Refused(Exception):
    """The proof is false or was altered, or an input is malformed."""


def check(ok, why, *args):
    if not ok:
        raise Refused(why % args if args else why)


# The curve of Ed25519 (RFC 8032, section 5.1): the prime of its field, the order of its base point, the constant of
# its equation, and a square root of -1.
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
ROOT_OF_MINUS_ONE = pow(2, (PRIME - 1) // 4, PRIME)


def recover_x(y, sign):
    """The x coordinate of the point with y and the sign bit of x (RFC 8032, section 5.1.3). None: there is no such
    point."""
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if x * x % PRIME != square:
        x = x * ROOT_OF_MINUS_ONE % PRIME
    if x * x % PRIME != square or (x == 0 and sign):
        return None
    return PRIME - x if x & 1 != sign else x


def add_points(a, b):
    """The sum of two points in extended coordinates X, Y, Z, T (RFC 8032, section 5.1.4)."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    p = (y1 - x1) * (y2 - x2) % PRIME
    q = (y1 + x1) * (y2 + x2) % PRIME
    r = 2 * t1 * t2 * D % PRIME
    s = 2 * z1 * z2 % PRIME
    e, f, g, h = q - p, s - r, s + r, q + p
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def multiply(n, a):
    """The point a, added n times."""
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add_points(total, a)
        a = add_points(a, a)
        n >>= 1
    return total


def decode_point(b):
    """The point of 32 bytes. None: there is no such point."""
    encoded = int.from_bytes(b, "little")
    y = encoded & (2**255 - 1)
    x = recover_x(y, encoded >> 255)
    return None if x is None else (x, y, 1, x * y % PRIME)


def equal_points(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % PRIME == 0 and (a[1] * b[2] - b[1] * a[2]) % PRIME == 0


BASE_Y = 4 * pow(5, PRIME - 2, PRIME) % PRIME
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % PRIME)


def has_signed(public, message, signature):
    """Whether the key signed the message (RFC 8032, section 5.1.7). False for malformed keys and signatures."""
    if len(signature) != 64:
        return False
    a = decode_point(public)
    r = decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(digest, "little") % ORDER
    return equal_points(multiply(s, BASE), add_points(r, multiply(k, a)))


def decode(text):
    """The bytes of a base64 text in its canonical form."""
    try:
        b = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        b = None
    check(b is not None and base64.b64encode(b).decode() == text, "%.40r is not base64", text)
    return b


def number(text):
    """The value of a decimal number without sign and leading zeros."""
    canonical = text.isascii() and text.isdigit() and len(text) < 20 and str(int(text)) == text
    check(canonical and int(text) < 2**63, "%.40r is not a number", text)
    return int(text)


def hashes(lines):
    found = [decode(line) for line in lines]
    check(all(len(h) == 32 for h in found), "a line of the proof is not a hash")
    return found


def node(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def signed_by(text, signatures, key):
    """Whether one of the signature lines is the key's. Refused: a signature of the key is wrong, or a line or the key
    is malformed."""
    part = key.split("+", 2)
    check(len(part) == 3, "the public key is not of the form name+id+base64")
    name, key_id, encoded = part
    public = decode(encoded)
    check(len(public) == 33 and public[0] == 1, "the public key is not an Ed25519 key")
    own_id = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    check(own_id.hex() == key_id, "the id in the public key is another one than its own")
    if signatures.endswith("\n"):
        signatures = signatures[:-1]
    good = False
    for line in signatures.split("\n"):
        word = line.split(" ")
        check(len(word) == 3 and word[0] == "\u2014", "a line behind the checkpoint is not a signature")
        signature = decode(word[2])
        if word[1] != name or signature[:4] != own_id:
            continue
        check(has_signed(public[1:], text.encode(), signature[4:]), "the signature of %s is wrong", name)
        good = True
    return good


def open_checkpoint(signed, key):
    """The origin, size and root of a signed checkpoint. key has one public key a line. One of them must have signed,
    and no signature of a listed key may be wrong. Refused: it is not signed, or malformed."""
    text, blank, signatures = signed.partition("\n\n")
    check(blank, "the checkpoint has no signature")
    text += "\n"
    results = [signed_by(text, signatures, line.strip()) for line in key.strip().split("\n")]
    check(any(results), "the checkpoint is not signed by the key")
    lines = text.split("\n")
    check(len(lines) == 4, "the checkpoint has other lines than origin, size and root")
    size, root = number(lines[1]), decode(lines[2])
    check(len(root) == 32, "the root is not a hash")
    return lines[0], size, root


def climb_left(fn, sn):
    """Both positions, moved up while fn is a left child (RFC 9162, section 2.1.3.2)."""
    while fn and not fn & 1:
        fn >>= 1
        sn >>= 1
    return fn, sn


def root_of(leaf, index, size, path):
    """The root hash for a leaf hash and its path (RFC 9162, section 2.1.3.2). Refused: the path has a wrong length."""
    r, fn, sn = leaf, index, size - 1
    for p in path:
        check(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = node(b"\1", p, r)
            fn, sn = climb_left(fn, sn)
        else:
            r = node(b"\1", r, p)
        fn >>= 1
        sn >>= 1
    check(sn == 0, "the proof is too short")
    return r


def check_consistency(old, root, new, now, path):
    """Raise Refused unless the tree of size new continues that of size old (RFC 9162, section 2.1.4.2). root and now
    are the roots of the two."""
    check(old <= new, "the old checkpoint has more records")
    if old in (0, new):
        expected = hashlib.sha256().digest() if old == 0 else now
        check(root == expected and not path, "the roots of %d records differ", old)
        return
    if old & (old - 1) == 0:
        path = [root] + path
    check(path, "the proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn >>= 1
        sn >>= 1
    fr = sr = path[0]
    for c in path[1:]:
        check(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            fr = node(b"\1", c, fr)
            sr = node(b"\1", c, sr)
            fn, sn = climb_left(fn, sn)
        else:
            sr = node(b"\1", sr, c)
        fn >>= 1
        sn >>= 1
    check(sn == 0 and fr == root and sr == now, "the log does not continue the old checkpoint")


def verify(key, proof, old):
    """Check a proof with the public keys, and return what it proves. If old is None, the proof is of one record."""
    head, blank, signed = proof.partition("\n\n")
    check(blank, "the proof has no checkpoint")
    origin, size, root = open_checkpoint(signed, key)
    lines = head.split("\n")
    if old is not None:
        name, then, was = open_checkpoint(old, key)
        check(lines[0] == "old %d" % then, "the proof does not start from the old checkpoint, of %d records", then)
        check(name == origin, "the checkpoints are of two logs")
        check_consistency(then, was, size, root, hashes(lines[1:]))
        return "%s, %d records, continues the one of %d records" % (origin, size, then)
    check(lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 3, "the proof is of another form")
    check(lines[1].startswith("extra "), "the proof has no record")
    check(lines[2].startswith("index "), "the proof has no index")
    payload = decode(lines[1][len("extra "):])
    index = number(lines[2][len("index "):])
    record = index + 1
    check(index < size, "record %d is behind the checkpoint", record)
    computed = root_of(node(b"\0", payload), index, size, hashes(lines[3:]))
    check(computed == root, "record %d is not in the tree of the checkpoint", record)
    check(payload.startswith(b'{"id":%d,' % record), "the record has another number than its place")
    return "%s, record %d of %d: %s" % (origin, record, size, payload.decode("utf-8", "replace"))


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
    if len(args) not in (2, 3):
        print(__doc__)
        return 2
    try:
        files = [read_file(name).decode() for name in args]
        key, proof = files[:2]
        old = files[2] if len(files) == 3 else None
        print("verified:", one_line(verify(key, proof, old)))
        return 0
    except (Refused, UnicodeDecodeError) as e:
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
