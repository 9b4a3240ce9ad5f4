package kerberos

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/winnt"
)

// TestThisHostAsClient: this host shows its key to the KDC and its ticket to a service, asks for what it does, and
// takes keys of its keytab alone (K-55, K-60).
func TestThisHostAsClient(t *testing.T) {
	p := centre(t, func(k *forge.Centre) { k.Users = map[string]string{"websvc": "service"} },
		func(c *Config) { c.Keys = oneKey(t) })
	e, err := crypto.GetEtype(18)
	if err != nil {
		t.Fatal(err)
	}
	value, err := e.StringToKey("service", realm+"websvc", "00001000")
	if err != nil {
		t.Fatal(err)
	}
	key := types.EncryptionKey{KeyType: 18, KeyValue: value}
	keys, err := ParseKeytab(forge.Keytab(forge.Entry{Service: "websvc", Realm: realm, Version: 1, Key: key}))
	if err != nil {
		t.Fatal(err)
	}
	initiator := func(change func(*Initiator)) *Initiator {
		i := &Initiator{Keys: keys, Realm: realm, Account: "websvc", KDCs: p.KDCs, Now: func() time.Time { return noon }}
		change(i)
		return i
	}
	binding := Bindings("tls-server-end-point:x")
	c, token, err := initiator(func(*Initiator) {}).Initiate(context.Background(), service, binding)
	if err != nil {
		t.Fatal(err)
	}
	n, err := parseOuter(token)
	if err != nil {
		t.Fatal(err)
	}
	o, err := p.Acceptor.open(n.apReq)
	if err != nil {
		t.Fatal(err)
	}
	digest := binding.digest()
	sum := slices.Concat([]byte{16, 0, 0, 0}, digest[:], []byte{0x2e, 0, 0, 0}) // mutual, replay, sequence, integrity
	if o.auth.Cksum.CksumType != 0x8003 || !slices.Equal(o.auth.Cksum.Checksum, sum) || o.auth.SubKey.KeyType != 18 ||
		len(o.auth.SubKey.KeyValue) != 32 || !slices.Equal(o.auth.SubKey.KeyValue, c.subkey.KeyValue) ||
		slices.Equal(o.auth.SubKey.KeyValue, c.session.KeyValue) || o.client() != "websvc" || o.service != service {
		t.Errorf("K-60: %+v", o.auth)
	}
	if b := o.req.APOptions; len(b.Bytes) != 4 || b.BitLength != 32 || !bit(b.Bytes, optionMutual) ||
		bit(b.Bytes, optionUseSessionKey) {
		t.Errorf("K-60: options %+v", b)
	}
	taken, err := p.Acceptor.Accept(token, binding)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unframedAnswer(taken.Answer); err != nil || c.Finish(got) != nil || c.acceptor || c.key.KeyType != 18 {
		t.Errorf("K-60: the answer: %v, %+v", err, c)
	}
	for what, change := range map[string]func(*Initiator){
		"another account":    func(i *Initiator) { i.Account = "bob" },
		"another realm":      func(i *Initiator) { i.Realm = "OTHER.TEST" },
		"no such types":      func(i *Initiator) { i.EncryptionTypes = []int32{17} },
		"another's key":      func(i *Initiator) { i.Keys = oneKey(t) },
		"a KDC that is away": func(i *Initiator) { i.KDCs = KDCs{Addresses: []string{"127.0.0.1:1"}} },
	} {
		c, token, err := initiator(change).Initiate(context.Background(), service, nil)
		if c != nil || token != nil || err == nil || errors.Is(err, ErrNoKDC) != strings.HasPrefix(what, "a KDC") {
			t.Errorf("K-55: %s: %x, %v", what, token, err)
		}
	}
	if at := (&Initiator{}).now(); time.Since(at) > time.Hour || time.Until(at) > time.Hour {
		t.Errorf("without a clock of its own it is %v", at)
	}
}

// unframedAnswer returns the service's token, without SPNEGO there.
func unframedAnswer(b []byte) ([]byte, error) {
	if _, ok := unframed(tokAPRep, b); !ok {
		return nil, fmt.Errorf("%x is no answer", b)
	}
	return b, nil
}

