package kerberos

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/internal/strict"
)

// Token is a client's first token, split into its parts. Nothing in it is verified: its sender wrote all of it. The
// zero value is not a token, and no key opens it.
type Token struct {
	SPNEGO         bool // the Kerberos token is inside SPNEGO
	Microsoft      bool // the client prefers Microsoft's identifier of Kerberos
	Version        int  // protocol version of the AP-REQ
	TicketVersion  int
	Options        []byte // flags of the AP-REQ
	Service        [][]byte
	Realm          []byte
	Ticket, Sender Sealed // the encrypted parts of the ticket and of the authenticator
}

// Sealed is an encrypted part of a token. Its bytes are Len bytes at At of the token.
type Sealed struct {
	Type    int32 // type of the encryption
	KeyNo   int   // version of the key; 0: not given
	At, Len int
}

// tokenErrors are the errors of a token that cannot be split.
var tokenErrors = []error{errNTLM, errNotFirst, errNoToken, errOuter, errAPReq}

// TokenError returns the error of [SplitToken] with that text, and one for malformed tokens if there is none.
func TokenError(text string) error {
	for _, err := range tokenErrors {
		if err.Error() == text {
			return err
		}
	}
	return errOuter
}

// SplitToken parses a client's first token of at most [MaxBlob] bytes: SPNEGO, and the AP-REQ in it (K-35, K-36, K-88).
// A longer or malformed blob and a token of NTLM are errors. The encrypted parts are positions in blob.
func SplitToken(blob []byte) (*Token, error) {
	n, err := parseOuter(blob)
	if err != nil {
		return nil, err
	}
	var r messages.APReq
	if decode(&r, n.apReq) != nil {
		return nil, errAPReq // the library's text quotes the input
	}
	sealed := func(e types.EncryptedData) Sealed {
		return Sealed{Type: e.EType, KeyNo: e.KVNO, At: max(index(blob, e.Cipher), 0), Len: len(e.Cipher)}
	}
	t := &Token{SPNEGO: n.spnego, Microsoft: bytes.Equal(n.mech, oidMSKerberos), Version: r.PVNO,
		TicketVersion: r.Ticket.TktVNO, Options: r.APOptions.Bytes, Realm: []byte(r.Ticket.Realm),
		Ticket: sealed(r.Ticket.EncPart), Sender: sealed(r.EncryptedAuthenticator)}
	for _, part := range r.Ticket.SName.NameString {
		t.Service = append(t.Service, []byte(part))
	}
	return t, nil
}

// index returns what bytes.Index does, the first position of part in b or -1. Its time grows with the lengths alone:
// bytes.Index compares again at each position whose hash a sender has made equal, for seconds in one token. It is the
// algorithm of Knuth, Morris and Pratt.
func index(b, part []byte) int {
	// border[i] is the length of the longest proper prefix of part[:i+1] that also ends it.
	border := make([]int, len(part))
	for i, n := 1, 0; i < len(part); i++ {
		for n > 0 && part[i] != part[n] {
			n = border[n-1]
		}
		if part[i] == part[n] {
			n++
		}
		border[i] = n
	}
	n := 0 // bytes of part that end at i
	for i := 0; n < len(part); i++ {
		if i == len(b) {
			return -1
		}
		for n > 0 && b[i] != part[n] {
			n = border[n-1]
		}
		if b[i] == part[n] {
			n++
		}
		if n == len(part) {
			return i + 1 - n
		}
	}
	return 0 // of nothing
}

// MarshalAnswer encodes a token in JSON for a process that does not trust this one, which reads it with [ReadToken].
func (t *Token) MarshalAnswer() ([]byte, error) { return json.Marshal(t) }

// ReadToken reads what another process found in a token. The encrypted parts are bytes of the token itself, so a
// wrong answer opens no ticket that the client could not have sent (K-91). An error wraps that of malformed tokens.
// An unknown field is an error.
func ReadToken(text, blob []byte) (*Token, error) {
	var t Token
	if err := strict.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("%w: the parser's answer: %w", errOuter, err)
	}
	for _, s := range []Sealed{t.Ticket, t.Sender} {
		// A part elsewhere would be other memory, or a panic (K-91).
		if s.At < 0 || s.Len < 0 || s.At > len(blob) || s.Len > len(blob)-s.At {
			return nil, fmt.Errorf("%w: the parser's answer has a part outside of the token", errOuter)
		}
	}
	return &t, nil
}

// request rebuilds the AP-REQ that a split token describes, with the encrypted parts of blob, which must be the blob
// that t was split from. Another blob can panic.
func (t *Token) request(blob []byte) *messages.APReq {
	sealed := func(s Sealed) types.EncryptedData {
		return types.EncryptedData{EType: s.Type, KVNO: s.KeyNo, Cipher: blob[s.At : s.At+s.Len]}
	}
	r := &messages.APReq{PVNO: t.Version, EncryptedAuthenticator: sealed(t.Sender),
		APOptions: asn1.BitString{Bytes: t.Options, BitLength: 8 * len(t.Options)},
		Ticket:    messages.Ticket{TktVNO: t.TicketVersion, Realm: string(t.Realm), EncPart: sealed(t.Ticket)}}
	for _, part := range t.Service {
		r.Ticket.SName.NameString = append(r.Ticket.SName.NameString, string(part))
	}
	return r
}

// answer returns the token to send to the client, with the AP-REP unless apRep is nil. If the client used SPNEGO, the
// token also accepts its mechanism. nil means that there is nothing to send: no AP-REP and no SPNEGO.
func (t *Token) answer(apRep []byte) []byte {
	n := negotiation{spnego: t.SPNEGO, mech: oidKerberos}
	if t.Microsoft {
		n.mech = oidMSKerberos
	}
	return n.answer(apRep)
}
