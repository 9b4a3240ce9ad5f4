package kerberos

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/server/internal/test/forge"
)

// TestMechanisms: the mechanism that the client prefers decides, and each list that is not taken has its own reason
// (K-35, K-36).
func TestMechanisms(t *testing.T) {
	other := []byte{6, 1, 0x2b}
	k := ticket()
	k.Raw = true
	token := k.Blob()
	many := func(n int, last []byte) (all [][]byte) {
		for range n - 1 {
			all = append(all, forge.OIDKerberos)
		}
		return append(all, last)
	}
	for name, c := range map[string]struct {
		offered [][]byte
		want    error
		first   []byte // in DER without tag and length
	}{
		"Kerberos": {[][]byte{forge.OIDKerberos}, nil, oidKerberos}, "Microsoft's": {[][]byte{forge.OIDMSKerberos}, nil,
			oidMSKerberos}, "both": {[][]byte{forge.OIDMSKerberos, forge.OIDKerberos}, nil, oidMSKerberos},
		"before NTLM": {[][]byte{forge.OIDKerberos, forge.OIDNTLM}, nil, oidKerberos}, "NTLM": {[][]byte{forge.OIDNTLM},
			errNTLM, nil}, "another and NTLM": {[][]byte{other, forge.OIDNTLM}, errNTLM, nil},
		"another":                {[][]byte{other}, errOuter, nil},
		"another first":          {[][]byte{other, forge.OIDKerberos}, errNotFirst, nil},
		"NTLM, then Microsoft's": {[][]byte{forge.OIDNTLM, forge.OIDMSKerberos}, errNotFirst, nil},
		"NTLM last":              {[][]byte{forge.OIDNTLM, other}, errNTLM, nil},
		"as many as may be":      {many(32, other), nil, oidKerberos}, "one more": {many(33, other), errOuter, nil},
		"no identifier behind it": {[][]byte{forge.OIDKerberos, {4, 0}}, errOuter, nil},
	} {
		n, err := parseOuter(forge.Init(c.offered, token))
		if !errors.Is(err, c.want) || !slices.Equal(n.mech, c.first) || n.spnego != (c.want == nil) ||
			(len(n.apReq) > 0) != (c.want == nil) {
			t.Errorf("K-35: %s: %v, %x, want %v, %x", name, err, n.mech, c.want, c.first)
		}
	}
	if n, err := parseOuter(token); err != nil || n.spnego || !slices.Equal(n.mech, oidKerberos) {
		t.Errorf("K-35: without SPNEGO: %+v, %v", n, err)
	}
	// What goes back names the mechanism that was offered.
	n := negotiation{spnego: true, mech: oidMSKerberos}
	want := forge.DER(0xa1, forge.DER(0x30, forge.DER(0xa0, []byte{10, 1, 0}), forge.DER(0xa1, forge.OIDMSKerberos)))
	if got := n.answer(nil); !slices.Equal(got, want) {
		t.Errorf("K-48: the answer is %x, want %x", got, want)
	}
	want = forge.DER(0x60, forge.OIDKerberos, []byte{2, 0, 7})
	if got := (&negotiation{mech: oidMSKerberos}).answer([]byte{7}); !slices.Equal(got, want) {
		t.Errorf("K-48: the answer is %x, want %x", got, want)
	}
	if got := (&negotiation{}).answer(nil); got != nil {
		t.Errorf("K-48: nothing has to go back: %x", got)
	}
}

// data is one entry of authorization data.
func data(kind int32, b ...byte) types.AuthorizationDataEntry {
	return types.AuthorizationDataEntry{ADType: kind, ADData: b}
}

// within puts entries into one.
func within(t *testing.T, kind int32, all ...types.AuthorizationDataEntry) types.AuthorizationDataEntry {
	t.Helper()
	b, err := asn1.Marshal(types.AuthorizationData(all))
	if err != nil {
		t.Fatal(err)
	}
	return data(kind, b...)
}

