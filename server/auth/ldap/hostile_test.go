package ldap

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/server/auth/kerberos"
	"github.com/refmon/refmon/sid"
)

// aliceAt finds alice at a server that answers a search below the base as the case says,
// and everything else as it should.
func aliceAt(t *testing.T, answer func(a asked, alice []byte) [][]byte, change func(*Config)) (*Found, error) {
	t.Helper()
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		out := w.answer(a)
		if !a.below {
			return out
		}
		return answer(a, out[0])
	}
	return f.directory(change).Find(context.Background(), "alice", false)
}

// TestHostileAnswers: whatever a server answers, there is an error and no account, never a part of
// one.
func TestHostileAnswers(t *testing.T) {
	last := func(a asked) []byte { return end(a) }
	long := func(id int64, n int) []byte {
		return found(id, "CN=alice,"+base, map[string][]string{"x": {strings.Repeat("x", n)}})
	}
	const short = 300 * time.Millisecond
	wait := func(c *Config) { c.Limits.Wait = short }
	type answer = func(a asked, alice []byte) [][]byte
	for what, c := range map[string]struct {
		answer answer
		change func(*Config)
		away   bool // as if no server answered
	}{
		"no end, and silence (D-5)": {func(a asked, e []byte) [][]byte { return [][]byte{e} }, wait, true},
		"silence":                   {func(asked, []byte) [][]byte { return nil }, wait, true},
		"no control of the last page (D-5)": {func(a asked, e []byte) [][]byte {
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, 0)}
		}, nil, false},
		"another message's number": {func(a asked, e []byte) [][]byte {
			return [][]byte{found(a.id+1, "CN=alice,"+base, nil), done(a.id+1, goldap.ApplicationSearchResultDone, 0)}
		}, wait, true},
		"entries without end (D-5)": {func(a asked, e []byte) (out [][]byte) {
			for range 600 {
				out = append(out, e)
			}
			return append(out, last(a))
		}, nil, false},
		"pages without end (D-5)": {func(a asked, e []byte) [][]byte {
			more := goldap.NewControlPaging(1)
			more.SetCookie([]byte("more"))
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
		}, nil, false},
		"an entry from elsewhere (D-7)": {func(a asked, e []byte) [][]byte {
			return [][]byte{found(a.id, "CN=alice,DC=evil,DC=test", newWorld().entries["CN=alice,"+base]), last(a)}
		}, nil, false},
		"an entry without a right name (D-7)": {func(a asked, e []byte) [][]byte {
			return [][]byte{found(a.id, "alice", nil), last(a)}
		}, nil, false},
		"a message of two gigabytes (D-4)": {func(a asked, e []byte) [][]byte {
			return [][]byte{{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 2, 1}}
		}, nil, true},
		"values of many bytes (D-4)": {func(a asked, e []byte) [][]byte {
			return [][]byte{long(a.id, 1<<20), long(a.id, 1<<20), last(a)}
		}, func(c *Config) { c.Limits.Bytes = 1 << 20 }, true},
		"results after the end": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, 0, goldap.NewControlPaging(0)), e, last(a)}
		}, nil, false},
		"a referral instead of an answer (D-6)": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, goldap.LDAPResultReferral)}
		}, nil, false},
		"an answer of another kind": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationBindResponse, 0)}
		}, wait, true},
		"bytes of another protocol": {func(asked, []byte) [][]byte {
			return [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")}
		}, wait, true},
		"an entry without attributes": {func(a asked, e []byte) [][]byte {
			p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
			p.AppendChild(text("CN=alice," + base))
			return [][]byte{message(a.id, p), last(a)}
		}, nil, true},
		"too busy": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, goldap.LDAPResultBusy)}
		}, nil, true},
		"refused": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, goldap.LDAPResultInsufficientAccessRights)}
		}, nil, false},
	} {
		got, err := aliceAt(t, c.answer, c.change)
		if got != nil || err == nil || errors.Is(err, ErrAway) != c.away {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
	}
	// With a continuation reference among the entries alice is found: it is not followed (D-6).
	got, err := aliceAt(t, func(a asked, e []byte) [][]byte {
		p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultReference, nil, "")
		p.AppendChild(text("ldap://evil.test/" + base))
		return [][]byte{message(a.id, p), e, end(a)}
	}, nil)
	if err != nil || got.Name != "alice" {
		t.Errorf("D-6: %+v, %v", got, err)
	}
}

