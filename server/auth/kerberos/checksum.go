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

// Bindings identify the channel that a token came through. For TLS they are "tls-server-end-point:"
// and the hash of the server's certificate (RFC 5929).
type Bindings []byte

// digest returns the form of the channel bindings in an authenticator: an MD5 hash without addresses (RFC 4121
// 4.1.1.2).
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

// delegationOption is DlgOpt, the number before a forwarded credential.
const delegationOption = 1

// gssChecksum is the type of the checksum field that has GSS flags and bindings.
const gssChecksum = 0x8003

// request has what a client asks for in the checksum of its authenticator: flags, channel bindings and a forwarded
// credential.
type request struct {
	bindings   [16]byte
	flags      uint32
	credential []byte // an encoded KRB-CRED; nil without one
}

// readChecksum parses the checksum field of an authenticator. An absent field means no flags and no bindings (K-44).
// A checksum that is not of GSS, and DCE style, are errors. A malformed credential is ignored. The credential shares
// c's memory.
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
		return request{}, errors.New("the client requests the three-step exchange of DCE, which is not supported")
	}
	if r.flags&flagDelegate != 0 && len(b) >= 28 && binary.LittleEndian.Uint16(b[24:]) == delegationOption {
		if rest, n := b[28:], int(binary.LittleEndian.Uint16(b[26:])); n <= len(rest) {
			r.credential = rest[:n]
		}
	}
	return r, nil
}

// level returns the impersonation level that the client allows: identification, impersonation or
// delegation. It calls forwarded only if the client requests delegation; forwarded reports whether
// the client has forwarded a credential.
func (r *request) level(forwarded func() bool) winnt.SecurityImpersonationLevel {
	switch {
	case r.flags&flagIdentify != 0:
		return winnt.SecurityIdentification
	case r.flags&flagDelegate != 0 && forwarded():
		// Without a forwarded ticket the service cannot act elsewhere (K-45).
		return winnt.SecurityDelegation
	}
	return winnt.SecurityImpersonation
}

var errBindings = fault{ntstatus.BadBindings, errors.New("the token was made for another channel, or for none")}

// checkBindings returns an error if a token was made for another channel than b, or has no binding where one is needed.
// aware says that the client supports bindings. Without b, a token's binding is ignored unless required is set. Every
// refusal is errBindings.
func (r *request) checkBindings(b Bindings, required, aware bool) error {
	none := r.bindings == [16]byte{}
	switch {
	case none && (required || aware && len(b) > 0):
		// Reject a token without bindings if they are required, or if the client supports them
		// (K-46).
		return errBindings
	case none:
		return nil
	case len(b) == 0 && required:
		return errBindings // a binding is required, and this server has none to compare with
	case len(b) == 0:
		// A server that passes no channel has nothing to compare the binding with, so it is ignored
		// (K-46).
		return nil
	}
	want := b.digest()
	if subtle.ConstantTimeCompare(want[:], r.bindings[:]) != 1 {
		// The token was captured from another channel (K-46).
		return errBindings
	}
	return nil
}
