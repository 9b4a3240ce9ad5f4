package kerberos

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Key usages of the exchanges with a KDC (RFC 4120 7.5.1).
const (
	usageTimestamp   = 1
	usageASRep       = 3
	usageTGSChecksum = 6
	usageTGSRequest  = 7
	usageTGSRep      = 8
)

// Types of pre-authentication data.
const (
	paTGSRequest = 1
	paTimestamp  = 2
	paETypeInfo2 = 19
	paPACRequest = 128
)

// tagError is the first byte of a KRB-ERROR.
const tagError = 0x60 | 30

// life is the requested lifetime of tickets, which are used immediately.
const life = 10 * time.Minute

// exchange requests tickets from a KDC. Immutable.
type exchange struct {
	kdcs   KDCs
	realm  string
	etypes []int32
	now    func() time.Time
	// guess says that the client's key comes from a password, which can be wrong. Only one KDC gets it.
	guess bool
}

// granted is a ticket with its session key.
type granted struct {
	ticket messages.Ticket
	client types.PrincipalName
	key    types.EncryptionKey
}

// KDCError is an error code of the KDC (RFC 4120 7.5.9). It is not authenticated: anybody on the
// path could have sent it.
type KDCError int32

// Error codes of a KDC, and errors of answers that cannot be used.
const (
	ClientExpired     KDCError = 1
	ClientUnknown     KDCError = 6
	serviceUnknown    KDCError = 7
	ClientRevoked     KDCError = 18
	KeyExpired        KDCError = 23
	PreauthFailed     KDCError = 24
	preauthRequired   KDCError = 25
	unavailable       KDCError = 29 // the KDC starts or stops, or does not reach its database
	ClockSkew         KDCError = 37
	PolicyRefused     KDCError = 12
	etypeNotSupported KDCError = 14
	errAnswer                  = refusal("the KDC's answer cannot be read")
	errAnotherAnswer           = refusal("the KDC's answer is to another request")
	errParameters              = refusal("the KDC asks for a key that is not let in, or too weak or costly to make")
	errWrongKey                = refusal("the KDC's answer is not encrypted with the client's key")
)

// Error returns a text with the KDC's error code, in decimal, and its meaning if the code is one of meanings.
func (e KDCError) Error() string {
	if meaning, ok := meanings[e]; ok {
		return fmt.Sprintf("the KDC refuses with code %d: %s", int32(e), meaning)
	}
	return fmt.Sprintf("the KDC refuses with code %d", int32(e))
}

// refusal is an error with a fixed text, so that it never quotes a response.
type refusal string

// Error returns the reason as text.
func (e refusal) Error() string { return string(e) }

// principal returns a principal name of this type (kind), with the components of name between its slashes.
func principal(kind int32, name string) types.PrincipalName {
	return types.PrincipalName{NameType: kind, NameString: strings.Split(name, "/")}
}

// body returns the part of a KDC request that names the client, the service, the requested lifetime and a random nonce.
// It fails if the system has no random numbers.
func (x *exchange) body(cname, sname types.PrincipalName) (messages.KDCReqBody, error) {
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return messages.KDCReqBody{}, err
	}
	return messages.KDCReqBody{KDCOptions: types.NewKrbFlags(), Realm: x.realm, CName: cname, SName: sname,
		Till:  x.now().UTC().Add(life).Truncate(time.Second),
		Nonce: int(binary.BigEndian.Uint32(random[:]) & 0x7fffffff), EType: x.etypes}, nil
}

// logOn requests a ticket-granting ticket (TGT) for the client name. If the KDC requires pre-authentication, logOn
// repeats the request with a timestamp under the client's key. Errors wrap ErrNoKDC, are a KDCError without the KDC's
// text, or come from timestamp and readLogOn.
func (x *exchange) logOn(ctx context.Context, name string, key proof) (*granted, error) {
	body, err := x.body(principal(1, name), principal(2, "krbtgt/"+x.realm))
	if err != nil {
		return nil, err
	}
	req := messages.ASReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 10, ReqBody: body,
		PAData: types.PADataSequence{{PADataType: paPACRequest, PADataValue: []byte{0x30, 5, 0xa0, 3, 1, 1, 0xff}}}}}
	answer, err := x.send(ctx, req.Marshal, false)
	var refused *messages.KRBError
	if errors.As(err, &refused) && KDCError(refused.ErrorCode) == preauthRequired {
		stamp, e := x.timestamp(name, refused.EData, key)
		if e != nil {
			return nil, e
		}
		req.PAData = append(req.PAData, stamp)
		answer, err = x.send(ctx, req.Marshal, x.guess)
	}
	if err != nil {
		return nil, stripText(err)
	}
	return x.readLogOn(name, answer, &body, key)
}

// readLogOn decrypts the KDC's response with the client's key and returns the ticket-granting ticket. It returns an
// error if the response is malformed, does not match the request body, or does not decrypt.
func (x *exchange) readLogOn(name string, answer []byte, body *messages.KDCReqBody, key proof) (*granted, error) {
	var rep messages.ASRep
	if decode(&rep, answer) != nil {
		return nil, errAnswer
	}
	k, err := x.key(name, rep.EncPart.EType, rep.PAData, key)
	if err != nil {
		return nil, err
	}
	return x.granted(&rep.KDCRepFields, body, k, usageASRep)
}

