package kerberos

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/binary"
	"errors"

	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// Bindings name the channel that a token came through, as both ends know it. For TLS
// that is "tls-server-end-point:" and the hash of the server's certificate (RFC 5929).
type Bindings []byte

// digest returns what an authenticator has of bindings (RFC 4121 4.1.1.2): no addresses,
// then the data.
func (b Bindings) digest() [16]byte {
	head := make([]byte, 20, 20+len(b))
	binary.LittleEndian.PutUint32(head[16:], uint32(len(b)))
	return md5.Sum(append(head, b...))
}

// Flags of the authenticator's checksum.
const (
	flagDelegate = 1
	flagMutual   = 2
	flagDCE      = 0x1000
	flagIdentify = 0x2000
)

// gssChecksum is the type of checksum in which GSS puts flags and bindings.
const gssChecksum = 0x8003

// request has what the authenticator asks for.
type request struct {
	bindings [16]byte
	flags    uint32
}

// readChecksum reads the checksum field of an authenticator; without one there are
// no flags and no bindings. K-44
func readChecksum(c types.Checksum) (request, error) {
	if c.CksumType == 0 && len(c.Checksum) == 0 {
		return request{}, nil
	}
	b := c.Checksum
	if c.CksumType != gssChecksum || len(b) < 24 || binary.LittleEndian.Uint32(b) != 16 {
		return request{}, errors.New("the authenticator's checksum is not that of GSS")
	}
	var r request
	copy(r.bindings[:], b[4:])
	r.flags = binary.LittleEndian.Uint32(b[20:])
	if r.flags&flagDCE != 0 {
		return request{}, errors.New("the client asks for the three steps of DCE, which are not taken")
	}
	return r, nil
}

// level returns what the client lets a service do in its name: to identify it, to act
// as it here, or elsewhere too. K-45
func (r *request) level() winnt.SecurityImpersonationLevel {
	switch {
	case r.flags&flagIdentify != 0:
		return winnt.SecurityIdentification
	case r.flags&flagDelegate != 0:
		return winnt.SecurityDelegation
	}
	return winnt.SecurityImpersonation
}

var errBindings = fault{ntstatus.BadBindings, errors.New("the token was made for another channel, or for none")}

// bound refuses a token that was made for another channel than the one it came
// through. aware says that the client knows bindings.
func (r *request) bound(b Bindings, required, aware bool) error {
	none := r.bindings == [16]byte{}
	switch {
	case none && (required || aware && len(b) > 0):
		// A token without a binding is refused where one is required, and from a client that knows them. K-46
		return errBindings
	case none:
		return nil
	case len(b) == 0 && required:
		return errBindings // there is nothing to compare it with
	case len(b) == 0:
		return nil
	}
	want := b.digest()
	if subtle.ConstantTimeCompare(want[:], r.bindings[:]) != 1 {
		// A token that was made for another channel was taken from it. K-46
		return errBindings
	}
	return nil
}