// TestFrames: a message is of its kind and of Kerberos, or nothing (K-60).
func TestFrames(t *testing.T) {
	good := forge.DER(0x60, forge.OIDKerberos, []byte{2, 0, 7, 8})
	for what, c := range map[string]struct {
		b    []byte
		want []byte
	}{
		"as it is": {good, []byte{7, 8}}, "empty": {forge.DER(0x60, forge.OIDKerberos, []byte{2, 0}), []byte{}},
		"of another kind":      {forge.DER(0x60, forge.OIDKerberos, []byte{1, 0, 7}), nil},
		"of another mechanism": {forge.DER(0x60, forge.OIDMSKerberos, []byte{2, 0, 7}), nil},
		"of one byte":          {forge.DER(0x60, forge.OIDKerberos, []byte{2}), nil},
		"with a byte behind":   {append(slices.Clone(good), 0), nil}, "nothing": {nil, nil},
	} {
		got, ok := unframed(0x200, c.b)
		if ok != (c.want != nil) || !slices.Equal(got, c.want) {
			t.Errorf("K-60: %s: %x, %t", what, got, ok)
		}
	}
	if got := framed(0x200, []byte{7, 8}); !slices.Equal(got, good) {
		t.Errorf("K-60: framed %x, want %x", got, good)
	}
}

// TestMessagesInTurn: messages have the numbers 0, 1, 2, and the two halves of a context count by themselves (K-61).
func TestMessagesInTurn(t *testing.T) {
	c := &Context{key: secret, received: 5, acceptor: true}
	send, receive := c.Halves()
	for i := range uint64(3) {
		b, err := send.Wrap([]byte("m"))
		if err != nil || !slices.Equal(b, forge.Wrap(secret, 4, i, 24, []byte("m"))) {
			t.Errorf("K-61: message %d: %x, %v", i, b, err)
		}
		m, err := receive.Unwrap(forge.Wrap(secret, 5, 5+i, 22, []byte{byte(i)}))
		if err != nil || !slices.Equal(m, []byte{byte(i)}) {
			t.Errorf("K-61: message %d: %x, %v", i, m, err)
		}
	}
	if c.sent != 0 || c.received != 5 || send.received != 5 || receive.sent != 0 || send.sent != 3 ||
		receive.received != 8 {
		t.Errorf("K-61: the halves count %+v, %+v", send, receive)
	}
	empty, err := receive.Unwrap(forge.Wrap(secret, 5, 8, 22, nil))
	if err != nil || len(empty) != 0 {
		t.Errorf("K-61: an empty message: %x, %v", empty, err)
	}
}

// TestRefusalsOfKDCs: what each code of a KDC is for the record, alone and with each status beside it (K-58, K-85).
func TestRefusalsOfKDCs(t *testing.T) {
	codes := map[int32]ntstatus.Status{6: ntstatus.NoSuchUser, 24: ntstatus.WrongPassword,
		18: ntstatus.AccountRestriction, 1: ntstatus.AccountExpired, 23: ntstatus.PasswordExpired,
		12: ntstatus.AccountRestriction}
	for code := range int32(70) {
		want := codes[code]
		if want == 0 {
			want = ntstatus.LogonFailure
		}
		if st, why := reason(refusedBy(fmt.Errorf("x: %w", KDCError(code)))); st != ntstatus.LogonFailure || why != want {
			t.Errorf("K-58: code %d: %v for %v, want %v", code, st, why, want)
		}
		for status, limit := range map[ntstatus.Status]bool{0xC0000072: true, 0xC0000193: true, 0xC0000234: true,
			0xC000006E: true, 0xC0000071: true, 0xC0000224: true, 0xC000006F: true, 0xC0000070: true, 0xC000006A: false,
			0xC0000064: false, 0xC000005E: false, 0: false} {
			also := want
			if limit {
				also = status
			}
			e := &messages.KRBError{ErrorCode: code, EData: statusData(uint32(status))}
			if st, why := reason(refusedBy(coded(e))); st != ntstatus.LogonFailure || why != also {
				t.Errorf("K-85: code %d with %v: %v for %v, want %v", code, status, st, why, also)
			}
		}
	}
	for what, c := range map[string]struct {
		err         error
		status, why ntstatus.Status
	}{
		"no KDC":      {fmt.Errorf("x: %w", ErrNoKDC), ntstatus.NoLogonServers, ntstatus.NoLogonServers},
		"another key": {fmt.Errorf("x: %w", errWrongKey), ntstatus.LogonFailure, ntstatus.WrongPassword},
		"an answer":   {errAnswer, ntstatus.LogonFailure, ntstatus.LogonFailure},
	} {
		if st, why := reason(refusedBy(c.err)); st != c.status || why != c.why {
			t.Errorf("K-59: %s: %v for %v", what, st, why)
		}
	}
}