// TestWrongAccounts: entries that cannot be the account's, or of which a part is missing,
// refuse it.
func TestWrongAccounts(t *testing.T) {
	other := domain.WithRID(7).Binary()
	long := strings.Repeat("x", 70<<10)
	for what, change := range map[string]func(*world){
		"no SID":                       func(w *world) { w.set("objectSid") },
		"two SIDs":                     func(w *world) { w.set("objectSid", other, other) },
		"a SID with a byte more (D-8)": func(w *world) { w.set("objectSid", other+"x") },
		"a SID cut (D-8)":              func(w *world) { w.set("objectSid", other[:len(other)-1]) },
		"a SID that is text":           func(w *world) { w.set("objectSid", "S-1-5-21-10-20-30-7") },
		"a SID of another domain (D-10)": func(w *world) {
			w.set("objectSid", sid.MustParse("S-1-5-21-1-2-3-4").Binary())
		},
		"a well-known SID (D-10)":               func(w *world) { w.set("objectSid", sid.LocalSystem.Binary()) },
		"no primary group":                      func(w *world) { w.set("primaryGroupID") },
		"a primary group below 0":               func(w *world) { w.set("primaryGroupID", "-1") },
		"control flags that are hidden (D-11)":  func(w *world) { w.set("userAccountControl") },
		"control flags that are no number":      func(w *world) { w.set("userAccountControl", long) },
		"groups that are hidden (D-16)":         func(w *world) { w.set("tokenGroups") },
		"a group without a right SID (D-8)":     func(w *world) { w.set("tokenGroups", other, "x") },
		"a range of the groups":                 func(w *world) { w.set("tokenGroups;range=0-0", other) },
		"a SID of earlier that is wrong (D-14)": func(w *world) { w.set("sIDHistory", "x") },
		"a claim that is no number (D-12)":      func(w *world) { w.set("employeeNumber", "seven") },
		"a claim with a value twice (D-12)":     func(w *world) { w.set("department", "Sales", "SALES") },
		"a claim that is no truth (D-12)":       func(w *world) { w.set("isManager", "yes") },
		"two names":                             func(w *world) { w.set("sAMAccountName", "alice", "bob") },
		"a second account of the name (D-9)": func(w *world) {
			w.entries["CN=alice,OU=other,"+base] = w.entries["CN=alice,"+base]
		},
	} {
		w := newWorld()
		change(w)
		f := serve(t, w.answer)
		d := f.directory(func(c *Config) {
			c.Claims = map[string]Claim{}
			for _, text := range []string{"department", "employeeNumber:int64", "isManager:boolean"} {
				claim, err := ParseClaim(text)
				if err != nil {
					t.Fatal(err)
				}
				c.Claims[claim.Attribute] = claim
			}
		})
		got, err := d.Find(context.Background(), "alice", false)
		if got != nil || err == nil || errors.Is(err, ErrAway) {
			t.Errorf("%s: %+v, %v", what, got, err)
		}
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: a text of %d bytes", what, len(err.Error()))
		}
	}
}

// TestServersProveThemselves: neither name nor password goes to a server that has not proved
// itself, nor in the clear (D-1), and what was injected before TLS does not count.
func TestServersProveThemselves(t *testing.T) {
	w := newWorld()
	for what, change := range map[string]func(*Config){
		"an unknown authority": func(c *Config) { c.Roots = x509.NewCertPool() },
		"another name":         func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "127.0.0.1", "localhost", 1) },
		"no TLS there":         func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) },
	} {
		f := serve(t, w.answer)
		d := f.directory(func(c *Config) { change(c); c.Limits.Wait = time.Second })
		if got, err := d.Find(context.Background(), "alice", false); !errors.Is(err, ErrAway) || len(f.binds) != 0 {
			t.Errorf("D-1: %s: %+v, %v, %d binds", what, got, err, len(f.binds))
		}
	}
	f := serve(t, w.answer)
	f.mu.Lock()
	f.clear = true
	f.mu.Unlock()
	d := f.directory(func(c *Config) { c.Servers[0] = strings.Replace(c.Servers[0], "ldaps:", "ldap:", 1) })
	if got, err := d.Find(context.Background(), "alice", false); err != nil || got.Name != "alice" || len(f.binds) != 1 {
		t.Errorf("D-1: StartTLS: %+v, %v, binds %d", got, err, len(f.binds))
	}
	for what, change := range map[string]func(*Config){
		"no servers":                  func(c *Config) { c.Servers = nil },
		"no domain":                   func(c *Config) { c.Domain = c.Machine },
		"no security":                 func(c *Config) { c.Security = 0 },
		"no password (D-2)":           func(c *Config) { c.Password = "" },
		"no name (D-2)":               func(c *Config) { c.Account = "" },
		"signed without Kerberos":     func(c *Config) { c.Security = Signed },
		"a base without a right name": func(c *Config) { c.Base = "example.test" },
		"a server that is no address": func(c *Config) { c.Servers = []string{"dc1.example.test"} },
		"a server with a password":    func(c *Config) { c.Servers = []string{"ldaps://a:b@dc1"} },
		"another scheme":              func(c *Config) { c.Servers = []string{"ldapi:///x"} },
		"a claim without attribute":   func(c *Config) { c.Claims = map[string]Claim{"x": {}} },
		"a claim twice": func(c *Config) {
			c.Claims = map[string]Claim{"x": {"a", 3}, "X": {"b", 3}}
		},
	} {
		cfg := f.config()
		change(&cfg)
		if d, err := New(cfg); err == nil {
			t.Errorf("%s: %v", what, d)
		} else if strings.Contains(err.Error(), "pw-of-test") {
			t.Errorf("%s: the text has the password: %v", what, err)
		}
	}
}

