package forge

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// Ticket is a ticket with a client's authenticator. Service, Realm, Key, Client and At are
// required.
type Ticket struct {
	Service, Realm string
	Key            types.EncryptionKey
	Version        int
	Client         string
	ClientRealm    string // "" for Realm
	AuthTime       time.Time
	Start, End     time.Time // zero: AuthTime and ten hours later
	Invalid        bool
	PAC            []byte // nil for none
	SecondPAC      []byte
	SessionType    int32 // 0: that of Key

	At            time.Time // of the authenticator
	NamedClient   string    // in the authenticator; "" for Client
	NamedRealm    string
	GSSFlags      uint32
	Bindings      [16]byte
	NoChecksum    bool
	Checksum      *types.Checksum
	Aware         bool
	Mutual        bool
	UseSessionKey bool
	PACFromClient []byte              // in the authenticator, where a service must ignore it
	Forwarded     *Forwarded          // after the flags of the checksum; nil: none
	Subkey        types.EncryptionKey // in the authenticator; zero: none
	Raw           bool                // Kerberos without SPNEGO
	Mechanisms    [][]byte
	SessionKey    types.EncryptionKey // if it has no value, Ticket sets a random key
}

// Object identifiers of mechanisms, in DER.
var (
	OIDKerberos   = []byte{6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2}
	OIDMSKerberos = []byte{6, 9, 0x2a, 0x86, 0x48, 0x82, 0xf7, 0x12, 1, 2, 2}
	OIDNTLM       = []byte{6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10}
	oidSPNEGO     = []byte{6, 6, 0x2b, 6, 1, 5, 5, 2}
)

// must returns v, and panics if err is not nil.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func principal(name string) types.PrincipalName {
	return types.PrincipalName{NameType: 1, NameString: strings.Split(name, "/")}
}

// DER returns the concatenated parts as a DER value with tag and length.
func DER(tag byte, parts ...[]byte) []byte {
	var body []byte
	for _, p := range parts {
		body = append(body, p...)
	}
	return append(append([]byte{tag}, asn1tools.MarshalLengthBytes(len(body))...), body...)
}

// relevant returns an AD-IF-RELEVANT entry with these entries.
func relevant(entries ...types.AuthorizationDataEntry) types.AuthorizationDataEntry {
	return types.AuthorizationDataEntry{ADType: 1, ADData: must(asn1.Marshal(types.AuthorizationData(entries)))}
}

// Ticket returns the ticket, encrypted with Key. It sets SessionType and SessionKey if they are zero.
func (t *Ticket) Ticket() messages.Ticket {
	if t.SessionType == 0 {
		t.SessionType = t.Key.KeyType
	}
	if t.SessionKey.KeyValue == nil {
		t.SessionKey = NewKey(t.SessionType)
	}
	part := messages.EncTicketPart{Flags: types.NewKrbFlags(), Key: t.SessionKey, CRealm: t.ClientRealm,
		CName: principal(t.Client), AuthTime: t.AuthTime.UTC(), StartTime: t.Start.UTC(), EndTime: t.End.UTC(),
		RenewTill: t.End.UTC()}
	if part.CRealm == "" {
		part.CRealm = t.Realm
	}
	if t.Start.IsZero() {
		part.StartTime = part.AuthTime
	}
	if t.End.IsZero() {
		part.EndTime = part.AuthTime.Add(10 * time.Hour)
		part.RenewTill = part.EndTime
	}
	if t.Invalid {
		types.SetFlag(&part.Flags, 7)
	}
	for _, p := range [][]byte{t.PAC, t.SecondPAC} {
		if p != nil {
			part.AuthorizationData = append(part.AuthorizationData,
				relevant(types.AuthorizationDataEntry{ADType: 128, ADData: p}))
		}
	}
	b := asn1tools.AddASNAppTag(must(asn1.Marshal(part)), 3)
	return messages.Ticket{TktVNO: 5, Realm: t.Realm, SName: principal(t.Service),
		EncPart: must(crypto.GetEncryptedData(b, t.Key, 2, t.Version))}
}

// checksum returns Checksum, or else the GSS-API checksum (RFC 4121 4.1.1) with flags and bindings.
func (t *Ticket) checksum() types.Checksum {
	if t.Checksum != nil {
		return *t.Checksum
	}
	b := append([]byte{16, 0, 0, 0}, t.Bindings[:]...)
	b = binary.LittleEndian.AppendUint32(b, t.GSSFlags)
	return types.Checksum{CksumType: 0x8003, Checksum: append(b, t.Forwarded.option(t)...)}
}