// TestSaltsAndKeys: the salt is the KDC's word, else the realm and the name; the key is that of RFC 3962 and RFC 4757
// (K-55).
func TestSaltsAndKeys(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18, 23}}
	info := func(etype int32, salt string) types.PAData {
		b, err := asn1.Marshal(types.ETypeInfo2{{EType: etype, Salt: salt}})
		if err != nil {
			t.Fatal(err)
		}
		return types.PAData{PADataType: paETypeInfo2, PADataValue: b}
	}
	for _, c := range []struct {
		name string
		data types.PADataSequence
		etyp int32
		salt string
		made int32
	}{
		{"alice", nil, 18, realm + "alice", 18}, {"HTTP/www", nil, 18, realm + "HTTPwww", 18},
		{"alice", types.PADataSequence{info(18, "")}, 0, realm + "alice", 18},
		{"alice", types.PADataSequence{info(18, "salt")}, 0, "salt", 18},
		{"alice", types.PADataSequence{{PADataType: 11, PADataValue: []byte{1}}, info(18, "salt")}, 18, "salt", 18},
		{"alice", types.PADataSequence{info(23, "salt")}, 0, "salt", 23},
	} {
		_, err := x.key(c.name, c.etyp, c.data, func(etype int32, salt string, _ uint32) (types.EncryptionKey, error) {
			if etype != c.made || salt != c.salt {
				t.Errorf("K-55: a key of type %d with the salt %q, want %d and %q", etype, salt, c.made, c.salt)
			}
			return secret, nil
		})
		if err != nil {
			t.Errorf("K-55: %s: %v", c.name, err)
		}
	}
	broken := types.PADataSequence{{PADataType: paETypeInfo2, PADataValue: []byte{1}}}
	if _, err := x.key("alice", 18, broken, passwordKey("w")); !errors.Is(err, errAnswer) {
		t.Errorf("K-55: what cannot be read: %v", err)
	}
	// RFC 3962, appendix B: 1,200 iterations of "password" with the salt "ATHENA.MIT.EDUraeburn"; RFC 4757 4.
	for etype, want := range map[int32]string{17: "4c01cd46d632d01e6dbe230a01ed642a",
		18: "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a", 23: "8846f7eaee8fb117ad06bdd830b7586c"} {
		k, err := passwordKey("password")(etype, "ATHENA.MIT.EDUraeburn", 1200)
		if err != nil || k.KeyType != etype || fmt.Sprintf("%x", k.KeyValue) != want {
			t.Errorf("K-55: type %d: %x, %v, want %s", etype, k.KeyValue, err, want)
		}
	}
	if _, err := passwordKey("password")(99, "s", 4096); !errors.Is(err, errParameters) {
		t.Errorf("K-55: an unknown type: %v", err)
	}
}

