package kerberos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/ntstatus"
)

// Key usages (RFC 4120 7.5.1).
const (
	usageTicket        = 2
	usageAuthenticator = 11
	usageAPRep         = 12
)

// Flags of AP-REQ and of tickets, as bits from the left.
const (
	optionUseSessionKey = 1
	optionMutual        = 2
	flagInvalid         = 7
)

// Types of authorization data.
const (
	adIfRelevant = 1
	adPAC        = 128
	adAPOptions  = 143
)

// apOptionBindings in AD-AUTH-DATA-AP-OPTIONS means that the client supports bindings.
const apOptionBindings = 0x4000

// opened is a decrypted ticket with its authenticator and the key that opened it.
type opened struct {
	req     messages.APReq
	ticket  messages.EncTicketPart
	auth    types.Authenticator
	key     types.EncryptionKey // the key that opened the ticket
	service string              // as the client wrote it
}

var (
	errAPReq   = errors.New("the token has no AP-REQ that can be read")
	errSession = errors.New("the ticket is for a user's session key, and not for a key of the keytab")
	errKeys    = fault{ntstatus.MutualAuthFailed,
		errors.New("no key of the keytab opens the ticket: the service's password has changed, or it was altered")}
)

// open decrypts the ticket and the authenticator of an AP-REQ with this host's keys. It returns errAPReq for a
// malformed request. It does not check times, see check. A ticket for another service or key is an error, too.
func (a *Acceptor) open(apReq []byte) (*opened, error) {
	o := &opened{}
	if err := decode(&o.req, apReq); err != nil {
		return nil, errAPReq // not err, because its text quotes the input
	}
	if err := a.unlock(o); err != nil {
		return nil, err
	}
	return o, nil
}

// unlock decrypts the ticket and authenticator of o.req with this host's keys. A wrong service and weak encryption of
// the ticket are found before a key is looked up. Errors:
//   - another service or realm (K-38)
//   - STATUS_KDC_UNKNOWN_ETYPE: weak or unknown encryption (K-39)
//   - STATUS_MUTUAL_AUTHENTICATION_FAILED: no key matches
//   - errSession: a ticket for a session key
func (a *Acceptor) unlock(o *opened) error {
	t := &o.req.Ticket
	o.service = strings.Join(t.SName.NameString, "/")
	switch {
	case o.req.PVNO != 5 || t.TktVNO != 5 || len(t.SName.NameString) == 0:
		return errAPReq
	case bit(o.req.APOptions.Bytes, optionUseSessionKey):
		return errSession
	case !a.serves(o.service, t.Realm):
		// A ticket for another service or realm is rejected (K-38).
		return fmt.Errorf("the ticket is for %.64q in %.64q, which the configuration does not name", o.service, t.Realm)
	case !slices.Contains(a.etypes, t.EncPart.EType):
		// Weak and unknown encryption is rejected before a key is searched (K-39).
		return fault{ntstatus.KDCUnknownEtype,
			fmt.Errorf("the ticket is encrypted with type %d, which is not let in", t.EncPart.EType)}
	}
	keys := a.cfg.Keys.find(o.service, t.Realm, uint32(t.EncPart.KVNO), t.EncPart.EType)
	if len(keys) == 0 {
		return fault{ntstatus.MutualAuthFailed, fmt.Errorf("the keytab has no key of type %d, version %d, for %.64q "+
			"in %.64q", t.EncPart.EType, t.EncPart.KVNO, o.service, t.Realm)}
	}
	if err := o.decryptTicket(keys); err != nil {
		return err
	}
	if !slices.Contains(a.etypes, o.ticket.Key.KeyType) {
		return fault{ntstatus.KDCUnknownEtype,
			fmt.Errorf("the session key is of type %d, which is not let in", o.ticket.Key.KeyType)}
	}
	b, err := decrypt(o.req.EncryptedAuthenticator, o.ticket.Key, usageAuthenticator)
	if err != nil || decode(&o.auth, b) != nil {
		return errors.New("the authenticator is not encrypted with the ticket's session key")
	}
	return nil
}

// decryptTicket decrypts the ticket with the first key that fits and records that key. No key opens a ticket that was
// altered (K-40). It returns errKeys if none fits, or there are none.
func (o *opened) decryptTicket(keys []types.EncryptionKey) error {
	for _, k := range keys {
		b, err := decrypt(o.req.Ticket.EncPart, k, usageTicket)
		if err != nil {
			continue
		}
		if err := decode(&o.ticket, b); err != nil {
			return errAPReq
		}
		o.key = k
		return nil
	}
	return errKeys
}

