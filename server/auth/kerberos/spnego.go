package kerberos

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/refmon/refmon/ntstatus"
)

// MaxBlob is the size limit of a client's token, in bytes.
const MaxBlob = 512 << 10

// maxMechanisms limits the mechanisms that a client offers.
const maxMechanisms = 32

// Object identifiers of mechanisms, in DER without tag and length.
var (
	oidSPNEGO     = []byte{0x2b, 6, 1, 5, 5, 2}
	oidKerberos   = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2}
	oidMSKerberos = []byte{0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2}
	oidNTLM       = []byte{0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10}
)

// Errors of the outer token.
var (
	errNTLM = fault{ntstatus.NTLMBlocked,
		errors.New("the client offers NTLM, and only Kerberos is taken: it has no ticket for this service")}
	errNotFirst = errors.New("Kerberos is not the mechanism that the client prefers")
	errNoToken  = errors.New("the client's offer has no Kerberos token")
	errOuter    = fault{ntstatus.InvalidParameter, errors.New("this is not a token of SPNEGO or Kerberos")}
)

// negotiation is a client's first token without its SPNEGO wrapping: the Kerberos part, and the properties of the
// wrapping that a reply needs.
type negotiation struct {
	spnego bool
	mech   []byte // the first mechanism offered
	apReq  []byte // the AP-REQ in DER
}

const (
	frameTag   = asn1.Tag(0x60) // [APPLICATION 0]
	initTag    = asn1.Tag(0xa0)
	respTag    = asn1.Tag(0xa1)
	explicit0  = asn1.Tag(0xa0)
	explicit1  = asn1.Tag(0xa1)
	explicit2  = asn1.Tag(0xa2)
	tokAPReq   = 0x0100
	tokAPRep   = 0x0200
	ntlmPrefix = "NTLMSSP\x00"
)

// parseOuter parses a client's first token: Kerberos inside SPNEGO, or Kerberos alone (K-35). A token over MaxBlob is
// an error. A token of NTLM is errNTLM. Malformed input, and another mechanism, are errors.
func parseOuter(blob []byte) (negotiation, error) {
	if len(blob) > MaxBlob {
		return negotiation{}, errOuter
	}
	if bytes.HasPrefix(blob, []byte(ntlmPrefix)) {
		// NTLM is not accepted and has an error of its own (K-36).
		return negotiation{}, errNTLM
	}
	oid, body, ok := frame(blob)
	switch {
	case !ok:
		return negotiation{}, errOuter
	case bytes.Equal(oid, oidSPNEGO):
		return parseInit(body)
	}
	ap, err := kerberosToken(blob)
	return negotiation{mech: oidKerberos, apReq: ap}, err
}

// frame parses the GSS-API frame of a first token and returns the mechanism's object identifier and the rest. ok is
// false for a malformed frame, and for bytes after it.
func frame(b []byte) (oid, body []byte, ok bool) {
	s := cryptobyte.String(b)
	var in, o cryptobyte.String
	if !s.ReadASN1(&in, frameTag) || !s.Empty() || !in.ReadASN1(&o, asn1.OBJECT_IDENTIFIER) {
		return nil, nil, false
	}
	return o, in, true
}

// parseInit parses a NegTokenInit, which must have mechanisms and a token (K-35). Fields after the token are not
// read. Errors:
//   - errNTLM: the token is of NTLM
//   - errNoToken: there is no token
//   - errOuter: other malformed input
//   - a token that Kerberos does not accept: spnego and mech are set
func parseInit(b []byte) (negotiation, error) {
	s := cryptobyte.String(b)
	var choice, seq, types, list, token cryptobyte.String
	var hasTypes, hasToken bool
	if !s.ReadASN1(&choice, initTag) || !s.Empty() || !choice.ReadASN1(&seq, asn1.SEQUENCE) || !choice.Empty() ||
		!seq.ReadOptionalASN1(&types, &hasTypes, explicit0) || !seq.SkipOptionalASN1(explicit1) ||
		!seq.ReadOptionalASN1(&token, &hasToken, explicit2) {
		return negotiation{}, errOuter
	}
	if !hasTypes || !types.ReadASN1(&list, asn1.SEQUENCE) || !types.Empty() {
		return negotiation{}, errOuter
	}
	first, err := firstMechanism(list)
	if err != nil {
		return negotiation{}, err
	}
	var octets cryptobyte.String
	if !hasToken {
		return negotiation{}, errNoToken
	}
	if !token.ReadASN1(&octets, asn1.OCTET_STRING) || !token.Empty() {
		return negotiation{}, errOuter
	}
	if bytes.HasPrefix(octets, []byte(ntlmPrefix)) {
		return negotiation{}, errNTLM
	}
	ap, err := kerberosToken(octets)
	return negotiation{spnego: true, mech: first, apReq: ap}, err
}