// TestWhereThePACIs: the one PAC of the ticket, wherever in AD-IF-RELEVANT it stands, and no other (K-42).
func TestWhereThePACIs(t *testing.T) {
	one, two := data(adPAC, 1), data(adPAC, 2)
	for name, c := range map[string]struct {
		all  []types.AuthorizationDataEntry
		want []byte
		why  string
	}{
		"nothing": {nil, nil, ""}, "alone": {[]types.AuthorizationDataEntry{within(t, 1, one)}, []byte{1}, ""},
		"behind another": {[]types.AuthorizationDataEntry{within(t, 1, data(141, 9), one)}, []byte{1}, ""},
		"before another": {[]types.AuthorizationDataEntry{within(t, 1, one, data(141, 9))}, []byte{1}, ""},
		"in the second": {[]types.AuthorizationDataEntry{within(t, 1, data(141, 9)), within(t, 1, one)}, []byte{1},
			""},
		"outside":            {[]types.AuthorizationDataEntry{one}, nil, ""},
		"in another wrapper": {[]types.AuthorizationDataEntry{within(t, 4, one)}, nil, ""},
		"two in one":         {[]types.AuthorizationDataEntry{within(t, 1, one, two)}, nil, "two PACs"},
		"one in each":        {[]types.AuthorizationDataEntry{within(t, 1, one), within(t, 1, two)}, nil, "two PACs"},
		"broken":             {[]types.AuthorizationDataEntry{data(1, 0x30, 5)}, nil, "cannot be read"},
		"broken elsewhere":   {[]types.AuthorizationDataEntry{data(4, 0x30, 5), within(t, 1, one)}, []byte{1}, ""},
	} {
		o := opened{}
		o.ticket.AuthorizationData = c.all
		o.auth.AuthorizationData = types.AuthorizationData{within(t, 1, two)}
		got, err := o.pac()
		if !slices.Equal(got, c.want) || (err != nil) != (c.why != "") ||
			err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("K-42: %s: %x, %v, want %x", name, got, err, c.want)
		}
	}
}

// TestAware: a client knows bindings by one bit of one entry of its authenticator (K-46).
func TestAware(t *testing.T) {
	for name, c := range map[string]struct {
		all  types.AuthorizationData
		want bool
	}{
		"nothing": {nil, false}, "outside": {types.AuthorizationData{data(143, 0, 0x40, 0, 0)}, true},
		"inside":            {types.AuthorizationData{within(t, 1, data(141), data(143, 0, 0x40, 0, 0))}, true},
		"in the second":     {types.AuthorizationData{data(1, 9), within(t, 1, data(143, 0xff, 0xff, 0, 0))}, true},
		"another wrapper":   {types.AuthorizationData{within(t, 4, data(143, 0, 0x40, 0, 0))}, false},
		"another type":      {types.AuthorizationData{data(142, 0, 0x40, 0, 0)}, false},
		"another bit":       {types.AuthorizationData{data(143, 0x40, 0xbf, 0x40, 0x40)}, false},
		"three bytes":       {types.AuthorizationData{data(143, 0, 0x40, 0)}, false},
		"five bytes":        {types.AuthorizationData{data(143, 0, 0x40, 0, 0, 0)}, false},
		"a wrapper, broken": {types.AuthorizationData{data(1, 0x30, 9)}, false},
	} {
		o := opened{}
		o.auth.AuthorizationData = c.all
		o.ticket.AuthorizationData = []types.AuthorizationDataEntry{data(143, 0, 0x40, 0, 0)} // not the client's
		if o.aware() != c.want {
			t.Errorf("K-46: %s: %t", name, !c.want)
		}
	}
}