// groupsWorld is a server that computes no groups, with groups as a case says: which are in
// which.
func groupsWorld(alice []string, in map[string][]string) *world {
	w := newWorld()
	w.root["supportedCapabilities"] = nil
	name := func(all []string) (out []string) {
		for _, n := range all {
			out = append(out, "CN="+n+","+base)
		}
		return out
	}
	w.entries["CN=alice,"+base]["memberOf"] = name(alice)
	w.entries["CN=Domain Users,"+base] = map[string][]string{"objectSid": {domain.WithRID(513).Binary()},
		"groupType": {"-2147483646"}}
	rid := uint32(2000)
	for n, of := range in {
		rid++
		w.entries["CN="+n+","+base] = map[string][]string{"objectSid": {domain.WithRID(rid).Binary()},
			"groupType": {"-2147483646"}, "memberOf": name(of)}
	}
	return w
}

// TestNested: groups by memberOf: in a cycle, below a group of mail, behind a name with
// escapes, in ranges; one that is missing refuses the account (D-17, D-18).
func TestNested(t *testing.T) {
	find := func(w *world, change func(*Config)) (*Found, error) {
		f := serve(t, w.answer)
		return f.directory(change).Find(context.Background(), "alice", false)
	}
	w := groupsWorld([]string{"a"}, map[string][]string{"a": {"b"}, "b": {"c", "a"}, "c": {"a", "c"}, "other": {"a"}})
	if got, err := find(w, nil); err != nil || len(got.Groups) != 4 {
		t.Errorf("D-17: a cycle: %+v, %v", got, err)
	}
	w = groupsWorld([]string{"a", "mail"}, map[string][]string{"a": nil, "mail": {"b"}, "b": nil})
	w.entries["CN=mail,"+base]["groupType"] = []string{"2"}
	if got, err := find(w, nil); err != nil || len(got.Groups) != 2 {
		t.Errorf("D-18: a group of mail: %+v, %v", got, err)
	}
	// Four groups by memberOf are as many as may be, or one too many.
	w = groupsWorld([]string{"a", "b"}, map[string][]string{"a": {"c"}, "b": {"d", "c"}, "c": nil, "d": nil})
	for most, all := range map[int]bool{3: false, 4: false, 5: true} { // the primary group counts, too
		got, err := find(w, func(c *Config) { c.Limits.Groups = most })
		if (err == nil) != all || all && len(got.Groups) != 5 {
			t.Errorf("D-17: at most %d groups: %+v, %v", most, got, err)
		}
	}
	w = groupsWorld([]string{"a", "gone"}, map[string][]string{"a": nil})
	if got, err := find(w, nil); err == nil || errors.Is(err, ErrAway) {
		t.Errorf("D-17: a group that is not there: %+v", got)
	}
	w = groupsWorld(nil, nil)
	delete(w.entries, "CN=Domain Users,"+base)
	if got, err := find(w, nil); err == nil {
		t.Errorf("D-17: without the primary group: %+v", got)
	}
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil})
	w.entries["CN=alice,"+base]["memberOf"] = []string{"a, not a name"}
	if got, err := find(w, nil); err == nil {
		t.Errorf("D-13: a group without a name: %+v", got)
	}
	w = groupsWorld([]string{"a"}, map[string][]string{"a": nil})
	w.entries["CN=a,"+base]["objectSid"] = nil
	if got, err := find(w, nil); err == nil {
		t.Errorf("D-17: a group without a SID: %+v", got)
	}
	many := map[string][]string{}
	var names []string
	for i := range 70 {
		n := fmt.Sprintf("g%d", i)
		names = append(names, n)
		many[n] = nil
	}
	w = groupsWorld(names, many)
	if got, err := find(w, func(c *Config) { c.Limits.Groups = 69 }); err == nil {
		t.Errorf("D-17: more groups than the limit: %d", len(got.Groups))
	}
	if got, err := find(w, func(c *Config) { c.Limits.Groups = 71 }); err != nil || len(got.Groups) != 71 {
		t.Errorf("D-17: as many groups as the limit: %v", err)
	}
	// In ranges, the second of which is asked for by its beginning.
	w = groupsWorld(nil, map[string][]string{"a": nil, "b": nil})
	alice := w.entries["CN=alice,"+base]
	alice["memberOf;range=0-0"] = []string{"CN=a," + base}
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if len(a.attributes) == 1 && a.attributes[0] == "memberOf;range=1-*" {
			return [][]byte{found(a.id, "CN=alice,"+base, map[string][]string{"memberOf;range=1-*": {"CN=b," + base}}), end(a)}
		}
		return w.answer(a)
	}
	if got, err := f.directory(nil).Find(context.Background(), "alice", false); err != nil || len(got.Groups) != 3 {
		t.Errorf("D-17: ranges: %+v, %v", got, err)
	}
	f = serve(t, w.answer) // always the first range
	if got, err := f.directory(func(c *Config) { c.Limits.Groups = 50 }).Find(context.Background(), "alice",
		false); err == nil {
		t.Errorf("D-17: ranges without end: %+v", got)
	}
}