// firstMechanism returns the first mechanism in list, which must be Kerberos under either identifier (K-35). Errors:
//   - errNotFirst: Kerberos comes later
//   - errNTLM: the list has NTLM but not Kerberos
//   - errOuter: neither is in the list, an identifier is malformed, or there are more than maxMechanisms
func firstMechanism(list cryptobyte.String) ([]byte, error) {
	var first, oid cryptobyte.String
	kerberos, ntlm := false, false
	for n := 0; !list.Empty(); n++ {
		if n == maxMechanisms || !list.ReadASN1(&oid, asn1.OBJECT_IDENTIFIER) {
			return nil, errOuter
		}
		if n == 0 {
			first = oid
		}
		kerberos = kerberos || bytes.Equal(oid, oidKerberos) || bytes.Equal(oid, oidMSKerberos)
		ntlm = ntlm || bytes.Equal(oid, oidNTLM)
	}
	switch {
	case bytes.Equal(first, oidKerberos), bytes.Equal(first, oidMSKerberos):
		return first, nil
	case kerberos:
		return nil, errNotFirst
	case ntlm:
		// A client without a ticket offers only NTLM (K-36).
		return nil, errNTLM
	}
	return nil, errOuter
}

// kerberosToken returns the AP-REQ in a Kerberos token. It returns errOuter if b is malformed, names another mechanism
// or has another message. The result is a part of b. The AP-REQ itself is not parsed. A token without a message is
// errOuter as well.
func kerberosToken(b []byte) ([]byte, error) {
	oid, body, ok := frame(b)
	if !ok || !bytes.Equal(oid, oidKerberos) && !bytes.Equal(oid, oidMSKerberos) || len(body) < 2 {
		return nil, errOuter
	}
	if id := int(body[0])<<8 | int(body[1]); id != tokAPReq {
		return nil, errOuter
	}
	return body[2:], nil
}

// answer returns the token that completes the negotiation with the client. apRep is the AP-REP, or nil. If the client
// used SPNEGO, the result is a SPNEGO response around the AP-REP. If not, the result is the framed AP-REP, or nil
// without an AP-REP.
func (n *negotiation) answer(apRep []byte) []byte {
	token := apRep
	if apRep != nil {
		token = build(func(b *cryptobyte.Builder) {
			b.AddASN1(frameTag, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.OBJECT_IDENTIFIER, adds(oidKerberos))
				b.AddUint16(tokAPRep)
				b.AddBytes(apRep)
			})
		})
	}
	if !n.spnego {
		return token
	}
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(respTag, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1Enum(0) }) // accept-completed
				b.AddASN1(explicit1, func(b *cryptobyte.Builder) { b.AddASN1(asn1.OBJECT_IDENTIFIER, adds(n.mech)) })
				if token != nil {
					b.AddASN1(explicit2, func(b *cryptobyte.Builder) { b.AddASN1OctetString(token) })
				}
			})
		})
	})
}

// adds returns a function that appends v to a DER builder.
func adds(v []byte) cryptobyte.BuilderContinuation {
	return func(b *cryptobyte.Builder) { b.AddBytes(v) }
}

// build returns the DER bytes that f builds, nil if f makes an invalid structure. The callers' structures are always
// valid.
func build(f func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	f(b)
	out, err := b.Bytes()
	if err != nil {
		return nil
	}
	return out
}
