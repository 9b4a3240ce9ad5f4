package forge

import (
	"encoding/binary"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Forwarded is the credential that a client forwards in the authenticator's checksum (RFC 4121 4.1.1, RFC 4120
// 5.8). The zero value is a valid one: the client's TGT, sealed with the session key.
type Forwarded struct {
	Key      types.EncryptionKey // encrypts it; zero: the session key
	Client   string              // "": the ticket's client
	Service  string              // of the forwarded ticket; "": krbtgt of the realm
	End      time.Time           // of the forwarded ticket; zero: ten hours after the authenticator
	NoTicket bool                // it contains no ticket
	Cut      int                 // number of bytes to cut off at the end; -1: all
}

// credInfo has the written fields of KrbCredInfo.
type credInfo struct {
	Key    types.EncryptionKey `asn1:"explicit,tag:0"`
	PRealm string              `asn1:"generalstring,explicit,tag:1"`
	PName  types.PrincipalName `asn1:"explicit,tag:2"`
	End    time.Time           `asn1:"generalized,explicit,tag:6"`
	SRealm string              `asn1:"generalstring,explicit,tag:8"`
	SName  types.PrincipalName `asn1:"explicit,tag:9"`
}

// option returns the bytes after the flags of the checksum, nil if f is nil.
func (f *Forwarded) option(t *Ticket) []byte {
	if f == nil {
		return nil
	}
	c := f.credential(t)
	if f.Cut < 0 {
		c = nil
	} else {
		c = c[:len(c)-f.Cut]
	}
	return append(binary.LittleEndian.AppendUint16([]byte{1, 0}, uint16(len(c))), c...)
}

// Credential returns the KRB-CRED that the ticket forwards, nil if it forwards none.
func (t *Ticket) Credential() []byte {
	if t.Forwarded == nil {
		return nil
	}
	t.Ticket() // makes the session key
	return t.Forwarded.credential(t)
}

// credential returns the KRB-CRED.
func (f *Forwarded) credential(t *Ticket) []byte {
	key, client, service, end := f.Key, f.Client, f.Service, f.End
	if key.KeyValue == nil {
		key = t.SessionKey
	}
	if client == "" {
		client = t.Client
	}
	if service == "" {
		service = "krbtgt/" + t.Realm
	}
	if end.IsZero() {
		end = t.At.Add(10 * time.Hour)
	}
	var infos []credInfo
	var tickets []byte
	if !f.NoTicket {
		tgt := Ticket{Service: service, Realm: t.Realm, Key: NewKey(18), Client: client, AuthTime: t.AuthTime}
		tgtPart := tgt.Ticket()
		tickets = must(tgtPart.Marshal())
		infos = append(infos, credInfo{Key: tgt.SessionKey, PRealm: t.Realm, PName: principal(client),
			End: end.UTC().Truncate(time.Second), SRealm: t.Realm, SName: principal(service)})
	}
	part := DER(0x60|29, DER(0x30, DER(0xa0, must(asn1.Marshal(infos)))))
	sealed := must(asn1.Marshal(must(crypto.GetEncryptedData(part, key, 14, 0))))
	number := func(tag byte, n int) []byte { return DER(tag, must(asn1.Marshal(n))) }
	return asn1tools.AddASNAppTag(DER(0x30, number(0xa0, 5), number(0xa1, 22), DER(0xa2, DER(0x30, tickets)),
		DER(0xa3, sealed)), 22)
}
