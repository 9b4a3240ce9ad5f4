package ldap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
)

// TestRejectedLDAPReplyNamesReason checks the error of each rejected response, because a later check would reject most
// of them too (D-5, D-7).
func TestRejectedLDAPReplyNamesReason(t *testing.T) {
	coded := func(code int64) func(asked, []byte) [][]byte {
		return func(a asked, e []byte) [][]byte {
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, code, goldap.NewControlPaging(0))}
		}
	}
	for what, c := range map[string]struct {
		answer func(a asked, alice []byte) [][]byte
		why    string
	}{
		"an entry from elsewhere (D-7)": {func(a asked, _ []byte) [][]byte {
			return [][]byte{found(a.id, "CN=alice,DC=evil,DC=test", newWorld().entries["CN=alice,"+base]), end(a)}
		}, errOther.Why},
		"an entry above the base (D-7)": {func(a asked, _ []byte) [][]byte {
			return [][]byte{found(a.id, "DC=test", newWorld().entries["CN=alice,"+base]), end(a)}
		}, errOther.Why},
		"a limit of sizes (D-5)":      {coded(goldap.LDAPResultSizeLimitExceeded), `code 4, "Size Limit Exceeded"`},
		"a limit of the site's (D-5)": {coded(goldap.LDAPResultAdminLimitExceeded), "code 11"},
		"three accounts (D-5)": {func(a asked, e []byte) [][]byte { return [][]byte{e, e, e, end(a)} },
			"more than 2 entries"},
	} {
		got, err := aliceAt(t, c.answer, nil)
		var said *Error
		check.That(t, got == nil && errors.As(err, &said) && strings.Contains(said.Why, c.why),
			"%s: %+v, %v, want %q", what, got, err, c.why)
	}
	// A descendant does not count as the base, and neither does an entry elsewhere (D-7).
	w := newWorld()
	f := serve(t, nil)
	f.search = func(a asked) [][]byte {
		if !a.below && a.base != "" {
			return [][]byte{found(a.id, "CN=x,"+a.base, w.entries[a.base]), end(a)}
		}
		return w.answer(a)
	}
	check.ErrorIs(t, check.Err(f.directory(nil).Find(t.Context(), "alice", false)), errOther,
		"D-7: an entry below its base")
	// A group that was not in the query is not a group of the account (D-7).
	g := groupsWorld([]string{"a"}, map[string][]string{"a": nil, "b": nil})
	f = serve(t, nil)
	f.search = func(a asked) [][]byte {
		if strings.Contains(a.filter, "(distinguishedName=CN=a,") {
			return [][]byte{found(a.id, "CN=b,"+base, g.entries["CN=b,"+base]), end(a)}
		}
		return g.answer(a)
	}
	check.ErrorIs(t, check.Err(f.directory(nil).Find(t.Context(), "alice", false)), errOther,
		"D-7: a group that was not in the query")
	for _, q := range f.queries {
		check.Equal(t, q.deref, 0, "D-6: aliases are followed below %q", q.base)
	}
}

// aliceAt finds alice at a server whose replies to subtree searches answer replaces. Other replies are correct.
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

// TestMalformedLDAPReplyReturnsNoAccount checks that each malformed response returns an error and no account, not even
// a partial one.
func TestMalformedLDAPReplyReturnsNoAccount(t *testing.T) {
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
		away   bool // as if no server replied
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
			more.SetCookie([]byte("m"))
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
		}, nil, false},
		"pages without entries and without end (D-5)": {func(a asked, _ []byte) [][]byte {
			more := goldap.NewControlPaging(1)
			more.SetCookie([]byte("m"))
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
		}, nil, false},
		"an entry without a right name (D-7)": {
			func(a asked, e []byte) [][]byte { return [][]byte{found(a.id, "alice", nil), last(a)} }, nil, false},
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
		"bytes of another protocol": {
			func(asked, []byte) [][]byte { return [][]byte{[]byte("HTTP/1.1 400 Bad Request\r\n\r\n")} }, wait, true},
		"an entry without attributes": {func(a asked, e []byte) [][]byte {
			p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultEntry, nil, "")
			p.AppendChild(text("CN=alice," + base))
			return [][]byte{packet(a.id, p), last(a)}
		}, nil, true},
		"refused": {func(a asked, e []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, goldap.LDAPResultInsufficientAccessRights)}
		}, nil, false},
	} {
		got, err := aliceAt(t, c.answer, c.change)
		check.That(t, got == nil && err != nil && errors.Is(err, ErrAway) == c.away,
			"%s: %+v, %v, want an error, ErrAway: %t", what, got, err, c.away)
	}
	for _, code := range []int64{goldap.LDAPResultBusy, goldap.LDAPResultUnavailable, goldap.LDAPResultTimeLimitExceeded,
		goldap.LDAPResultOperationsError, goldap.LDAPResultOther} {
		_, err := aliceAt(t, func(a asked, _ []byte) [][]byte {
			return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, code)}
		}, nil)
		check.ErrorIs(t, err, ErrAway, "D-20: code %d", code)
	}
	// alice is found among entries with a continuation reference, which is not followed (D-6).
	got, err := aliceAt(t, func(a asked, e []byte) [][]byte {
		p := ber.Encode(ber.ClassApplication, ber.TypeConstructed, goldap.ApplicationSearchResultReference, nil, "")
		p.AppendChild(text("ldap://evil.test/" + base))
		return [][]byte{packet(a.id, p), e, end(a)}
	}, nil)
	check.That(t, err == nil && got.Name == "alice",
		"D-6: Find with a referral in the response = %+v, %v, want alice, no error", got, err)
	pages := 0
	got, err = aliceAt(t, func(a asked, e []byte) [][]byte {
		more := goldap.NewControlPaging(1)
		more.SetCookie([]byte("m"))
		switch pages++; pages {
		case 600:
			return [][]byte{e, done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
		case 1200:
			return [][]byte{end(a)}
		}
		return [][]byte{done(a.id, goldap.ApplicationSearchResultDone, 0, more)}
	}, nil)
	check.That(t, err == nil && got.Name == "alice",
		"Find with 1,198 pages without an entry, but not in a row: %+v, %v, want alice, no error", got, err)
}

