package ob_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/ntos/ob"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
)

// An object that a directory refuses gets no name and no additional reference. Another directory accepts it (O-23,
// O-82).
func TestRefusedInsertLeavesNoName(t *testing.T) {
	for name, c := range map[string]struct {
		limit int
		as    string
		want  ntstatus.Status
	}{"the directory is full": {1, "b", ntstatus.InsufficientResources},
		"the name is taken":                       {2, "a", ntstatus.ObjectNameCollision},
		"the name is taken, and there is no room": {1, "a", ntstatus.ObjectNameCollision}} {
		full, other := ob.NewDirectory(nil, c.limit), ob.NewDirectory(nil, 0)
		first, o := newObject(eventType, nil), newObject(eventType, nil)
		check.Success(t, full.Insert("a", first, false))
		_, held := o.Counts(0)
		_, kept := full.Counts(0)
		check.Equal(t, full.Insert(c.as, o, true), c.want, "%s: Insert", name)
		handles, references := o.Counts(0)
		_, now := full.Counts(0)
		check.That(t, handles == 0 && references == held && now == kept && len(full.Names()) == 1,
			"%s: object has %d handles, %d references, directory %d references and names %v, want no change", name,
			handles, references, now, full.Names())
		check.Equal(t, other.Insert("b", o, false), ntstatus.Success, "%s: inserting into another directory", name)
	}
	two := ob.NewDirectory(nil, 2) // equal names count too
	for i, want := range []ntstatus.Status{ntstatus.Success, ntstatus.Success, ntstatus.InsufficientResources} {
		check.Equal(t, two.Insert([]string{"a", "A", "b"}[i], newObject(eventType, nil), false), want, "Insert %d", i)
	}
}

// Clear removes the names of all objects of a directory, also of open ones and of those that have the same name in
// another case (T-137).
func TestClearRemovesEqualNames(t *testing.T) {
	d := ob.NewDirectory(nil, -1) // without a limit of its own
	for _, name := range []string{"a", "A", "b"} {
		o := newObject(eventType, nil)
		o.HoldOpen()
		check.Success(t, d.Insert(name, o, false))
	}
	d.Clear()
	check.That(t, len(d.Names()) == 0, "names after Clear: %v, want none", d.Names())
}

// Thousands of names that differ only in case cost no more than other names, because all users share a directory
// (T-137).
func TestEqualNamesCostNoMore(t *testing.T) {
	const names = 1 << 14
	cost := func(letters string) time.Duration {
		d, objects := ob.NewDirectory(nil, 0), make([]*object, names)
		start := time.Now()
		for i := range objects {
			name := []byte(strings.Repeat(letters[:1], 14))
			for bit := range name {
				if i>>bit&1 != 0 {
					name[bit] = letters[1]
				}
			}
			objects[i] = newObject(eventType, nil)
			check.Success(t, d.Insert(string(name), objects[i], false))
			h := d.Lookup(string(name), false)
			check.RequireThat(t, h == objects[i].Head(), "lookup of %s", name)
			h.Deref(ob.TagCall)
		}
		for _, o := range objects {
			o.Unname()
		}
		check.Equal(t, len(d.Names()), 0, "names that are left")
		return time.Since(start)
	}
	equal, different := cost("aA"), cost("ab")
	check.That(t, equal < 20*different, "equal names took %v, others %v", equal, different)
}

// The names of a directory are sorted, and those of now. Only the first listing after a change sorts them (O-164).
func TestNamesAreSortedOncePerChange(t *testing.T) {
	d := ob.NewDirectory(nil, 0)
	b := newObject(eventType, nil)
	for _, c := range []struct {
		change func()
		want   string
	}{{func() {}, "[]"}, {func() { check.Success(t, d.Insert("b", b, false)) }, "[{b Event}]"},
		{func() { check.Success(t, d.Insert("a", newObject(eventType, nil), false)) }, "[{a Event} {b Event}]"},
		{func() { check.Success(t, d.Insert("B", newObject(eventType, nil), false)) }, "[{B Event} {a Event} {b Event}]"},
		{b.Unname, "[{B Event} {a Event}]"}, {d.Clear, "[]"}} {
		c.change()
		check.Equal(t, fmt.Sprint(d.Names()), c.want, "names")
		check.Equal(t, testing.AllocsPerRun(10, func() { d.Names() }), 0, "allocations of a later listing of %s", c.want)
	}
}

// The full name of a deeply nested object is returned up to 64 KiB. Of a longer one, only the last components are, so
// that no query copies more (O-61).
func TestLongPathIsCutAtItsStart(t *testing.T) {
	part := strings.Repeat("d", 1<<14-1) // with its backslash a quarter of 64 KiB
	dir := ob.NewDirectory(nil, 0)
	for depth := 1; depth <= 6; depth++ {
		next := ob.NewDirectory(nil, 0)
		check.Success(t, dir.Insert(part, next, false))
		want := strings.Repeat(`\`+part, min(depth, 4))
		if depth > 4 {
			want = `\…` + want
		}
		got := next.Path()
		check.That(t, got == want, "depth %d: a path of %d bytes that starts with %.9q, want %d that start with %.9q",
			depth, len(got), got, len(want), want)
		dir = next
	}
	next := ob.NewDirectory(nil, 0)
	check.Success(t, dir.Insert(strings.Repeat(part, 5), next, false))
	check.Equal(t, len(next.Path()), len(`\…\`+part)+4*len(part), "bytes of a path whose last name is longer")
}