// Request returns the AP-REQ with a new ticket. A random SessionKey is kept in t.
func (t *Ticket) Request() []byte {
	ticket := t.Ticket()
	auth := types.Authenticator{AVNO: 5, CRealm: t.NamedRealm, CName: principal(t.NamedClient), CTime: t.At.UTC(),
		Cusec: t.At.Nanosecond() / 1000, SeqNumber: 7}
	if t.NamedClient == "" {
		auth.CName = principal(t.Client)
	}
	if auth.CRealm == "" {
		if auth.CRealm = t.ClientRealm; auth.CRealm == "" {
			auth.CRealm = t.Realm
		}
	}
	if !t.NoChecksum {
		auth.Cksum = t.checksum()
	}
	auth.SubKey = t.Subkey
	if t.Aware {
		auth.AuthorizationData = append(auth.AuthorizationData,
			relevant(types.AuthorizationDataEntry{ADType: 143, ADData: []byte{0, 0x40, 0, 0}}))
	}
	if t.PACFromClient != nil {
		auth.AuthorizationData = append(auth.AuthorizationData,
			relevant(types.AuthorizationDataEntry{ADType: 128, ADData: t.PACFromClient}))
	}
	req := messages.APReq{PVNO: 5, MsgType: 14, APOptions: types.NewKrbFlags(), Ticket: ticket,
		EncryptedAuthenticator: must(crypto.GetEncryptedData(must(auth.Marshal()), t.SessionKey, 11, 0))}
	if t.Mutual {
		types.SetFlag(&req.APOptions, 2)
	}
	if t.UseSessionKey {
		types.SetFlag(&req.APOptions, 1)
	}
	return must(req.Marshal())
}

// Blob returns the first GSS-API token of a client, in SPNEGO unless Raw is set.
func (t *Ticket) Blob() []byte {
	token := DER(0x60, OIDKerberos, []byte{1, 0}, t.Request())
	if t.Raw {
		return token
	}
	mechanisms := t.Mechanisms
	if mechanisms == nil {
		mechanisms = [][]byte{OIDMSKerberos, OIDKerberos, OIDNTLM}
	}
	return Init(mechanisms, token)
}

// Init returns SPNEGO's first token with these mechanisms and a mechanism's token. A nil argument omits its field.
func Init(mechanisms [][]byte, token []byte) []byte {
	var fields [][]byte
	if mechanisms != nil {
		fields = append(fields, DER(0xa0, DER(0x30, mechanisms...)))
	}
	if token != nil {
		fields = append(fields, DER(0xa2, DER(4, token)))
	}
	return DER(0x60, oidSPNEGO, DER(0xa0, DER(0x30, fields...)))
}

// NewKey returns a random key of an encryption type. It panics for an unknown type.
func NewKey(kind int32) types.EncryptionKey {
	k := must(types.GenerateEncryptionKey(must(crypto.GetEtype(kind))))
	if kind == 20 {
		k.KeyValue = make([]byte, 32) // RFC 8009 3; the library makes 24 bytes
		must(rand.Read(k.KeyValue))
	}
	return k
}

// Entry is one key of a keytab.
type Entry struct {
	Service, Realm string
	Version        uint32
	Key            types.EncryptionKey
}

// Keytab returns a keytab file, version 0x502, with a hole after each entry.
func Keytab(entries ...Entry) []byte {
	be := binary.BigEndian
	out := []byte{5, 2}
	for _, e := range entries {
		parts := strings.Split(e.Service, "/")
		b := be.AppendUint16(nil, uint16(len(parts)))
		for _, s := range append([]string{e.Realm}, parts...) {
			b = append(be.AppendUint16(b, uint16(len(s))), s...)
		}
		b = be.AppendUint32(be.AppendUint32(b, 1), 1700000000)
		b = be.AppendUint16(append(b, byte(e.Version)), uint16(e.Key.KeyType))
		b = append(be.AppendUint16(b, uint16(len(e.Key.KeyValue))), e.Key.KeyValue...)
		b = be.AppendUint32(b, e.Version)
		out = append(be.AppendUint32(out, uint32(len(b))), b...)
		gap := make([]byte, 4+5) // a hole, as of a deleted entry
		be.PutUint32(gap, uint32(0xFFFFFFFB))
		_, _ = rand.Read(gap[4:])
		out = append(out, gap...)
	}
	return out
}
