package ldap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestExportOmitsBuiltinGroups checks that a directory file has no BUILTIN groups, all values of ranged attributes,
// and no account with an incomplete claim. An objects file has the readable objects and counts the
// others; SACLs are requested only with audit (D-5, D-22, D-23).
func TestExportOmitsBuiltinGroups(t *testing.T) {
	w := groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	w.entries["CN=Administrators,CN=Builtin,"+base] = map[string][]string{"objectClass": {"top", "group"},
		"objectSid": {sid.Administrators.Binary()}, "sAMAccountName": {"Administrators"}, "groupType": {"-2147483643"}}
	for name, e := range w.entries {
		if e["objectClass"] == nil {
			class := map[bool]string{true: "user", false: "group"}[strings.HasPrefix(name, "CN=alice")]
			e["objectClass"] = []string{"top", class}
		}
		if e["sAMAccountName"] == nil {
			e["sAMAccountName"] = []string{strings.TrimPrefix(strings.Split(name, ",")[0], "CN=")}
		}
	}
	alice := w.entries["CN=alice,"+base]
	delete(alice, "memberOf")
	alice["memberOf;range=0-0"] = []string{"CN=a," + base}
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if len(a.attributes) == 1 && a.attributes[0] == "memberOf;range=1-*" {
			return [][]byte{found(a.id, a.base, map[string][]string{"memberOf;range=1-*": {"CN=b," + base}}), end(a)}
		}
		return w.answer(a)
	}
	var list People
	check.NoError(t, f.directory(nil).People(context.Background(), &list))
	text := string(dirfile.Write(list.Accounts()))
	check.That(t, !strings.Contains(text, "S-1-5-32-544") && strings.Contains(text, domain.WithRID(1104).String()),
		"D-22: want RID 1104 without S-1-5-32-544, got\n%s", text)
	line := text[strings.Index(text, "alice"):]
	check.That(t, strings.Contains(strings.SplitN(line, "\n-", 2)[0], "b"), "D-22: want alice in b, got\n%s", text)
	few := f.directory(func(c *Config) { c.Limits.Groups = 1 })
	// An account in too many groups does not end the read (D-40).
	check.NoError(t, few.People(context.Background(), &People{}))
	alice["employeeNumber"] = []string{"seven"}
	claimed := f.directory(func(c *Config) { c.Claims = map[string]Claim{"n": {Attribute: "employeeNumber", Type: 1}} })
	// A user with a claim that cannot be read is left out, and the read goes on (D-40).
	check.NoError(t, claimed.People(context.Background(), &list))
	text, notes := string(dirfile.Write(list.Accounts())), strings.Join(list.Unresolved, "\n")
	check.That(t, !strings.Contains(text, "alice") && strings.Contains(notes, "the claim n is not a number"),
		"D-40: want no alice, and a note about the claim, got %s\n%s", notes, text)
	objects := serve(t, func(a asked) [][]byte {
		if a.base == "" {
			return w.answer(a)
		}
		described := func(by string) map[string][]string { return map[string][]string{"nTSecurityDescriptor": {by}} }
		return [][]byte{found(a.id, "CN=a,"+base, described("x ")), found(a.id, "CN=b,"+base, nil),
			found(a.id, "CN=c,"+base, described("y")), end(a)}
	})
	for _, audit := range []bool{false, true} {
		var out bytes.Buffer
		d := objects.directory(func(c *Config) { c.Limits.Entries = 3 })
		n, unread, err := d.Objects(context.Background(), "", audit, &out)
		check.That(t, err == nil && n == 2 && unread == 1 && strings.Count(out.String(), "dn:") == 2 &&
			!strings.Contains(out.String(), "CN=b"), "D-23: %d, %d, %v:\n%s", n, unread, err, out.String())
		check.That(t, strings.Contains(out.String(), "nTSecurityDescriptor:: eCA="),
			"D-23: want a value with a blank at its end in base64, got\n%s", out.String())
		objects.mu.Lock()
		parts := objects.queries[len(objects.queries)-1].parts
		objects.mu.Unlock()
		want := map[bool]string{false: "020107", true: "02010f"}[audit]
		check.That(t, strings.HasPrefix(parts, "true ") && strings.HasSuffix(parts, want),
			"D-23: with audit %v the parts are %q, want them critical, and %s", audit, parts, want)
	}
	_, _, err := objects.directory(func(c *Config) { c.Limits.Entries = 2 }).Objects(context.Background(), "", false,
		&bytes.Buffer{})
	check.That(t, err != nil, "D-5: one entry more than the limit: no error, want one")
}