// TestServerWithoutDomainAnswersNothing checks that each question fails if neither the server nor the configuration
// names a base.
func TestServerWithoutDomainAnswersNothing(t *testing.T) {
	w, ctx := newWorld(), t.Context()
	w.root["defaultNamingContext"] = nil
	d := serve(t, w.answer).directory(nil)
	_, _, export := d.Objects(ctx, "", false, io.Discard)
	for what, err := range map[string]error{"a name": check.Err(d.Find(ctx, "alice", false)), "objects": export,
		"a password": check.Err(d.Check(ctx, "alice", false, "wonderland")), "all accounts": d.People(ctx, &People{}),
		"an id": check.Err(d.queryID(ctx, idQuestion{id: 5001}))} {
		var said *Error
		check.That(t, errors.As(err, &said) && said.Why == "the server names no domain: give base", "%s: %v", what, err)
	}
}

// TestRangesOfValuesAreRead reads the values of an attribute, whole or in ranges as servers name them (D-5).
func TestRangesOfValuesAreRead(t *testing.T) {
	for _, c := range []struct {
		names []string // each with its index as the only value
		want  string
		to    string
		all   bool
	}{
		{nil, "", "", true}, {[]string{"memberOf"}, "0", "", true}, {[]string{"MEMBEROF"}, "0", "", true},
		{[]string{"memberOf;range=0-9"}, "0", "9", false}, {[]string{"memberOf;Range=0-9"}, "0", "9", false},
		{[]string{"memberOf;binary"}, "0", "", true}, {[]string{"memberOf;range=0"}, "0", "", true},
		{[]string{"memberOf;rangy=0-9"}, "0", "", true}, {[]string{"memberOf;range=-9"}, "0", "", true},
		{[]string{"memberOf", "memberOf;range=1-5"}, "0 1", "5", false}, {[]string{"memberOff", "xmemberOf"}, "", "", true},
	} {
		e := &entry{}
		for i, n := range c.names {
			e.add(n, fmt.Sprint(i))
		}
		values, to, all := e.values("memberOf")
		var got []string
		for _, v := range values {
			got = append(got, string(v))
		}
		check.That(t, strings.Join(got, " ") == c.want && to == c.to && all == c.all,
			"D-5: %v: %v to %q, all %t", c.names, got, to, all)
	}
	for to, want := range map[string]string{"0": "1", "1499": "1500", "2147483647": "2147483648", "2147483648": "",
		"-1": "",
		"":   "", "x": ""} {
		if got, err := nextRange(to); got != want || (err == nil) != (want != "") {
			t.Errorf("D-5: after(%q) = %q, %v, want %q", to, got, err, want)
		}
	}
	two := &entry{}
	two.add("n", "1")
	two.add("n", "2")
	part := &entry{}
	part.add("n;range=0-0", "1")
	other := &entry{}
	other.add("n", "x")
	for what, c := range map[string]struct {
		e    *entry
		n    int64
		why  string
		text string
	}{"two": {two, 5, "n has several values", ""}, "a part": {part, 5, "n has several values", ""},
		"no number": {other, 0, "n is not a number", "x"}, "nothing": {&entry{}, 5, "", ""}} {
		n, err := c.e.number("n", 5)
		text, _ := c.e.one("n")
		if n != c.n || text != c.text || c.why == "" && err != nil ||
			c.why != "" && (err == nil || err.Error() != "ldap: "+c.why) {
			t.Errorf("D-8: %s: %d, %q, %v", what, n, text, err)
		}
	}
	if _, err := part.sids("n"); err == nil || err.Error() != "ldap: the server returned only a part of n" {
		t.Errorf("D-5: %v, want \"only a part of n\"", err)
	}
}