// TestPasswordBounds: names and passwords from both sides of their bounds, and the ticket of a logon that is as old
// as clocks may differ, or a second older (K-53, K-57).
func TestPasswordBounds(t *testing.T) {
	for name, want := range map[string]bool{"alice": true, "": false, "a/b": false, "a@b": false, `a\b`: false,
		"a\nb": false, "a\x7f": false, "\xff": false, "ä": true, "a b": true, strings.Repeat("n", 256): true,
		strings.Repeat("n", 257): false, strings.Repeat("ü", 128): true, strings.Repeat("ü", 128) + "n": false} {
		if err := user(name); (err == nil) != want {
			t.Errorf("K-53: %.20q: %v", name, err)
		}
	}
	now := noon.Truncate(time.Second)
	for _, c := range []struct {
		name, password, ticketOf string
		proved                   time.Duration
		want                     string // in the error; "" for a client
	}{
		{"alice", strings.Repeat("x", 1024), "alice", 0, ""}, {"alice", strings.Repeat("x", 1025), "alice", 0, "too long"},
		{"alice", "x", "bob", 0, "the authenticator is of another client than the ticket"},
		{"alice", "x", "alice", -5 * time.Minute, ""},
		{"alice", "x", "alice", -5*time.Minute - time.Second,
			"does not prove that it is the realm's: the ticket is of an earlier logon"},
	} {
		p := centre(t, func(k *forge.Centre) {
			k.Users = map[string]string{"alice": c.password}
			k.Ticket = func(string) *forge.Ticket {
				at := now.Add(c.proved)
				return &forge.Ticket{Service: service, Realm: realm, Key: secret, Version: 1, Client: c.ticketOf, AuthTime: at,
					PAC: pacOf(secret)(c.ticketOf, at)}
			}
		}, func(cfg *Config) { cfg.Keys, cfg.Now = oneKey(t), clock(started, now) })
		got, err := p.Check(context.Background(), c.name, logon.Secret(c.password))
		if (got != nil) != (c.want == "") || (err == nil) != (c.want == "") ||
			err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("K-57: a ticket of %s, %v ago: %v, %v, want %q", c.ticketOf, -c.proved, got, err, c.want)
		}
		if got != nil && (got.Level != winnt.SecurityImpersonation || !got.ByPassword || got.Name != c.ticketOf) {
			t.Errorf("K-53: %+v", got)
		}
	}
	// The ticket for this host is refused, after the password was right.
	p := centre(t, nil, func(cfg *Config) { cfg.Keys, cfg.Services = oneKey(t), nil })
	asked := 0
	k := forge.Centre{Realm: realm, Users: map[string]string{"alice": "w"}, Key: secret,
		Now: func() time.Time { return noon }}
	k.Answer = func(b []byte) []byte {
		if asked++; asked == 3 {
			e := messages.NewKRBError(principal(2, "krbtgt/"+realm), realm, 7, "unknown service")
			b, _ = e.Marshal()
		}
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	}
	p.KDCs.Addresses = []string{k.Start()}
	defer k.Listener.Close()
	if got, err := p.Check(context.Background(), "alice", "w"); got != nil || err == nil ||
		!strings.Contains(err.Error(), "the ticket for this host: the KDC refuses with code 7") {
		t.Errorf("K-58: %v, %v", got, err)
	}
}

// TestTold: what a record has of each ticket, bounded in each of its parts (K-50, K-80, K-81).
func TestTold(t *testing.T) {
	c := &Client{Name: "alice", Realm: realm, Service: "s", AuthTime: noon, PAC: &pac.PAC{}, start: noon.Add(time.Hour),
		end: noon.Add(2 * time.Hour), issuer: "I", etype: 17, used: 18}
	const head = "alice@EXAMPLE.TEST by a ticket for s of 2026-01-02T12:00:00Z (valid from 2026-01-02T13:00:00Z to " +
		"2026-01-02T14:00:00Z, encryption type 17, session key of type 18, issued by I"
	if got := c.Proof(); got != head+")" {
		t.Errorf("K-81: %q", got)
	}
	c.PAC.Logon.LogonServer = strings.Repeat("d", 513)
	c.PAC.Delegation = &pac.Delegation{}
	if got := c.Proof(); got != head+", logged on at "+strings.Repeat("d", 512)+"…)" {
		t.Errorf("K-81: %q", got)
	}
	c.PAC.Logon.LogonServer = strings.Repeat("d", 512)
	for i := range 9 {
		c.PAC.Delegation.Transited = append(c.PAC.Delegation.Transited, fmt.Sprint("t", i))
		c.Identity.Dropped = append(c.Identity.Dropped, pac.Dropped{SID: domain.WithRID(uint32(i)), Why: "w"})
	}
	want := ", logged on at " + strings.Repeat("d", 512) + "), by delegation through 9 services: t0, t1, t2, t3, t4, " +
		"t5, t6, t7, without 9 SIDs:"
	for i := range 8 {
		want += fmt.Sprintf(" S-1-5-21-10-20-30-%d (w)", i)
	}
	if got := c.Proof(); got != head+want {
		t.Errorf("K-81: %q, want %q", got, head+want)
	}
	long := &Refusal{Status: ntstatus.LogonFailure, Reason: ntstatus.BadBindings, Client: "al\x1bice", Realm: "R\x1b",
		Why: errors.New(strings.Repeat("w", 600))}
	r, st := Refused(fmt.Errorf("x: %w", long))
	if st != ntstatus.LogonFailure || r.Reason != ntstatus.BadBindings || r.Account.Name != "al\uFFFDice" ||
		r.Account.Domain != "R\uFFFD" || len(r.Proof) > 530 ||
		!strings.HasPrefix(r.Proof, "kerberos: al\uFFFDice@R\uFFFD: ww") ||
		!strings.HasSuffix(r.Proof, "w…") {
		t.Errorf("K-80: %v, %+v", st, r)
	}
	if r, st := Refused(errAnswer); st != ntstatus.LogonFailure || r.Reason != 0 || r.Proof != "" {
		t.Errorf("K-80: another error: %v, %+v", st, r)
	}
	if text := (&Refusal{Realm: "R", Why: errAnswer}).Error(); text != "kerberos: "+string(errAnswer) {
		t.Errorf("K-80: without a client: %q", text)
	}
	// A token as long as any is decoded, and one that is longer is not.
	a := acceptor(t, nil)
	for n, want := range map[int]error{MaxBlob: errOuter, MaxBlob + 1: errOuter, MaxBlob + 3: errOuter} {
		_, err := accept(a, &logon.Request{Token: logon.Secret(base64.StdEncoding.EncodeToString(make([]byte, n)))})
		if !errors.Is(err, want) {
			t.Errorf("K-35: %d bytes: %v", n, err)
		}
	}
}

