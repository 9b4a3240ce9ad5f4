package roster

import (
	"context"
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk/accounts"
	"github.com/refmon/refmon/server/auth/ldap"
)

// told is a directory as a test says.
type told struct {
	changed []bool // by each question; then false
	away    error
	text    string
	read    int
}

func (t *told) Since(context.Context, ldap.Mark) (ldap.Mark, bool, error) {
	if len(t.changed) == 0 {
		return ldap.Mark{}, false, t.away
	}
	c := t.changed[0]
	t.changed = t.changed[1:]
	return ldap.Mark{}, c, t.away
}

func (t *told) People(_ context.Context, list *accounts.List) error {
	t.read++
	if t.away != nil {
		return t.away
	}
	return list.Read("passwd", []byte(t.text))
}

// TestVersions: a directory is read when it has changed and counts once nothing changed
// meanwhile, or it is alike twice (N-21); one that is away vouches for nothing (N-9).
func TestVersions(t *testing.T) {
	const alice, both = "alice:x:4001:100::/:/bin/sh\n", "alice:x:4001:100::/:/bin/sh\nbob:x:4002:100::/:/bin/sh\n"
	d := &told{}
	r := reading{directory: d}
	for i, c := range []struct {
		changed []bool
		text    string
		away    error
		read    bool
		people  int // of a version; -1: none
		beat    bool
	}{
		{[]bool{true, true}, alice, nil, true, -1, false},  // it changed while it was read
		{[]bool{true, true}, alice, nil, true, 1, true},    // alike twice
		{nil, alice, nil, false, -1, true},                 // as it was
		{nil, alice, errors.New("away"), false, -1, false}, // away
		{[]bool{true, false}, both, nil, true, 2, true},    // another one, still meanwhile
		{[]bool{true, false}, both, nil, true, -1, true},   // another attribute
		{[]bool{true, false}, alice, nil, true, 1, true},   // bob is gone
	} {
		d.changed, d.text, d.away = c.changed, c.text, c.away
		before := d.read
		v := r.look(t.Context())
		people := -1
		if v.People != nil {
			people = len(v.People.Principals)
		}
		if people != c.people || v.Beat.Time.IsZero() == c.beat || d.read > before != c.read ||
			(v.Err == nil) != c.beat || (v.Name == "") != (v.People == nil) {
			t.Errorf("%d: %d people, %+v; read %v", i, people, v, d.read > before)
		}
	}
}