// TestManyGroups: an account in 10,000 groups, each in the next (D-17).
func TestManyGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 groups")
	}
	in := map[string][]string{}
	for i := range 9999 {
		in[fmt.Sprintf("g%d", i)] = []string{fmt.Sprintf("g%d", (i+1)%9999), fmt.Sprintf("g%d", (7*i)%9999)}
	}
	w := groupsWorld([]string{"g0"}, in)
	byName := w.entries
	f := serve(t, nil)
	f.search = func(a asked) [][]byte { // each group by its name, without looking at all
		if !strings.Contains(a.filter, "distinguishedName") {
			return w.answer(a)
		}
		var out [][]byte
		for part := range strings.SplitSeq(a.filter, "(distinguishedName=") {
			dn, _, _ := strings.Cut(part, ")")
			if e := byName[dn]; e != nil {
				out = append(out, found(a.id, dn, e))
			}
		}
		return append(out, end(a))
	}
	got, err := f.directory(func(c *Config) { c.Limits.Groups = 10_001 }).Find(context.Background(), "alice", false)
	if err != nil || len(got.Groups) != 10_000 {
		t.Errorf("D-17: %v", err)
	}
}

// TestHostileExport: a server that breaks off, or gives what cannot be read, leaves no file
// that looks whole (D-22, D-23).
func TestHostileExport(t *testing.T) {
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if a.below { // no end
			return [][]byte{found(a.id, "CN=alice,"+base, w.entries["CN=alice,"+base])}
		}
		return w.answer(a)
	}
	d := f.directory(func(c *Config) { c.Limits.Wait = 300 * time.Millisecond })
	var list accounts.List
	if err := d.People(context.Background(), &list); !errors.Is(err, ErrAway) {
		t.Errorf("D-22: %v", err)
	}
	if n, _, err := d.Objects(context.Background(), "", false, io.Discard); err == nil {
		t.Errorf("D-23: %d objects", n)
	}
	// A name with an end of line makes no line of its own.
	f = serve(t, func(a asked) [][]byte {
		if a.base == "" {
			return w.answer(a)
		}
		return [][]byte{found(a.id, "CN=a\\0Adn: CN=b,"+base, map[string][]string{"nTSecurityDescriptor": {"\nobjectSid: x"},
			"objectClass": {"top", "user\n\ndn: x"}}), end(a)}
	})
	var out bytes.Buffer
	if n, _, err := f.directory(nil).Objects(context.Background(), "", false, &out); n != 1 || err != nil ||
		strings.Count("\n"+out.String(), "\ndn:") != 1 || strings.Count(out.String(), "\n\n") != 1 {
		t.Errorf("D-23: %d, %v:\n%s", n, err, out.String())
	}
}

// TestSignedBind: a signed connection takes nothing that was not signed, whatever came
// before the first signed message (D-3).
func TestSignedBind(t *testing.T) {
	plainMessage := done(1, goldap.ApplicationBindResponse, 0)
	for what, sent := range map[string][]byte{
		"a plain message in place of a signed one": append(bytes.Clone(plainMessage), done(2,
			goldap.ApplicationBindResponse, 0)...),
		"the head of a message before it": append(bytes.Clone(plainMessage), 0x30, 0x84, 0, 0, 1, 0),
		"a length without end":            {0x30, 0x80},
		"a length of nine bytes":          {0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		"a length of gigabytes":           {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
	} {
		here, there := net.Pipe()
		go func() {
			_, _ = there.Write(sent)
			_ = there.Close()
		}()
		s := &signer{Conn: here}
		s.expect(&kerberos.Context{})
		got, err := io.ReadAll(s)
		if err == nil || len(got) > len(plainMessage) {
			t.Errorf("D-3: %s: %d bytes, %v", what, len(got), err)
		}
		_ = here.Close()
	}
}