// TestWhereKDCsAre: addresses with and without a port, and those that the DNS names, as many as are asked (RFC 4120
// 7.2.3).
func TestWhereKDCsAre(t *testing.T) {
	k := KDCs{Addresses: []string{"kdc", "kdc:89", "192.0.2.1", "[2001:db8::1]:90", "2001:db8::1"}}
	all, err := k.list(context.Background(), realm)
	if want := []string{"kdc:88", "kdc:89", "192.0.2.1:88", "[2001:db8::1]:90", "[2001:db8::1]:88"}; err != nil ||
		!slices.Equal(all, want) {
		t.Errorf("%q, %v, want %q", all, err, want)
	}
	old := net.DefaultResolver
	defer func() { net.DefaultResolver = old }()
	for _, n := range []int{0, 1, 8, 9} {
		asked := make(chan string, 8)
		net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go names(there, n, asked)
			return here, nil
		}}
		all, err := (&KDCs{}).list(context.Background(), "example.test.")
		if q := <-asked; q != "_kerberos._tcp.example.test." {
			t.Errorf("the DNS is asked for %q", q)
		}
		if n == 0 {
			if all != nil || !errors.Is(err, ErrNoKDC) {
				t.Errorf("no KDC in the DNS: %q, %v", all, err)
			}
			continue
		}
		want := []string{}
		for i := range min(n, 8) {
			want = append(want, fmt.Sprintf("kdc%d.example.test.:%d", i, 1000+i))
		}
		if err != nil || !slices.Equal(all, want) {
			t.Errorf("%d in the DNS: %q, %v, want %q", n, all, err, want)
		}
	}
}

// names answers one question of the DNS with so many services, in the order of their priorities.
func names(c net.Conn, n int, asked chan<- string) {
	defer c.Close()
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return
	}
	var m dnsmessage.Message
	if m.Unpack(b) != nil || len(m.Questions) != 1 {
		return
	}
	asked <- m.Questions[0].Name.String()
	m.Response, m.RecursionAvailable = true, true
	m.Additionals = nil
	for i := range n {
		m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name,
			Type: dnsmessage.TypeSRV, Class: dnsmessage.ClassINET}, Body: &dnsmessage.SRVResource{Priority: uint16(i + 1),
			Weight: 7, Port: uint16(1000 + i), Target: dnsmessage.MustNewName(fmt.Sprintf("kdc%d.example.test.", i))}})
	}
	if b, err := m.Pack(); err == nil {
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	}
}