// service requests a ticket for a service with the ticket-granting ticket tgt. The response must be for this request.
// An unknown encryption type is errParameters, and a malformed response errAnswer. A KDC's error is returned without
// its text.
func (x *exchange) service(ctx context.Context, tgt *granted, service string) (*granted, error) {
	body, err := x.body(tgt.client, principal(2, service))
	if err != nil {
		return nil, err
	}
	b, err := body.Marshal()
	if err != nil {
		return nil, err
	}
	e, err := crypto.GetEtype(tgt.key.KeyType)
	if err != nil {
		return nil, errParameters
	}
	sum, err := e.GetChecksumHash(tgt.key.KeyValue, b, usageTGSChecksum)
	if err != nil {
		return nil, err
	}
	ap, err := tgt.request(x.now(), x.realm, usageTGSRequest, func(a *types.Authenticator) {
		a.Cksum = types.Checksum{CksumType: e.GetHashID(), Checksum: sum}
	})
	if err != nil {
		return nil, err
	}
	req := messages.TGSReq{KDCReqFields: messages.KDCReqFields{PVNO: 5, MsgType: 12, ReqBody: body,
		PAData: types.PADataSequence{{PADataType: paTGSRequest, PADataValue: ap}}}}
	answer, err := x.send(ctx, req.Marshal, false)
	if err != nil {
		return nil, stripText(err)
	}
	var rep messages.TGSRep
	if decode(&rep, answer) != nil {
		return nil, errAnswer
	}
	return x.granted(&rep.KDCRepFields, &body, tgt.key, usageTGSRep)
}

// request returns an AP-REQ, the message that presents the ticket to a service, with a new authenticator of time now.
// more adds fields to the authenticator before it is encrypted with the given key usage. With usageAuthenticator it
// asks the service to authenticate itself.
func (g *granted) request(now time.Time, realm string, usage uint32, more func(*types.Authenticator)) ([]byte, error) {
	now = now.UTC()
	a := types.Authenticator{AVNO: 5, CRealm: realm, CName: g.client, CTime: now, Cusec: now.Nanosecond() / 1000}
	more(&a)
	b, err := a.Marshal()
	if err != nil {
		return nil, err
	}
	sealed, err := crypto.GetEncryptedData(b, g.key, usage, 0)
	if err != nil {
		return nil, err
	}
	req := messages.APReq{PVNO: 5, MsgType: 14, APOptions: types.NewKrbFlags(), Ticket: g.ticket,
		EncryptedAuthenticator: sealed}
	if usage == usageAuthenticator {
		types.SetFlag(&req.APOptions, optionMutual)
	}
	return req.Marshal()
}

// send encodes a request, sends it to the KDCs and returns the first answer, which is not empty and not authenticated.
// With once, no further KDC gets a request that one may have got. A KRB-ERROR is returned as the error
// [messages.KRBError]. A KRB-ERROR that cannot be decoded is errAnswer.
func (x *exchange) send(ctx context.Context, marshal func() ([]byte, error), once bool) ([]byte, error) {
	b, err := marshal()
	if err != nil {
		return nil, errors.New("kerberos: the request cannot be encoded")
	}
	answer, err := x.kdcs.ask(ctx, x.realm, b, once)
	if err != nil {
		return nil, err
	}
	if answer[0] == tagError {
		var e messages.KRBError
		if decode(&e, answer) != nil {
			return nil, errAnswer
		}
		return nil, &e
	}
	return answer, nil
}

// stripText removes a KDC's untrusted text from an error: it replaces a KRB-ERROR by its code and status. It returns
// any other error unchanged.
func stripText(err error) error {
	var e *messages.KRBError
	if errors.As(err, &e) {
		return extendedError{KDCError(e.ErrorCode), extended(e.EData)}
	}
	return err
}

// granted decrypts the KDC's response with key and compares it with the request body (K-56). Names match in any case,
// realms exactly. Errors:
//   - errWrongKey: decryption failed
//   - errAnswer: malformed contents
//   - errAnotherAnswer: a response to another request
//   - errParameters: a session key of a type that is not accepted
func (x *exchange) granted(rep *messages.KDCRepFields, body *messages.KDCReqBody, key types.EncryptionKey,
	usage uint32) (*granted, error) {
	b, err := decrypt(rep.EncPart, key, usage)
	if err != nil {
		return nil, errWrongKey
	}
	var part messages.EncKDCRepPart
	if decode(&part, b) != nil {
		return nil, errAnswer
	}
	same := func(a, b types.PrincipalName) bool {
		return strings.EqualFold(strings.Join(a.NameString, "/"), strings.Join(b.NameString, "/"))
	}
	// Reject a recorded response, and one for another service (K-56).
	if part.Nonce != body.Nonce || !same(part.SName, body.SName) || part.SRealm != x.realm || rep.CRealm != x.realm ||
		!same(rep.CName, body.CName) {
		return nil, errAnotherAnswer
	}
	if !slices.Contains(x.etypes, part.Key.KeyType) {
		return nil, errParameters
	}
	return &granted{ticket: rep.Ticket, client: rep.CName, key: part.Key}, nil
}