// TestLDIFEncodesUnsafeValues checks that a value is plain only if RFC 2849 allows it: ASCII without controls, not
// starting with a blank, colon or less-than sign, and not ending with a blank. Others are base64
// (D-23).
func TestLDIFEncodesUnsafeValues(t *testing.T) {
	for value, as := range map[string]bool{"a": true, "top": true, "a b:<": true, "~": true, "!": true, "": false,
		" a": false, ":a": false, "<a": false, "a ": false, "\x1f": false, "a\nb": false, "\x7f": false, "\x80": false,
		"é": false, "a\x00": false} {
		var b strings.Builder
		out := bufio.NewWriter(&b)
		line(out, "name", []byte(value))
		want := "name:: " + base64.StdEncoding.EncodeToString([]byte(value)) + "\n"
		if as {
			want = "name: " + value + "\n"
		}
		err := out.Flush()
		check.That(t, err == nil && b.String() == want, "D-23: %q is %q, want %q", value, b.String(), want)
	}
	e := &entry{DN: "CN=a\n"} // a line feed in a name starts no new line
	for name, value := range map[string]string{"objectSid": "s", "msDS-GroupMSAMembership": "m", "other": "o"} {
		e.add(name, value)
	}
	e.add("nTSecurityDescriptor", "d ")
	e.Attributes = append(e.Attributes, goldap.NewEntryAttribute("objectClass", []string{"top", "user"}))
	var b strings.Builder
	out := bufio.NewWriter(&b)
	const want = "dn:: Q049YQo=\nobjectClass: top\nobjectClass: user\nobjectSid: s\nnTSecurityDescriptor:: ZCA=\n" +
		"msDS-GroupMSAMembership: m\n\n"
	err := errors.Join(e.write(out), out.Flush())
	check.That(t, err == nil && b.String() == want, "D-23: %q, %v, want %q", b.String(), err, want)
	e.add("objectSid", "twice")
	if err := e.write(bufio.NewWriter(io.Discard)); err == nil || err.Error() !=
		`ldap: "CN=a\n": the server returned objectSid more than once, or only a part of it` {
		t.Errorf("D-23: an object with two SIDs: %v, want an error that names objectSid", err)
	}
	part := &entry{DN: "CN=a"}
	part.add("objectClass;range=0-0", "top")
	check.That(t, part.write(bufio.NewWriter(io.Discard)) != nil, "D-23: an object with a part of its classes")
}

// TestBrokenExportWritesNoObjectTwice checks that objects already written are not written again after the connection
// breaks (D-5, D-23).
func TestBrokenExportWritesNoObjectTwice(t *testing.T) {
	w := newWorld()
	var said *Error
	for readable, first := range []map[string][]string{nil, {"nTSecurityDescriptor": {"x"}}} {
		f := serve(t, nil)
		f.search = func(a asked) [][]byte {
			if a.base == "" || !a.below {
				return w.answer(a)
			}
			more := goldap.NewControlPaging(1)
			more.SetCookie([]byte("more"))
			if a.cookie == "" {
				return [][]byte{found(a.id, "CN=a,"+base, first), done(a.id, goldap.ApplicationSearchResultDone, 0,
					more)}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			for c := range f.conns {
				_ = c.Close()
			}
			return nil
		}
		d := f.directory(nil)
		if err := d.with(t.Context(), func(c *conn) error { _, err := d.serverInfo(c); return err }); err != nil {
			t.Fatal(err) // the connection has answered before
		}
		var out bytes.Buffer
		n, unread, err := d.Objects(t.Context(), "", false, &out)
		if !errors.As(err, &said) || said.Why != fmt.Sprintf("the connection broke after %d objects", readable) ||
			n != readable || unread != 1-readable || out.Len() != 0 {
			t.Errorf("D-23: %d and %d objects, %v:\n%s", n, unread, err, out.String())
		}
	}
	// An error of the output is not one of the directory.
	f := serve(t, func(a asked) [][]byte {
		if a.base == "" || !a.below {
			return w.answer(a)
		}
		return [][]byte{found(a.id, "CN=a,"+base, map[string][]string{"nTSecurityDescriptor": {strings.Repeat("x", 5000)}}),
			end(a)}
	})
	_, _, err := f.directory(nil).Objects(t.Context(), "", false, fullDisk{})
	check.That(t, errors.Is(err, syscall.ENOSPC) &&
		!errors.Is(err, ErrAway), "D-23: a full disk: %v, want %v and not %v", err, syscall.ENOSPC, ErrAway)
	// SIDs of this computer's own accounts belong to no domain, also after an import has changed them (D-15).
	var machine sid.SID
	own := serve(t, w.answer).directory(func(c *Config) { c.Machine = func() sid.SID { return machine } })
	check.NoError(t, check.Err(own.Find(t.Context(), "alice", false)))
	machine = domain
	if got, err := own.Find(t.Context(), "alice", false); got != nil || !errors.As(err, &said) {
		t.Errorf("D-15: Find in a domain that is this computer's: %+v, %v, want an error", got, err)
	}
}

// fullDisk fails every write.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
