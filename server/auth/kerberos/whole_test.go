package kerberos

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/auth/kerberos/pac"
	"github.com/refmon/refmon/server/internal/test/forge"
	"github.com/refmon/refmon/server/lsa"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestUserOfAClient: all that the store is told of a client, each from its own place, and no character of a name steers
// who reads it (K-18, K-50).
func TestUserOfAClient(t *testing.T) {
	set := func(name string) *claims.Set {
		s, err := claims.NewSet([]claims.Attribute{{Name: name, Type: claims.Int64, Ints: []int64{1}}})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	other := sid.MustParse("S-1-5-21-40-50-60")
	group := func(rid, attributes uint32) []token.Group {
		return []token.Group{{SID: other.WithRID(rid), Attributes: attributes}}
	}
	c := &Client{Name: "of the ticket", Realm: realm, PAC: &pac.PAC{Logon: pac.LogonInfo{EffectiveName: "al\x1bice",
		FullName: "A. Lice", LogonServer: "DC1", LogonDomainName: "EXAM\u202ePLE", UserID: 9, PrimaryGroupID: 8,
		DomainID: domain}}, Identity: pac.Identity{User: domain.WithRID(1104), PrimaryGroup: domain.WithRID(513),
		Groups: group(1, 7), DeviceGroups: group(2, 0x10), UserClaims: set("ad://user"), DeviceClaims: set("ad://device"),
		Dropped: []pac.Dropped{{SID: sid.Everyone, Why: "no"}}}}
	want := lsa.DomainUser{Account: logon.Account{SID: domain.WithRID(1104), Use: winnt.SidTypeUser,
		Domain: "EXAM\ufffdPLE", DomainSID: domain, Name: "al\ufffdice"}, PrimaryGroup: domain.WithRID(513),
		Groups: group(1, 7), DeviceGroups: group(2, 0x10), UserClaims: c.Identity.UserClaims,
		DeviceClaims: c.Identity.DeviceClaims}
	if got := c.User(); !reflect.DeepEqual(got, want) || got.UserClaims == got.DeviceClaims {
		t.Errorf("K-18: the store is told\n%+v, want\n%+v", got, want)
	}
}

// TestRealmsOfServices: a ticket is for the realm of the configuration, also where the keytab has a key for another,
// and a realm in other letters is another one, of services and of clients (K-29, K-38).
func TestRealmsOfServices(t *testing.T) {
	const another = "OTHER.TEST"
	two, err := ParseKeytab(forge.Keytab(forge.Entry{Service: service, Realm: realm, Version: 3, Key: secret},
		forge.Entry{Service: service, Realm: another, Version: 3, Key: secret},
		forge.Entry{Service: service, Realm: strings.ToLower(realm), Version: 3, Key: secret}))
	if err != nil {
		t.Fatal(err)
	}
	for _, named := range [][]string{nil, {service}} {
		a := acceptor(t, func(c *Config) { c.Keys, c.Services = two, named })
		for of, want := range map[string]bool{realm: true, another: false, strings.ToLower(realm): false, "": false} {
			if got := a.serves(service, of); got != want {
				t.Errorf("K-38: %v named: in %q: %t, want %t", named, of, got, want)
			}
			k := ticket()
			k.Realm, k.ClientRealm = of, realm
			if _, err := a.Accept(k.Blob(), nil); (err == nil) != want {
				t.Errorf("K-38: %v named: a ticket of %q: %v", named, of, err)
			}
		}
	}
	for of, want := range map[string]ntstatus.Status{realm: ntstatus.Success, another: ntstatus.TrustedDomainFailure,
		strings.ToLower(realm): ntstatus.TrustedDomainFailure} {
		k := ticket()
		k.ClientRealm = of
		_, err := acceptor(t, nil).Accept(k.Blob(), nil)
		got := ntstatus.Success
		if err != nil {
			_, got = reason(err)
		}
		if got != want {
			t.Errorf("K-29: a client of %q as a user of ours: %v, %v, want %v", of, got, err, want)
		}
	}
}

// TestGroupsBesideTickets: groups that a caller adds stand beside those of the ticket, which all stay (L-33).
func TestGroupsBesideTickets(t *testing.T) {
	store, err := lsa.Open(lsa.Config{Folder: t.TempDir(), Computer: "host", Subuids: []string{},
		Password: lsa.Hashing{Memory: 8, Passes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	more := []token.Group{{SID: domain.WithRID(7001), Attributes: token.GroupDefault},
		{SID: domain.WithRID(7002), Attributes: token.GroupDefault}}
	ask := func(groups []token.Group) []token.Group {
		t.Helper()
		taking, k := acceptor(t, nil), ticket()
		a := Authority{Store: store, Tickets: func() *Acceptor { return taking }}
		r, st := a.LogOn(logon.Request{Package: logon.Ticket, Type: winnt.LOGON32_LOGON_NETWORK, Tcb: true, Groups: groups,
			Token: logon.Secret(base64.StdEncoding.EncodeToString(k.Blob()))})
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return r.Token.Groups
	}
	alone, both := ask(nil), ask(more)
	if !slices.ContainsFunc(alone, func(g token.Group) bool { return g.SID == domain.WithRID(513) }) {
		t.Errorf("L-33: the ticket's groups are %v", alone)
	}
	sorted := func(all []token.Group) []token.Group {
		return slices.SortedFunc(slices.Values(all), func(a, b token.Group) int { return a.SID.Compare(b.SID) })
	}
	if want := slices.Concat(alone, more); !slices.Equal(sorted(both), sorted(want)) {
		t.Errorf("L-33: groups\n%v, want\n%v", both, want)
	}
}

// TestBoundsOfConfigurations: clocks may differ by a second to an hour, and by five minutes where nothing is said
// (K-41).
func TestBoundsOfConfigurations(t *testing.T) {
	for skew, want := range map[time.Duration]time.Duration{0: 5 * time.Minute, time.Second - 1: 0,
		time.Second: time.Second, time.Hour: time.Hour, time.Hour + 1: 0, -time.Minute: 0} {
		a, err := New(Config{Keys: keys(t), Realm: realm, Skew: skew})
		if (err == nil) != (want != 0) || (a == nil) != (want == 0) {
			t.Errorf("K-41: a skew of %v: %v", skew, err)
		}
		if a != nil && (a.cfg.Skew != want || !slices.Equal(a.etypes, []int32{17, 18, 19, 20})) {
			t.Errorf("K-41: a skew of %v is %v; types %v", skew, a.cfg.Skew, a.etypes)
		}
	}
}

// TestLengthOfTokens: a token may have 512 KiB, and not a byte more is looked at (K-36).
func TestLengthOfTokens(t *testing.T) {
	for n, want := range map[int]error{MaxBlob - 1: errNTLM, 512 << 10: errNTLM, 512<<10 + 1: errOuter} {
		b := append([]byte("NTLMSSP\x00"), make([]byte, n-8)...)
		if _, err := parseOuter(b); !errors.Is(err, want) {
			t.Errorf("K-36: %d bytes: %v, want %v", n, err, want)
		}
	}
}

// TestFormsOfStatus: the status of a KDC has twelve bytes, no fewer and no more, in an element of its type, alone or in
// a list wherever it stands there; the first one counts (K-85).
func TestFormsOfStatus(t *testing.T) {
	element := func(kind byte, status uint32, size int) []byte {
		value := append(binary.LittleEndian.AppendUint32(nil, status), make([]byte, 16)...)[:size]
		return slices.Concat([]byte{0x30, byte(9 + size), 0xa1, 3, 2, 1, kind, 0xa2, byte(2 + size), 4, byte(size)}, value)
	}
	list := func(all ...[]byte) []byte {
		b := bytes.Join(all, nil)
		return append([]byte{0x30, byte(len(b))}, b...)
	}
	const expired, locked = 0xC0000193, 0xC0000234
	good := element(3, expired, 12)
	for name, c := range map[string]struct {
		b    []byte
		want ntstatus.Status
	}{
		"alone": {good, expired}, "eleven bytes": {element(3, expired, 11), 0},
		"thirteen bytes": {element(3, expired, 13), 0},
		"four bytes":     {element(3, expired, 4), 0}, "type 1": {element(1, expired, 12), 0},
		"type 2": {element(2, expired, 12), 0}, "type 4": {element(4, expired, 12), 0}, "a list": {list(good), expired},
		"behind another type": {list(element(2, locked, 12), good), expired},
		"before another type": {list(good, element(2, locked, 12)), expired},
		"behind a longer one": {list(element(3, locked, 13), good), expired},
		"two":                 {list(good, element(3, locked, 12)), expired}, "none": {list(), 0},
		"a list and a byte": {append(list(good), 0), 0}, "a list of a list": {list(list(good)), 0},
	} {
		if got := extended(c.b); got != c.want {
			t.Errorf("K-85: %s: %#x, want %#x", name, uint32(got), uint32(c.want))
		}
	}
}