// TestCheckedFields: each field of a ticket and its authenticator is looked at by itself (K-41).
func TestCheckedFields(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*opened)
		why    string
		status ntstatus.Status
	}{
		"as it is":        {func(*opened) {}, "", 0},
		"another version": {func(o *opened) { o.auth.AVNO = 4 }, "another client", 0},
		"another name":    {func(o *opened) { o.auth.CName = principal(1, "bob") }, "another client", 0},
		"a part more":     {func(o *opened) { o.auth.CName = principal(1, "alice/x") }, "another client", 0},
		"another realm":   {func(o *opened) { o.auth.CRealm = "OTHER.TEST" }, "another client", 0},
		"no name in either": {func(o *opened) {
			o.auth.CName, o.ticket.CName = types.PrincipalName{}, types.PrincipalName{}
		}, "no client", 0},
		"no realm in either": {func(o *opened) { o.auth.CRealm, o.ticket.CRealm = "", "" }, "no client", 0},
		"marked invalid":     {func(o *opened) { types.SetFlag(&o.ticket.Flags, 7) }, "invalid", 0},
		"marked by its others": {func(o *opened) {
			types.SetFlag(&o.ticket.Flags, 6)
			types.SetFlag(&o.ticket.Flags, 8)
		}, "", 0},
		"marked, and late": {func(o *opened) {
			types.SetFlag(&o.ticket.Flags, 7)
			o.auth.CTime = noon.Add(time.Hour)
		}, "invalid", 0},
		"valid later": {func(o *opened) { o.ticket.StartTime = noon.Add(time.Minute + time.Second) }, "valid from",
			ntstatus.TimeDifferenceAtDC},
		"proved later, no start": {func(o *opened) { o.ticket.AuthTime = noon.Add(time.Minute + time.Second) },
			"valid from", ntstatus.TimeDifferenceAtDC},
		"proved later, started": {func(o *opened) {
			o.ticket.AuthTime, o.ticket.StartTime = noon.Add(time.Hour), noon
		}, "", 0},
		"expired": {func(o *opened) { o.ticket.EndTime = noon.Add(-time.Minute - time.Second) }, "expired",
			ntstatus.TimeDifferenceAtDC},
		"just not expired": {func(o *opened) { o.ticket.EndTime = noon.Add(-time.Minute) }, "", 0},
		"microseconds count": {func(o *opened) { o.auth.CTime, o.auth.Cusec = noon.Add(time.Minute), 1 }, "clocks",
			ntstatus.TimeDifferenceAtDC},
		"a second of them does not": {func(o *opened) {
			o.auth.CTime, o.auth.Cusec = noon.Add(time.Minute), 1_000_000
		}, "", 0},
	} {
		o := &opened{ticket: messages.EncTicketPart{Flags: types.NewKrbFlags(), CName: principal(1, "alice"), CRealm: realm,
			AuthTime: noon, EndTime: noon.Add(time.Hour)}, auth: types.Authenticator{AVNO: 5, CName: principal(1, "alice"),
			CRealm: realm, CTime: noon}}
		c.change(o)
		err := o.check(noon, time.Minute)
		var f fault
		if (err != nil) != (c.why != "") || err != nil && !strings.Contains(err.Error(), c.why) || errors.As(err,
			&f) != (c.status != 0) || f.status != c.status {
			t.Errorf("K-41: %s: %v, want %q", name, err, c.why)
		}
	}
	for n, want := range map[int]bool{0: true, 1: false, 7: true, 8: false, 9: true, 15: false, 16: false} {
		if bit([]byte{0x81, 0x40}, n) != want {
			t.Errorf("K-41: bit %d is %t", n, !want)
		}
	}
}

// TestSecrets: why a file of keys is not read, and as many bytes of one as were asked for (K-33).
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int64]string{1: "1", 4: "1234", 5: "12345", 6: "12345"} {
		if b, err := ReadSecret("w", path, most); err != nil || string(b) != want {
			t.Errorf("K-33: %d bytes: %q, %v", most, b, err)
		}
	}
	for _, c := range []struct {
		mode os.FileMode
		want string
	}{{0o640, "w " + path + ": mode 0640 lets others read it: chmod 600 it"}, {0o400, ""}, {0o700, ""},
		{0o604, "w " + path + ": mode 0604 lets others read it: chmod 600 it"}} {
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		b, err := ReadSecret("w", path, 9)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want || b != nil) {
			t.Errorf("K-33: mode %o: %q, %v", c.mode, b, err)
		}
	}
	if _, err := ReadSecret("w", dir, 9); err == nil || err.Error() != "w "+dir+": it is no file" {
		t.Errorf("K-33: a folder: %v", err)
	}
	if _, err := ReadSecret("w", path+"x", 9); err == nil || !strings.HasPrefix(err.Error(), "w: ") ||
		!errors.Is(err, os.ErrNotExist) {
		t.Errorf("K-33: no file: %v", err)
	}
	if err := os.WriteFile(path, []byte{5, 2}, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadKeytab(path); err == nil || err.Error() != "keytab "+path+": it has no keys" {
		t.Errorf("K-33: a keytab without keys: %v", err)
	}
}