// decrypt decrypts data with an integrity check. A failed integrity check is an error. Data that is too short, an
// encryption type other than that of the key, and a wrong key length are errAPReq.
func decrypt(d types.EncryptedData, k types.EncryptionKey, usage uint32) ([]byte, error) {
	e, err := crypto.GetEtype(k.KeyType)
	if err != nil {
		return nil, err
	}
	if d.EType != k.KeyType || len(k.KeyValue) != keySize(e) ||
		len(d.Cipher) <= e.GetConfounderByteSize()+e.GetHMACBitLength()/8 {
		return nil, errAPReq
	}
	return unseal(d, k, usage)
}

// check returns an error unless an opened ticket is valid now and belongs to its authenticator (K-41). Times may
// differ by skew; wrong times are TimeDifferenceAtDC. Client names of ticket and authenticator must be equal and not
// empty. A ticket marked invalid is an error.
func (o *opened) check(now time.Time, skew time.Duration) error {
	t, a := &o.ticket, &o.auth
	start, at := o.validFrom(), o.authenticatorTime()
	switch {
	case a.AVNO != 5 || !a.CName.Equal(t.CName) || a.CRealm != t.CRealm:
		return errors.New("the authenticator is of another client than the ticket")
	case len(t.CName.NameString) == 0 || t.CRealm == "":
		return errors.New("the ticket has no client")
	case bit(t.Flags.Bytes, flagInvalid):
		return errors.New("the ticket is marked invalid")
	case start.After(now.Add(skew)):
		return fault{ntstatus.TimeDifferenceAtDC,
			fmt.Errorf("the ticket is valid from %s only", start.UTC().Format(time.RFC3339))}
	case t.EndTime.Before(now.Add(-skew)):
		return fault{ntstatus.TimeDifferenceAtDC,
			fmt.Errorf("the ticket expired at %s", t.EndTime.UTC().Format(time.RFC3339))}
	case at.After(now.Add(skew)), at.Before(now.Add(-skew)):
		return fault{ntstatus.TimeDifferenceAtDC,
			fmt.Errorf("the clocks differ: the client's says %s", at.UTC().Format(time.RFC3339))}
	}
	return nil
}

// validFrom returns the time from which the ticket is valid. Without a start time it is the time of the logon.
func (o *opened) validFrom() time.Time {
	if o.ticket.StartTime.IsZero() {
		return o.ticket.AuthTime
	}
	return o.ticket.StartTime
}

// authenticatorTime returns the client's time at which it made the authenticator.
func (o *opened) authenticatorTime() time.Time {
	return o.auth.CTime.Add(time.Duration(o.auth.Cusec%1_000_000) * time.Microsecond)
}

// client returns the name of the client that the ticket is for, without its realm.
func (o *opened) client() string { return strings.Join(o.ticket.CName.NameString, "/") }

// bit reports whether flag n of an ASN.1 bit string is set, counted from the left.
func bit(b []byte, n int) bool { return n/8 < len(b) && b[n/8]&(0x80>>(n%8)) != 0 }

// pac returns the bytes of the ticket's PAC, nil without one. It ignores a PAC in the authenticator, which the client
// wrote itself (K-42). Two PACs are an error. The result is a copy. Authorization data that cannot be decoded is an
// error.
func (o *opened) pac() (data []byte, err error) {
	for _, outer := range o.ticket.AuthorizationData {
		if outer.ADType != adIfRelevant {
			continue
		}
		var inner types.AuthorizationData
		if err := decode(&inner, outer.ADData); err != nil {
			return nil, errors.New("the ticket's authorization data cannot be read")
		}
		for _, e := range inner {
			switch {
			case e.ADType != adPAC:
			case data != nil:
				// With two PACs, one could be verified and the other used (K-42).
				return nil, errors.New("the ticket has two PACs")
			default:
				data = append([]byte{}, e.ADData...)
			}
		}
	}
	return data, nil
}

// supportsBindings reports whether the client says in the authenticator that it supports channel bindings. It skips
// malformed entries. It looks also in AD-IF-RELEVANT, one level deep.
func (o *opened) supportsBindings() bool {
	knows := func(all types.AuthorizationData) bool {
		return slices.ContainsFunc(all, func(e types.AuthorizationDataEntry) bool {
			return e.ADType == adAPOptions && len(e.ADData) == 4 && e.ADData[1]&(apOptionBindings>>8) != 0
		})
	}
	if knows(o.auth.AuthorizationData) {
		return true
	}
	for _, e := range o.auth.AuthorizationData {
		var inner types.AuthorizationData
		if e.ADType == adIfRelevant && decode(&inner, e.ADData) == nil && knows(inner) {
			return true
		}
	}
	return false
}
