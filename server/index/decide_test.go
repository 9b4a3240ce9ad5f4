package index

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/verbs/bulk/objects"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestListsOfSIDs: for each person of a company and each descriptor, with and without a
// share, the members of the class are those whom the check allows, whom the share and the
// object both allow (N-2); to have a SID of the list, or to be listed, is to be a member,
// and no member is left out (N-4).
func TestListsOfSIDs(t *testing.T) {
	s := company.Sample{Seed: randtest.Seed(t), Objects: 150, Descriptors: 120, Principals: 40, Groups: 15}
	var list, rows bytes.Buffer
	if err := errors.Join(s.Directory(&list), s.Write(&rows)); err != nil {
		t.Fatal(err)
	}
	dir, err := people.Read(list.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[sid.SID]int{}
	for i := range dir.Principals {
		numbers[dir.Principals[i].SID()] = i
	}
	d := newDecider(dir, "v", func(s sid.SID) int { return numbers[s] }, len(numbers))
	refused := dir.Principals[3].SID().String()
	shares := []*sd.Descriptor{nil, sddl.MustParse("O:BAG:BAD:(D;;FR;;;" + refused + ")(A;;FR;;;WD)")}
	short, yes, no := 0, 0, 0
	err = objects.All(t.Context(), objects.Lines(&rows, 0, 0), dir.Domain, winnt.FileObject, func(x objects.Item) bool {
		for _, share := range shares {
			c := NewClass(x.Descriptor, share, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
			got, err := d.decide(&c)
			if err != nil {
				t.Fatal(err)
			}
			for i := range dir.Principals {
				tok := dir.Principals[i].Token
				want := grants(t, tok, x.Descriptor) && (share == nil || grants(t, tok, share))
				listed := slices.ContainsFunc(got.allow, func(s sid.SID) bool { return enabled(tok, s) })
				expanded := slices.Contains(got.expand, dir.Principals[i].SID())
				if got.members.Has(i) != want || (listed || expanded) != want {
					t.Fatalf("%s of %s: %v, member %v, listed %v, expanded %v\nallow %v", dir.Principals[i].Name, x.Path,
						want, got.members.Has(i), listed, expanded, got.allow)
				}
				switch {
				case want && listed:
					short++
				case want:
					yes++
				default:
					no++
				}
			}
		}
		return true
	})
	if err != nil || short < 100 || yes < 100 || no < 100 {
		t.Errorf("%v; %d by a list, %d by themselves, %d not", err, short, yes, no)
	}
}

func grants(t *testing.T, tok *token.Token, d *sd.Descriptor) bool {
	t.Helper()
	dec, err := access.Check(tok, d, winnt.FILE_GENERIC_READ, winnt.FileObject)
	if err != nil {
		t.Fatal(err)
	}
	return dec.Allowed()
}

// enabled reports whether a token has a SID that allows, by its own list of groups.
func enabled(tok *token.Token, s sid.SID) bool {
	if tok.User().SID == s {
		return true
	}
	for _, g := range tok.Groups() {
		if g.SID == s && g.Attributes&winnt.SE_GROUP_ENABLED != 0 {
			return true
		}
	}
	return false
}

// TestTwoOfOne: of two principals with one account both must have the right (N-2).
func TestTwoOfOne(t *testing.T) {
	d := &decider{numbers: []int{0, 1, 0}, people: 2}
	if got := d.numbered(effective.Set{0b011}); got.Has(0) || !got.Has(1) {
		t.Errorf("%b", got)
	}
	if got := d.numbered(effective.Set{0b101}); !got.Has(0) || got.Has(1) {
		t.Errorf("%b", got)
	}
}

// lossy are events of which the first look loses some.
type lossy struct {
	silent
	looks int
}

func (l *lossy) read(map[string]struct{}) (bool, error) {
	l.looks++
	return l.looks == 3, nil
}

// TestLostEvents: after events were lost there is no beat before another walk has ended
// (N-8).
func TestLostEvents(t *testing.T) {
	root := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	out := make(chan Batch)
	w := &watch{Watcher: &Watcher{Root: root, Beat: time.Millisecond}, ctx: ctx, out: out, changes: &lossy{},
		pending: map[string]struct{}{}}
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	told := ""
	for walks := 0; walks < 2; {
		switch b := <-out; {
		case b.Begin:
			told += "("
		case b.End:
			told += ")"
			walks++
		case !b.Beat.Time.IsZero():
			told += "."
		default:
			told += "x"
		}
	}
	stop()
	if <-done; told != "(x).(x)" {
		t.Errorf("%s: want a walk, one beat, and when events are lost a walk before the next", told)
	}
}

// TestHalfADirectory: a directory that is being written is no version, though half of it is
// well formed (N-11); a malformed one is no version either, and the next one counts again.
func TestHalfADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "firm.yaml")
	const whole = "domain: S-1-5-21-1-2-3\nusers:\n- {name: bob, sid: S-1-5-21-1-2-3-1108, memberOf: [Contractors]}\n" +
		"groups:\n- {name: Contractors, sid: S-1-5-21-1-2-3-2003}\n"
	half := strings.Replace(whole[:strings.Index(whole, "groups:")], ", memberOf: [Contractors]", "", 1)
	r := reading{file: file}
	look := func(text string) Version {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return r.look()
	}
	if v := r.look(); !errors.Is(v.Err, os.ErrNotExist) || !v.Beat.Time.IsZero() {
		t.Errorf("no file: %+v", v)
	}
	if v := look(half); !errors.Is(v.Err, errChanging) || v.People != nil || !v.Beat.Time.IsZero() {
		t.Errorf("half a file is a version: %+v", v)
	}
	if v := look(whole); !errors.Is(v.Err, errChanging) {
		t.Errorf("a file that changes is a version: %+v", v)
	}
	v := look(whole)
	if v.Err != nil || len(v.People.Principals) != 1 || v.Name == "" || v.Beat.Time.IsZero() {
		t.Errorf("%+v", v)
	}
	if v := look(whole); v.People != nil || v.Err != nil || v.Beat.Time.IsZero() {
		t.Errorf("the same again: %+v", v)
	}
	look("users: nonsense\n")
	if v := look("users: nonsense\n"); v.Err == nil || errors.Is(v.Err, errChanging) || !v.Beat.Time.IsZero() {
		t.Errorf("a malformed directory is vouched for: %+v", v)
	}
	if v := look(whole); v.Err != nil || v.People != nil || v.Beat.Time.IsZero() { // what counts is back
		t.Errorf("%+v", v)
	}
}
