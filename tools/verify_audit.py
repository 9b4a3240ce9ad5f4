#!/usr/bin/env python3
"""Check a proof of refmon audit prove: of a record, or that a log continues an older checkpoint.

    verify.py audit KEY.pub PROOF [OLD-CHECKPOINT]

It needs only Python 3.8, because it implements Ed25519 (RFC 8032) itself. Exit code: 0 true; 1 false, altered or of
another form; 2 unreadable file, lost output or wrong usage.
"""
import base64, binascii, hashlib, sys

class Refused(Exception): """The proof is false or was altered, or an input is malformed."""

def check(ok, why, *args):
    if not ok: raise Refused(why % args if args else why)

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, I = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)

def recover(y, sign):
    """The x coordinate of the point with y and the sign bit of x. None: there is no such point."""
    if y >= P: return None
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx: x = x * I % P
    if x * x % P != xx or (x == 0 and sign): return None
    return P - x if x & 1 != sign else x

def add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, a):
    out = (0, 1, 1, 0)
    while n:
        if n & 1: out = add(out, a)
        a, n = add(a, a), n >> 1
    return out

def point(b):
    y = int.from_bytes(b, "little")
    x = recover(y & (2**255 - 1), y >> 255)
    return None if x is None else (x, y & (2**255 - 1), 1, x * (y & (2**255 - 1)) % P)

def equal(a, b): return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0

BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (recover(BASE_Y, 0), BASE_Y, 1, recover(BASE_Y, 0) * BASE_Y % P)

def ed25519(public, message, signature):
    """Whether the key signed the message (RFC 8032, section 5.1.7). False for malformed keys and signatures."""
    if len(signature) != 64: return False
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L: return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return equal(times(s, BASE), add(r, times(k, a)))

def decode(text):
    try: b = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError): b = None
    check(b is not None and base64.b64encode(b).decode() == text, "%.40r is not base64", text)
    return b

def number(text):
    check(text.isascii() and text.isdigit() and str(int(text)) == text and int(text) < 2**63, "%.40r is not a number", text)
    return int(text)

def hashes(lines):
    out = [decode(line) for line in lines]
    check(all(len(h) == 32 for h in out), "a line of the proof is not a hash")
    return out

def node(*parts): return hashlib.sha256(b"".join(parts)).digest()

def signed_by(text, signatures, key):
    part = key.split("+", 2)
    check(len(part) == 3, "the public key is not of the form name+id+base64")
    public = decode(part[2])
    check(len(public) == 33 and public[0] == 1, "the public key is not an Ed25519 key")
    ident = hashlib.sha256(part[0].encode() + b"\n" + public).digest()[:4]
    check(ident.hex() == part[1], "the id in the public key is another one than its own")
    good = False
    for line in (signatures[:-1] if signatures.endswith("\n") else signatures).split("\n"):
        word = line.split(" ")
        check(len(word) == 3 and word[0] == "\u2014", "a line behind the checkpoint is not a signature")
        sig = decode(word[2])
        if word[1] != part[0] or sig[:4] != ident: continue
        check(ed25519(public[1:], text.encode(), sig[4:]), "the signature of %s is wrong", part[0])
        good = True
    return good

def open_checkpoint(signed, key):
    """The origin, size and root of a signed checkpoint. key has one public key a line. One of them must have signed,
    and no signature of a listed key may be wrong. Refused: it is not signed, or malformed."""
    text, blank, signatures = signed.partition("\n\n")
    check(blank, "the checkpoint has no signature")
    text += "\n"
    check(any([signed_by(text, signatures, line.strip()) for line in key.strip().split("\n")]), "the checkpoint is not signed by the key")
    lines = text.split("\n")
    check(len(lines) == 4, "the checkpoint has other lines than origin, size and root")
    size, root = number(lines[1]), decode(lines[2])
    check(len(root) == 32, "the root is not a hash")
    return lines[0], size, root

def included(r, index, size, path):
    """The root hash for a leaf hash and its path (RFC 9162, section 2.1.3.2). Refused: the path has a wrong length."""
    fn, sn = index, size - 1
    for p in path:
        check(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            r = node(b"\1", p, r)
            while not fn & 1 and fn: fn, sn = fn >> 1, sn >> 1
        else:
            r = node(b"\1", r, p)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "the proof is too short")
    return r

def consistent(old, root, new, now, path):
    """Raise Refused unless the tree of size new continues that of size old (RFC 9162, section 2.1.4.2)."""
    check(old <= new, "the old checkpoint has more records")
    if old in (0, new):
        same = root == (hashlib.sha256().digest() if old == 0 else now)
        return check(same and not path, "the roots of %d records differ", old)
    if old & (old - 1) == 0: path = [root] + path
    check(path, "the proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1: fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        check(sn > 0, "the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(b"\1", c, fr), node(b"\1", c, sr)
            while not fn & 1 and fn: fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(b"\1", sr, c)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0 and fr == root and sr == now, "the log does not continue the old checkpoint")

def verify(key, proof, old):
    head, blank, signed = proof.partition("\n\n")
    check(blank, "the proof has no checkpoint")
    origin, size, root = open_checkpoint(signed, key)
    lines = head.split("\n")
    if old is not None:
        name, then, was = open_checkpoint(old, key)
        check(lines[0] == "old %d" % then, "the proof does not start from the old checkpoint, of %d records", then)
        check(name == origin, "the checkpoints are of two logs")
        consistent(then, was, size, root, hashes(lines[1:]))
        return "%s, %d records, continues the one of %d records" % (origin, size, then)
    check(lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) >= 3, "the proof is of another form")
    check(lines[1].startswith("extra "), "the proof has no record")
    check(lines[2].startswith("index "), "the proof has no index")
    payload, n = decode(lines[1][6:]), number(lines[2][6:])
    check(n < size, "record %d is behind the checkpoint", n + 1)
    check(included(node(b"\0", payload), n, size, hashes(lines[3:])) == root, "record %d is not in the tree of the checkpoint", n + 1)
    check(payload.startswith(b'{"id":%d,' % (n + 1)), "the record has another number than its place")
    return "%s, record %d of %d: %s" % (origin, n + 1, size, payload.decode("utf-8", "replace"))

def main(args):
    if len(args) not in (2, 3): return print(__doc__) or 2
    try:
        files = [open(name, "rb").read().decode() for name in args] + [None]
        print("verified:", verify(*files[:3]))
    except (Refused, UnicodeDecodeError) as e: return print("refused:", e) or 1
    except OSError as e: return print("verify.py:", e) or 2

if __name__ == "__main__":
    try: code = main(sys.argv[1:]); sys.stdout.flush()
    except OSError as e: sys.stdout, code = None, print("verify.py:", e, file=sys.stderr) or 2  # the output was lost
    sys.exit(code)