// TestEntries: what a keytab has in each field of an entry, gaps and its end, written by hand (K-33, K-34).
func TestEntries(t *testing.T) {
	be := binary.BigEndian
	text := func(s string) []byte { return append(be.AppendUint16(nil, uint16(len(s))), s...) }
	entry := func(parts uint16, body ...[]byte) []byte {
		b := slices.Concat(append([][]byte{be.AppendUint16(nil, parts)}, body...)...)
		return append(be.AppendUint32(nil, uint32(len(b))), b...)
	}
	rest := []byte{0, 0, 0, 1, 0, 0, 0, 0, 7, 0, 18, 0, 2, 0xaa, 0xbb} // of version 7, type 18, with a key of two bytes
	whole := func(more ...byte) []byte {
		return entry(2, text("R"), text("http"), text("www"), append(slices.Clone(rest), more...))
	}
	for name, c := range map[string]struct {
		b    []byte
		want string // entries: service in realm, version, type, bytes of the key; "" for an error
	}{
		"one":                {whole(), "http/www R 7 18 aabb"},
		"a longer version":   {whole(0, 0, 1, 0), "http/www R 256 18 aabb"},
		"a longer one of 0":  {whole(0, 0, 0, 0), "http/www R 7 18 aabb"},
		"three bytes of it":  {whole(0, 0, 1), "http/www R 7 18 aabb"},
		"one of one part":    {entry(1, text("R"), text("host"), rest), "host R 7 18 aabb"},
		"a part too few":     {entry(3, text("R"), text("http"), text("www"), rest), ""},
		"no part":            {entry(0, text("R"), rest), ""},
		"an empty key":       {entry(1, text("R"), text("host"), rest[:11], []byte{0, 0}), ""},
		"a key that is cut":  {entry(1, text("R"), text("host"), rest[:14]), ""},
		"a gap, then one":    {append([]byte{0xff, 0xff, 0xff, 0xfe, 9, 9}, whole()...), "http/www R 7 18 aabb"},
		"a gap that is cut":  {append(whole(), 0xff, 0xff, 0xff, 0xfe, 9), ""},
		"an end, then more":  {append(append(whole(), 0, 0, 0, 0), whole()...), "http/www R 7 18 aabb"},
		"an end at once":     {append([]byte{0, 0, 0, 0}, whole()...), ""},
		"three bytes behind": {append(whole(), 1, 2, 3), "http/www R 7 18 aabb"},
		"a longer length":    {append(whole(), 0, 0, 0, 1), ""},
		"two": {append(whole(), entry(1, text("S"), text("x"), rest)...),
			"http/www R 7 18 aabb; x S 7 18 aabb"},
		"the largest gap": {append([]byte{0x80, 0, 0, 0}, whole()...), ""},
	} {
		k, err := ParseKeytab(append([]byte{5, 2}, c.b...))
		var all []string
		if err == nil {
			for _, e := range k.entries {
				all = append(all, fmt.Sprintf("%s %s %d %d %x", e.service, e.realm, e.version, e.key.KeyType, e.key.KeyValue))
			}
		}
		if got := strings.Join(all, "; "); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("K-33: %s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	for name, b := range map[string][]byte{"of version 5.1": {5, 1}, "of version 4.2": {4, 2}, "one byte": {5}} {
		if k, err := ParseKeytab(append(slices.Clone(b), whole()...)); k != nil || !errors.Is(err, errKeytab) {
			t.Errorf("K-33: a keytab %s: %v", name, err)
		}
	}
	one := entry(1, nil, text(""), text("x"), rest)
	for n, want := range map[int]bool{maxEntries: true, maxEntries + 1: false} {
		if _, err := ParseKeytab(append([]byte{5, 2}, slices.Repeat(one, n)...)); (err == nil) != want {
			t.Errorf("K-33: %d entries: %v", n, err)
		}
	}
	long := func(n int) []byte {
		gap := n - len(whole()) - 6
		return slices.Concat([]byte{5, 2}, whole(), be.AppendUint32(nil, uint32(-gap)), make([]byte, gap))
	}
	for n, want := range map[int]bool{maxKeytab: true, maxKeytab + 1: false} {
		if _, err := ParseKeytab(long(n)); (err == nil) != want || len(long(n)) != n {
			t.Errorf("K-33: %d bytes: %v", n, err)
		}
	}
}

// TestNewestKey: an account's own key comes before those of its services, and the newest of each (K-60).
func TestNewestKey(t *testing.T) {
	keys := map[string]types.EncryptionKey{}
	var all []forge.Entry
	add := func(name, service, in string, version uint32, kind int32) {
		keys[name] = forge.NewKey(kind)
		all = append(all, forge.Entry{Service: service, Realm: in, Version: version, Key: keys[name]})
	}
	add("own 2", "web", realm, 2, 18)
	add("own 3", "web", realm, 3, 18)
	add("own 1", "web", realm, 1, 18)
	add("service 9", "HTTP/x", realm, 9, 18)
	add("service short 4", "HTTP/x", realm, 4, 17)
	add("service short 5", "HTTP/y", realm, 5, 17)
	add("elsewhere", "web", "OTHER.TEST", 7, 18)
	k, err := ParseKeytab(forge.Keytab(all...))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		account, in string
		kind        int32
		want        string
	}{{"web", realm, 18, "own 3"}, {"web", realm, 17, "service short 5"}, {"other", realm, 18, "service 9"},
		{"web", "OTHER.TEST", 18, "elsewhere"}, {"web", "OTHER.TEST", 17, ""}, {"web", realm, 23, ""}} {
		got, ok := k.of(c.account, c.in, c.kind)
		if ok != (c.want != "") || ok && !slices.Equal(got.KeyValue, keys[c.want].KeyValue) {
			t.Errorf("K-60: %s in %s of type %d: %t, want %s", c.account, c.in, c.kind, ok, c.want)
		}
	}
	for _, c := range []struct {
		etypes []int32
		want   string
	}{{[]int32{18}, "HTTP/x"}, {[]int32{23, 17}, "HTTP/x"}, {[]int32{23}, ""}, {nil, ""}} {
		if got := k.first(realm, c.etypes); got != c.want {
			t.Errorf("K-53: the first service of types %v is %q, want %q", c.etypes, got, c.want)
		}
	}
	if got := k.first("OTHER.TEST", []int32{18}); got != "" { // an account is no service
		t.Errorf("K-53: the first service elsewhere is %q", got)
	}
	a := acceptor(t, func(c *Config) { c.Keys, c.Services = k, []string{} })
	if got := a.own(); got != "HTTP/x" {
		t.Errorf("K-53: this host's service is %q", got)
	}
}

