package index_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/index"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// variant returns a copy of a token with some deny-only groups, or a restricted one.
func variant(t *testing.T, r *rand.Rand, tok *token.Token) *token.Token {
	t.Helper()
	var spec token.FilterSpec
	var groups []sid.SID
	for _, g := range tok.Groups() {
		groups = append(groups, g.SID)
	}
	for range r.IntN(3) {
		spec.Disable = append(spec.Disable, groups[r.IntN(len(groups))])
	}
	if r.IntN(3) == 0 {
		for range 3 {
			spec.Restrict = append(spec.Restrict, token.Group{SID: groups[r.IntN(len(groups))]})
		}
		spec.Restrict = append(spec.Restrict, token.Group{SID: sid.Everyone})
	}
	out, st := tok.Filter(spec)
	check.Success(t, st)
	return out
}

// nested is a tree of nested folders with random descriptors.
type nested struct {
	*live
	dir     *directory.Directory
	folders []string
	of      map[string]*sd.Descriptor
}

// newNested creates 15 nested folders with two files each. It sets the configuration to the rights read+modify, the
// policy TraverseAlways, and a directory of 50 users in 12 groups.
func newNested(t *testing.T) *nested {
	b := &nested{live: newLive(t, true), of: map[string]*sd.Descriptor{}}
	b.config.Rights, b.config.Traverse = "read+modify", index.TraverseAlways
	s := company.Sample{Seed: randtest.Seed(t), Objects: 120, Descriptors: 80, Principals: 50, Groups: 12}
	var list, rows bytes.Buffer
	err := errors.Join(s.Directory(&list), s.Write(&rows), os.WriteFile(b.config.Directory, list.Bytes(), 0o600))
	check.NoError(t, err)
	if b.dir, err = dirfile.Read(list.Bytes()); err != nil {
		t.Fatal(err)
	}
	var descriptors []*sd.Descriptor
	for line := range strings.Lines(rows.String()) {
		var o struct{ SD string }
		check.NoError(t, json.Unmarshal([]byte(line), &o))
		d := check.Must(sddl.Parse(o.SD, sddl.Options{Domain: b.dir.Domain}))
		descriptors = append(descriptors, d)
	}
	for i := range 15 {
		name := fmt.Sprintf("d%d", i)
		if i > 0 {
			name = filepath.Join(b.folders[(i-1)/2], name)
		}
		check.NoError(t, os.Mkdir(b.path(name), 0o755))
		b.folders = append(b.folders, name)
		b.of[name] = descriptors[i]
		b.describe(name, b.of[name])
		for f := range 2 {
			file := fmt.Sprintf("%s/f%d", name, f)
			b.of[file] = descriptors[15+(2*i+f)%80]
			b.store(file, b.of[file])
		}
	}
	return b
}

// allowed runs the access checks of a token on a document and its parent folders.
func (b *nested) allowed(tok *token.Token, name string) bool {
	b.t.Helper()
	for at, mask := name, winnt.FILE_GENERIC_READ; at != "."; at, mask = filepath.Dir(at),
		winnt.FILE_TRAVERSE {
		dec := check.Must(access.Check(tok, b.of[at], mask, winnt.FileObject))
		if !dec.Allowed() {
			return false
		}
	}
	return true
}

// TestFiltersSelectWhatAccessCheckAllows checks filters of tokens with deny-only groups and of restricted tokens. As a
// list, a bitmap and numbers, they have the classes that the access check allows, including folders on the way, and so
// does each single answer (N-19). A filter of SIDs matches no class that the token does not have, or
// is rejected (N-20).
func TestFiltersSelectWhatAccessCheckAllows(t *testing.T) {
	b := newNested(t)
	b.start()
	b.awaitBeats()
	b.end()
	x := b.open(time.Hour)
	numbers, allow, passing := b.classes()
	r := rand.New(rand.NewPCG(randtest.Seed(t), 19))
	yes, no, refused, given := 0, 0, 0, 0
	for range 40 {
		tok := variant(t, r, b.dir.Principals[r.IntN(len(b.dir.Principals))].Token)
		list := check.Must(x.FilterOf(tok, "read", index.FormList))
		bits, err := x.FilterOf(tok, "read", index.FormBitmap)
		check.RequireThat(t, err == nil && bits.Directory != "" && bits.Seq != 0 && !bits.Time.IsZero(),
			"%+v, %v", bits, err)
		ints, err := x.FilterOf(tok, "read", index.FormNumbers)
		check.RequireThat(t, err == nil && ints.Index != "" && ints.Classes == nil && slices.IsSorted(ints.Numbers),
			"%+v, %v", ints, err)
		sids, failed := x.FilterOf(tok, "read", index.FormSIDs)
		for _, id := range list.Classes {
			check.That(t, !passing[id],
				"N-19: the filter has the traverse class %s, want classes of documents only", id)
		}
		for _, folder := range b.folders {
			for f := range 2 {
				name := fmt.Sprintf("%s/f%d", folder, f)
				a, want := x.CanReadAs(b.path(name), tok, "read"), b.allowed(tok, name)
				n := numbers[a.Class]
				_, listed := slices.BinarySearch(list.Classes, a.Class)
				if a.Allowed != want || listed != want || bits.Bitmap[n/8]>>(n%8)&1 == 1 != want ||
					slices.Contains(ints.Numbers, n) != want {
					t.Fatalf("%s: %+v, listed %v, want %v", name, a, listed, want)
				}
				bySID := slices.ContainsFunc(sids.SIDs, func(s string) bool { return slices.Contains(allow[a.Class], s) })
				check.That(t, failed != nil || !bySID || want, "%s is found by SIDs alone", name)
				if want {
					yes++
				} else {
					no++
				}
			}
		}
		if failed != nil {
			refused++
		} else {
			given++
		}
	}
	passed := 0
	for _, p := range passing {
		if p {
			passed++
		}
	}
	check.That(t, passed != 0, "the index has no traverse class, want at least 1")
	check.That(t, yes >= 100 && no >= 100 && refused >= 3 && given >= 3,
		"%d may, %d may not; %d filters of SIDs were refused, %d given", yes, no, refused, given)
	check.That(t, check.Err(x.Filter("user1", "read", index.FormSIDs)) != nil,
		"a filter of SIDs for a name succeeds, want an error: the index has no group memberships")
	check.That(t, check.Err(x.Filter("user1", "write", index.FormList)) != nil,
		"a filter for a right that is not indexed succeeds, want an error")
	one, err := x.Filter("user1", "read", index.FormBitmap)
	list, err2 := x.Classes("user1", "read")
	check.RequireThat(t, err == nil && err2 == nil, "%v %v", err, err2)
	for id, n := range numbers {
		if has := one.Bitmap[n/8]>>(n%8)&1 == 1; has != slices.Contains(list, id) {
			t.Errorf("class %s: %v in the bitmap", id, has)
		}
	}
}

// classes returns the numbers of all classes, the SIDs in each one's list, and which are traverse classes.
func (b *nested) classes() (numbers map[string]int, allow map[string][]string, passing map[string]bool) {
	b.t.Helper()
	text := check.Must(os.ReadFile(filepath.Join(b.state, "events.jsonl")))
	numbers, allow, passing = map[string]int{}, map[string][]string{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		e := check.Must(index.ParseEvent([]byte(strings.TrimSpace(line))))
		if c := e.Class; c != nil {
			if _, known := numbers[c.ID]; !known {
				numbers[c.ID] = c.Number
			}
			allow[c.ID], passing[c.ID] = slices.Concat(c.Allow, c.Expand), c.Passing
		}
	}
	return numbers, allow, passing
}
