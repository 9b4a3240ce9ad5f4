package kerberos

import (
	"errors"
	"fmt"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/crypto/etype"
	"github.com/jcmturner/gokrb5/v8/iana/etypeID"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Limits of input for the Kerberos library. The library is unmaintained, so isBoundedDER validates its input first.
const (
	maxNesting  = 16   // levels of DER; a KDC-REP has nine
	maxElements = 2048 // elements of DER in one message; a ticket with its authenticator has about 60
)

// decoder is a message type of the Kerberos library that can decode itself.
type decoder interface{ Unmarshal([]byte) error }

var errDER = errors.New("kerberos: this is not DER, or longer, deeper or with more elements than any message")

// decode decodes b with the library into v after checking that b is DER within the limits. A panic
// of the library becomes an error, because b is untrusted (K-88).
func decode(v decoder, b []byte) error {
	if !isBoundedDER(b) {
		return errDER
	}
	return recoverPanic(func() error { return v.Unmarshal(b) })
}

// recoverPanic protects the daemon from a panic of the Kerberos library on untrusted bytes: it calls f and converts a
// panic to an error. Otherwise it returns the error of f.
func recoverPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kerberos: the library panicked: %.100v", p)
		}
	}()
	return f()
}

// unseal decrypts data with the key k for a key usage of RFC 4120, and converts a panic of the library to an error.
// Callers must have checked the lengths (K-88). An error returns no bytes.
func unseal(d types.EncryptedData, k types.EncryptionKey, usage uint32) (b []byte, err error) {
	err = recoverPanic(func() error {
		b, err = crypto.DecryptEncPart(d, k, usage)
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, nil
}

// isBoundedDER reports whether untrusted bytes are safe to give to the Kerberos library: one DER element, optionally
// followed by zero bytes, within the limits of length, nesting and number of elements. Lengths must be definite (K-88).
func isBoundedDER(b []byte) bool {
	if len(b) > MaxBlob {
		return false
	}
	left := maxElements
	rest, ok := element(b, maxNesting, &left)
	if !ok {
		return false
	}
	for _, c := range rest {
		if c != 0 { // zero bytes are the padding of a block cipher
			return false
		}
	}
	return true
}

// element checks the DER encoding of the first element of b and of the elements inside. rest has the bytes after it.
// left is the number of elements still allowed, depth that of levels. ok is false beyond a limit, and for multi-byte
// tags, indefinite lengths and lengths over 4 bytes.
func element(b []byte, depth int, left *int) (rest []byte, ok bool) {
	if *left--; *left < 0 || depth == 0 || len(b) < 2 || b[0]&0x1f == 0x1f {
		return nil, false // Kerberos has no multi-byte tags
	}
	constructed, n, at := b[0]&0x20 != 0, int(b[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size == 0 || size > 4 || len(b) < 2+size {
			return nil, false
		}
		n = 0
		for _, c := range b[2 : 2+size] {
			n = n<<8 | int(c)
		}
		at += size
	}
	if n > len(b)-at {
		return nil, false
	}
	body, rest := b[at:at+n], b[at+n:]
	for constructed && len(body) > 0 {
		if body, ok = element(body, depth-1, left); !ok {
			return nil, false
		}
	}
	return rest, true
}

// keySize returns the key size of an encryption type. Type 20 has 32 bytes (RFC 8009 3), but the
// library returns 24.
func keySize(e etype.EType) int {
	if e.GetETypeID() == etypeID.AES256_CTS_HMAC_SHA384_192 {
		return 32
	}
	return e.GetKeyByteSize()
}