// TestRandom: numbers that an exchange draws are not negative, and others each time (RFC 4120 5.2.4, 5.4.1).
func TestRandom(t *testing.T) {
	x := exchange{realm: realm, etypes: []int32{18}, now: func() time.Time { return noon }}
	o := opened{ticket: messages.EncTicketPart{Key: secret}}
	nonces, numbers := map[int]bool{}, map[int64]bool{}
	for range 48 {
		body, err := x.body(principal(1, "alice"), principal(2, service))
		if err != nil || body.Nonce < 0 || body.Nonce > 1<<31-1 || body.Realm != realm ||
			!body.Till.Equal(noon.Truncate(time.Second).Add(10*time.Minute)) || !slices.Equal(body.EType, x.etypes) {
			t.Fatalf("%+v, %v", body, err)
		}
		b, err := o.reply()
		var rep messages.APRep
		var part messages.EncAPRepPart
		if err != nil || rep.Unmarshal(b) != nil || rep.EncPart.EType != 18 {
			t.Fatal(err)
		}
		if b, err = crypto.DecryptEncPart(rep.EncPart, secret, 12); err != nil || part.Unmarshal(b) != nil {
			t.Fatal(err)
		}
		if part.SequenceNumber < 0 || part.SequenceNumber > 1<<30-1 {
			t.Errorf("K-48: the number %d", part.SequenceNumber)
		}
		nonces[body.Nonce], numbers[part.SequenceNumber] = true, true
	}
	if len(nonces) < 40 || len(numbers) < 40 {
		t.Errorf("of 48 draws %d and %d differ", len(nonces), len(numbers))
	}
}
