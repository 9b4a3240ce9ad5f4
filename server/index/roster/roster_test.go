package roster

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// read makes p read a user of each name. busy is a member of one group more than a token can have. A user whose name
// begins with lost is a member of a group that is not in the directory. A user with a ! after the name is disabled.
func read(p *ldap.People, names string) error {
	return p.Read(func(add func(*goldap.Entry) error) error {
		for name := range strings.FieldsSeq(names) {
			name, disabled := strings.CutSuffix(name, "!")
			domain, in := sid.MustParse("S-1-5-21-1-2-3"), []string(nil)
			for i := range token.MaxGroups + 1 {
				if name != "busy" {
					break
				}
				in = append(in, fmt.Sprintf("CN=g%d,DC=corp", i))
				if err := add(goldap.NewEntry(in[i], map[string][]string{"objectClass": {"group"},
					"sAMAccountName": {fmt.Sprint("g", i)}, "groupType": {"-2147483646"},
					"objectSid": {domain.WithRID(5000 + uint32(i)).Binary()}})); err != nil {
					return err
				}
			}
			if strings.HasPrefix(name, "lost") {
				in = []string{"CN=of " + name + ",DC=elsewhere"}
			}
			rid := 1000 + 256*uint32(name[0]) + uint32(name[len(name)-1])
			err := add(goldap.NewEntry("CN="+name+",DC=corp", map[string][]string{"objectClass": {"user"},
				"sAMAccountName": {name}, "objectSid": {domain.WithRID(rid).Binary()}, "memberOf": in,
				"userAccountControl": {map[bool]string{false: "512", true: "514"}[disabled]}}))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// script returns configured results one after the other and records the calls.
type script struct {
	since  []any // of each: whether it changed, or an error
	people []any // of each: the text, or an error
	asked  []string
}

func (s *script) Since(context.Context, ldap.Mark) (ldap.Mark, bool, error) {
	s.asked = append(s.asked, "since")
	next := s.since[0]
	s.since = s.since[1:]
	if err, fails := next.(error); fails {
		return ldap.Mark{}, false, err
	}
	return ldap.Mark{}, next.(bool), nil
}

func (s *script) People(_ context.Context, p *ldap.People) error {
	s.asked = append(s.asked, "people")
	next := s.people[0]
	s.people = s.people[1:]
	if err, fails := next.(error); fails {
		return err
	}
	return read(p, next.(string))
}

// TestDirectoryNeedsTwoIdenticalReads checks the sequence of calls and the result of each: a new version after two
// identical reads or an undisturbed one, a heartbeat if it is the current version, otherwise an error without a
// heartbeat (N-9, N-21).
func TestDirectoryNeedsTwoIdenticalReads(t *testing.T) {
	const alice, bob = "alice", "bob"
	away := errors.New("away")
	type step struct {
		since, people []any
		want          string
	}
	all := func(list ...any) []any { return list }
	const read, known, still = "since people since: ", "since people: ", "since: "
	for name, steps := range map[string][]step{
		"nothing changes: one read": {{all(true, false), all(alice), read + "alice"}, {all(false), nil,
			still + "beat"}, {all(false), nil, still + "beat"}},
		"the first read without a change": {{all(false, false), all(alice), read + "alice"}},
		"twice alike while it changes": {{all(true, true), all(alice), read + "changing"}, {all(true), all(alice),
			known + "alice"}, {all(true), all(alice), known + "beat"}, {all(false), nil, still + "beat"}},
		"never alike": {{all(true, true), all(alice), read + "changing"}, {all(true, true), all(bob), read + "changing"},
			{all(true, true), all(alice), read + "changing"}, {all(false), all(alice), known + "alice"}},
		"an incomplete second read": {{all(true, false), all(alice), read + "alice"}, {all(true, true), all(bob),
			read + "changing"}, {all(false), all(bob), known + "bob"}, {all(false), nil, still + "beat"}},
		"back to the known version": {{all(true, false), all(alice), read + "alice"}, {all(true, true), all(bob),
			read + "changing"}, {all(true, false), all(alice), read + "beat"}, {all(true, false), all(bob), read + "bob"}},
		"unreachable at the start": {{all(away), nil, still + "ask the directory: away"}, {all(true, false), all(alice),
			read + "alice"}},
		"unreachable during the read": {{all(true, false), all(alice), read + "alice"}, {all(true), all(away),
			known + "read the directory: away"}, {all(false, false), all(bob), read + "bob"}},
		"unreachable after the read": {{all(true, away), all(alice), read + "away, changing"}, {all(false), all(alice),
			known + "alice"}},
		"a user in too many groups (D-40)": {{all(true, false), all("busy alice"), read + "alice"}},
		"unreachable, then unchanged": {{all(true, false), all(alice), read + "alice"}, {all(away), nil,
			still + "ask the directory: away"}, {all(false), nil, still + "beat"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &script{}
			r := reading{directory: d}
			for i, s := range steps {
				d.since, d.people, d.asked = s.since, s.people, nil
				v := r.poll(t.Context())
				got := strings.Join(d.asked, " ") + ": " + formatVersion(t, &v)
				check.That(t, got == s.want && len(d.since)+len(d.people) == 0, "N-21: %d: %s, want %s", i, got, s.want)
			}
		})
	}
}

// TestUnresolvedReferencesAreReportedOnce checks that each reference that a read leaves out is reported once, with the
// version that it belongs to, and that a report has at most five of them (N-21).
func TestUnresolvedReferencesAreReportedOnce(t *testing.T) {
	var got []string
	d := &script{}
	r := reading{directory: d, warn: func(err error) { got = append(got, err.Error()) }}
	line := func(n string) string {
		return "directory: left out: " + n + " is a member of CN=of " + n + ",DC=elsewhere, which is not in the input"
	}
	for i, s := range []struct {
		changes bool // during the read
		people  string
		want    []string
	}{
		{true, "lost1 alice", nil},
		{true, "lost1 alice!", nil},
		{false, "lost1 alice", []string{line("lost1")}},
		{false, "lost1 alice", nil},
		{false, "alice", nil},
		{false, "lost1 lost2 lost3 lost4 lost5 lost6 lost7 lost8", []string{line("lost2"), line("lost3"), line("lost4"),
			line("lost5"), line("lost6"), "directory: and 2 more are left out"}},
		{false, "lost8", nil},
		{false, "lost\x1b9", []string{line("lost\uFFFD9")}},
	} {
		got, d.since, d.people = nil, []any{true, s.changes}, []any{s.people}
		if v := r.poll(t.Context()); (v.Err != nil) != s.changes {
			t.Errorf("%d: %v", i, v.Err)
		}
		check.Equal(t, strings.Join(got, "\n"), strings.Join(s.want, "\n"), "N-21: step %d", i)
	}
}

// A directory without an interval is read once a second; Run ends with its context while it waits for either.
func TestRunPollsAtItsInterval(t *testing.T) {
	for beat, want := range map[time.Duration]time.Duration{0: watch.DefaultBeat, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			out, ended := make(chan index.Version), make(chan error, 1)
			d := &script{since: []any{true, false, false, false, false}, people: []any{"alice"}}
			go func() { ended <- (&LDAP{Directory: d, Beat: beat}).Run(ctx, out) }()
			begun := time.Now()
			for i := range 3 {
				v := <-out
				if got := time.Since(begun); got != time.Duration(i)*want || v.Err != nil || (v.People != nil) != (i == 0) {
					t.Errorf("interval %v: version %d after %v: %+v, want it after %v", beat, i, got, v, time.Duration(i)*want)
				}
			}
			if beat == 0 {
				time.Sleep(want) // it offers the next version
			}
			stop()
			if err := <-ended; err != nil {
				t.Errorf("Run returned %v, want nil", err)
			}
		})
	}
}

// formatVersion formats a version: the names of its people, a heartbeat, or its error.
func formatVersion(t *testing.T, v *index.Version) string {
	t.Helper()
	switch {
	case v.Err != nil:
		check.That(t, v.People == nil && v.Name == "" && v.File == nil && v.Heartbeat == (watch.Heartbeat{}),
			"N-9: an error, and %+v", v)
		check.That(t, !v.BeingWritten(), "N-21: %v is of a file", v.Err)
		return strings.ReplaceAll(strings.ReplaceAll(v.Err.Error(), "\n", ", "), errChangedMeanwhile.Error(), "changing")
	case v.Heartbeat.Time.IsZero():
		return fmt.Sprintf("no beat and no error: %+v", v)
	case v.People == nil:
		check.That(t, v.Name == "" && v.File == nil, `N-9: no people, and %q of %q, want "", nil`, v.Name, v.File)
		return "beat"
	}
	sum := v.Accounts.Sum()
	if want := hex.EncodeToString(sum[:8]); v.Name != want {
		t.Errorf("N-3: the version is named %s, want %s", v.Name, want)
	}
	var names []string
	for _, p := range v.People.Principals {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}
