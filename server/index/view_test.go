package index

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
)

// tables has the rows of a sink, updated from the differences of a view.
type tables struct {
	documents map[[2]string]DocumentRow // by path and right
	members   map[MemberRow]bool
}

// apply applies a difference, and checks that each part of it changes something.
func (s *tables) apply(t *testing.T, d Difference) {
	t.Helper()
	for _, path := range d.Gone {
		maps.DeleteFunc(s.documents, func(k [2]string, _ DocumentRow) bool { return k[0] == path })
	}
	for _, r := range d.Documents {
		s.documents[[2]string{r.Path, r.Right}] = r
	}
	check.RequireThat(t, d.Class != "" || len(d.Gained)+len(d.Lost) == 0, "people of no class: %+v", d)
	for _, id := range d.Gained {
		check.RequireThat(t, !s.members[MemberRow{d.Class, id}], "%s is gained twice: %+v", id, d)
		s.members[MemberRow{d.Class, id}] = true
	}
	for _, id := range d.Lost {
		check.RequireThat(t, s.members[MemberRow{d.Class, id}],
			"%s is reported as lost but was not a member: %+v", id, d)
		delete(s.members, MemberRow{d.Class, id})
	}
}

// checkEqual compares the tables with the view's contents, and both with the readers in the state.
func (s *tables) checkEqual(t *testing.T, what string, v *View, w *Worker) {
	t.Helper()
	documents, members := map[[2]string]DocumentRow{}, map[MemberRow]bool{}
	for r := range v.Documents {
		documents[[2]string{r.Path, r.Right}] = r
	}
	for r := range v.Members {
		members[r] = true
	}
	for range v.Documents {
		break // the range panics if Documents goes on
	}
	for range v.Members {
		break
	}
	if !maps.Equal(documents, s.documents) || !maps.Equal(members, s.members) {
		t.Fatalf("%s: the view has\n%v\n%v, the differences make, want %v, %v\n%v\n%v", what, documents, members,
			s.documents, s.members, s.documents, s.members)
	}
	for path, row := range w.state.rows {
		sets := w.state.sets(path)
		for i, right := range w.state.start.Rights {
			d, there := s.documents[[2]string{path, right}]
			if there != (row.Error == "") || there && d != (DocumentRow{path, row.Tree, right, row.Classes[i], row.Descriptor,
				row.seq, time.Unix(0, row.time)}) {
				t.Fatalf("%s: %s of %s is %+v, %t", what, right, path, d, there)
			}
			for _, p := range w.state.people {
				if s.members[MemberRow{d.Class, p.SID}] != sets[i].Has(p.Number) {
					t.Fatalf("%s: %s, %s of %s: %t", what, p.Name, right, path, !sets[i].Has(p.Number))
				}
			}
		}
	}
	check.Require(t, v.Directory(), w.state.version, "%s: the directory", what)
}

// TestViewDifferencesRebuildItsContents checks that the differences of all events lead to the same tables as the view's
// contents, and that these agree with the state: for new, changed, unreadable and deleted documents
// and folders, and for directory versions. Folder classes are omitted. A view of an existing log
// has its contents.
func TestViewDifferencesRebuildItsContents(t *testing.T) {
	w := deciding(t, "read+modify", TraverseAlways, "v0")
	dir := t.TempDir()
	log, _, err := OpenLog(dir)
	check.NoError(t, err)
	if v, err := NewView(filepath.Join(dir, "none")); err != nil || v.Directory() != "" {
		t.Errorf("a view without a log: %v", err)
	}
	v, s := &View{newState()}, &tables{map[[2]string]DocumentRow{}, map[MemberRow]bool{}}
	r := rand.New(rand.NewPCG(3, 16))
	lists := []string{"(A;;FA;;;WD)", "(A;;FA;;;" + staff + ")", "(A;;FR;;;" + night + ")(A;;FA;;;" + alice + ")", ""}
	paths := []string{"/t/a", "/t/b", "/t/d/a", "/t/d/b", "/t/d/e/a"}
	folders := []string{"/t/d", "/t/d/e"}
	met := map[string]int{}
	for step := range 120 {
		var seen watch.Seen
		switch n := r.IntN(8); {
		case n < 3:
			seen = watch.Seen{Path: paths[r.IntN(len(paths))], Descriptor: sddl.MustParse("O:BAG:SYD:" + lists[r.IntN(4)])}
		case n < 5:
			seen = folder(folders[r.IntN(2)], lists[r.IntN(4)])
		case n == 5:
			seen = watch.Seen{Path: paths[r.IntN(len(paths))], Err: errors.New("no")}
		case n == 6:
			seen = watch.Seen{Path: slices.Concat(paths, folders)[r.IntN(7)], Gone: true}
		default:
			groups := []string{"Staff", "Night", "Staff, Night", ""}
			d := firm(t, func(string) string { return groups[r.IntN(4)] })
			check.NoError(t, w.Directory(d, fmt.Sprint("v", step), int64(step)))
		}
		if seen.Path != "" {
			report(t, w, seen)
		}
		events := w.Take()
		check.NoError(t, log.Write(events))
		for i := range events {
			d := check.Must(v.Apply(&events[i]))
			for what, n := range map[string]int{"gone": len(d.Gone), "documents": len(d.Documents), "gained": len(d.Gained),
				"lost": len(d.Lost)} {
				met[what] += n
			}
			s.apply(t, d)
		}
		s.checkEqual(t, fmt.Sprint("step ", step), v, w)
	}
	for _, what := range []string{"gone", "documents", "gained", "lost"} {
		check.That(t, met[what] >= 10, "%s: met %d times, want at least 10", what, met[what])
	}
	check.That(t, check.Err(v.Apply(&Event{Seq: 1, Gone: "/t/a"})) != nil, "Apply accepts an old event, want an error")
	again, err := NewView(dir)
	check.NoError(t, errors.Join(err, log.Close()))
	s.checkEqual(t, "from the log", again, w)
}
