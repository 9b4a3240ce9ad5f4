package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/server/auth/ldap"
	"github.com/refmon/refmon/server/index"
)

// script answers each question as a test says, one after the other, and writes down what it was asked.
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

func (s *script) People(_ context.Context, list *accounts.List) error {
	s.asked = append(s.asked, "people")
	next := s.people[0]
	s.people = s.people[1:]
	if err, fails := next.(error); fails {
		return err
	}
	return list.Read("passwd", []byte(next.(string)))
}

// TestAsked: what a directory is asked, in its order, and all that each answer makes: people once they were read twice
// alike, or while nothing changed; a beat where they are those that are known; an error and no beat else (N-9, N-21).
func TestAsked(t *testing.T) {
	const alice, bob = "alice:x:4001:100::/:/bin/sh\n", "bob:x:4002:100::/:/bin/sh\n"
	away := errors.New("away")
	type step struct {
		since, people []any
		want          string
	}
	all := func(list ...any) []any { return list }
	const read, known, still = "since people since: ", "since people: ", "since: "
	for name, steps := range map[string][]step{
		"nothing changes, and it is read once": {{all(true, false), all(alice), read + "alice"}, {all(false), nil,
			still + "beat"}, {all(false), nil, still + "beat"}},
		"it is read though nothing changed": {{all(false, false), all(alice), read + "alice"}},
		"twice alike while it changes": {{all(true, true), all(alice), read + "changing"}, {all(true), all(alice),
			known + "alice"}, {all(true), all(alice), known + "beat"}, {all(false), nil, still + "beat"}},
		"never alike": {{all(true, true), all(alice), read + "changing"}, {all(true, true), all(bob), read + "changing"},
			{all(true, true), all(alice), read + "changing"}, {all(false), all(alice), known + "alice"}},
		"what is read once more was not whole": {{all(true, false), all(alice), read + "alice"}, {all(true, true), all(bob),
			read + "changing"}, {all(false), all(bob), known + "bob"}, {all(false), nil, still + "beat"}},
		"back to what is known": {{all(true, false), all(alice), read + "alice"}, {all(true, true), all(bob),
			read + "changing"}, {all(true, false), all(alice), read + "beat"}, {all(true, false), all(bob), read + "bob"}},
		"away at first": {{all(away), nil, still + "ask the directory: away"}, {all(true, false), all(alice),
			read + "alice"}},
		"away while it is read": {{all(true, false), all(alice), read + "alice"}, {all(true), all(away),
			known + "read the directory: away"}, {all(false, false), all(bob), read + "bob"}},
		"away behind it": {{all(true, away), all(alice), read + "away, changing"}, {all(false), all(alice),
			known + "alice"}},
		"away, and as it was": {{all(true, false), all(alice), read + "alice"}, {all(away), nil,
			still + "ask the directory: away"}, {all(false), nil, still + "beat"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &script{}
			r := reading{directory: d}
			for i, s := range steps {
				d.since, d.people, d.asked = s.since, s.people, nil
				v := r.look(t.Context())
				got := strings.Join(d.asked, " ") + ": " + saying(t, &v)
				if got != s.want || len(d.since)+len(d.people) > 0 {
					t.Errorf("N-21: %d: %s, want %s", i, got, s.want)
				}
			}
		})
	}
}

// saying says all that a version does: the names of its people, a beat alone, or why a version is missing.
func saying(t *testing.T, v *index.Version) string {
	t.Helper()
	switch {
	case v.Err != nil:
		if v.People != nil || v.Name != "" || v.File != nil || v.Beat != (index.Beat{}) {
			t.Errorf("N-9: an error, and %+v", v)
		}
		if v.Passing() {
			t.Errorf("N-21: %v is of a file", v.Err)
		}
		return strings.ReplaceAll(strings.ReplaceAll(v.Err.Error(), "\n", ", "), errChanging.Error(), "changing")
	case v.Beat.Time.IsZero():
		return fmt.Sprintf("no beat and no error: %+v", v)
	case v.People == nil:
		if v.Name != "" || v.File != nil {
			t.Errorf("N-9: no people, and %q of %q", v.Name, v.File)
		}
		return "beat"
	}
	sum := sha256.Sum256(v.File)
	if want := hex.EncodeToString(sum[:8]); v.Name != want {
		t.Errorf("N-3: the version is named %s, want %s", v.Name, want)
	}
	var names []string
	for _, p := range v.People.Principals {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}
