package index

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// consistent checks that all derived fields of a state follow from its rows, classes and people.
func consistent(t *testing.T, what string, s *State) {
	t.Helper()
	below, unread, rows := map[string]map[string]struct{}{}, 0, map[string]int{}
	documents := map[string]map[string]struct{}{}
	for at, r := range s.rows {
		check.RequireThat(t, r.Path == at, "%s: the row of %s is kept at %s, want %s", what, r.Path, at, at)
		for at != "" && at != "/" {
			dir, name := path.Split(at)
			if below[dir] == nil {
				below[dir] = map[string]struct{}{}
			}
			below[dir][name] = struct{}{}
			at = strings.TrimSuffix(dir, "/")
		}
		if r.Error != "" {
			unread++
		}
		for _, id := range r.Classes {
			rows[id]++
			if documents[id] == nil {
				documents[id] = map[string]struct{}{}
			}
			documents[id][r.Path] = struct{}{}
		}
	}
	check.RequireThat(t, reflect.DeepEqual(s.below, below), "%s: names in folders %v, want %v", what, s.below, below)
	check.Require(t, s.unread, unread, "N-5: %s: could not be read", what)
	numbers := map[int]bool{}
	for id, k := range s.classes {
		if k.rows != rows[id] || k.ID != id || k.event.ID != id || numbers[k.number] || k.number < 1 ||
			k.number >= s.nextNumber() {
			t.Fatalf("%s: class %s has %d rows, want %d; number %d, %s",
				what, id, k.rows, rows[id], k.number, k.event.ID)
		}
		numbers[k.number] = true
		if s.documents != nil {
			if list := slices.Sorted(maps.Keys(documents[id])); !slices.Equal(s.documentsOf(id), list) {
				t.Fatalf("%s: class %s has the documents %v, want %v", what, id, s.documentsOf(id), list)
			}
		}
	}
	names := map[string]int{}
	for i, p := range s.people {
		check.RequireThat(t, p.Number == i && s.bySID[p.SID] == i, "%s: person %d is %+v", what, i, p)
		if _, twice := names[p.Name]; twice {
			i = -1
		}
		names[p.Name] = i
	}
	for name, i := range names {
		if n, known := s.number(name); known != (i >= 0) || known && n != i {
			t.Fatalf("N-6: %s: %q names %d, %t, want %d", what, name, n, known, i)
		}
	}
	check.RequireThat(t, len(s.bySID) == len(s.people),
		"%s: %d SIDs of %d people, want %d", what, len(s.bySID), len(s.people), len(s.people))
	for _, at := range []string{"/t", "/t/d0"} {
		var want []string
		for p := range s.rows {
			if beneath(p, at) {
				want = append(want, p)
			}
		}
		slices.SortFunc(want, func(a, b string) int { return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/")) })
		if got := s.under(at); !slices.Equal(got, want) {
			t.Fatalf("%s: under %s are %q, want %q", what, at, got, want)
		}
	}
}

func beneath(p, at string) bool { return p == at || strings.HasPrefix(p, at+"/") }

// compareStates compares two states that events built.
func compareStates(t *testing.T, what string, got, want *State) {
	t.Helper()
	strip := func(s *State) (rows map[string]RowEvent, members map[string]string) {
		rows, members = map[string]RowEvent{}, map[string]string{}
		for at, r := range s.rows {
			one := *r
			one.seq, one.time, one.walk = 0, 0, 0
			rows[at] = one
		}
		for id, k := range s.classes {
			members[id] = fmt.Sprint(k.event.Version, ranges(k.members), k.Right, k.Mask, k.Passing, k.Holders, ids(k.Through))
		}
		return rows, members
	}
	r1, m1 := strip(got)
	r2, m2 := strip(want)
	if !reflect.DeepEqual(r1, r2) || !reflect.DeepEqual(m1, m2) || !slices.Equal(got.people, want.people) ||
		got.version != want.version || got.seq != want.seq {
		t.Fatalf("%s: replaying the log gives another state", what)
	}
}

// modelled is a worker with a model of its input.
type modelled struct {
	*testing.T
	rng      *rand.Rand
	w        *Worker
	policy   Traverse
	docs     map[string]watch.Seen
	dir      *directory.Directory
	version  int
	replay   *State          // of all events
	reported map[string]bool // by the changes: path, SID and right
	view     *View
	viewed   map[string]bool  // by the differences: class and SID
	asked    map[checked]bool // results of the access check
}

// checked is a memoized access check.
type checked struct {
	tok  *token.Token
	d    *sd.Descriptor
	mask winnt.AccessMask
	typ  *winnt.ObjectType
}

// randomPeople returns a directory of people with random groups, names and privileges.
func (m *modelled) randomPeople() *directory.Directory {
	d := &directory.Directory{}
	for i, user := range []string{alice, bob, carol} {
		spec := token.StandardUser(sid.MustParse(user))
		for _, g := range []string{staff, night} {
			if m.rng.IntN(2) == 0 {
				spec.Groups = append(spec.Groups, token.Group{SID: sid.MustParse(g), Attributes: winnt.SE_GROUP_ENABLED})
			}
		}
		if m.rng.IntN(3) == 0 {
			spec.Privileges, spec.EnabledPrivileges, spec.DefaultPrivileges = 0, 0, 0
		}
		tok, err := token.New(spec)
		if err != nil {
			m.Fatal(err)
		}
		d.Add(directory.Principal{Name: []string{"alice", "bob", "carol", "carol2", "bob"}[i+m.rng.IntN(3)], Token: tok})
	}
	return d
}

// allowed runs the access check directly.
func (m *modelled) allowed(tok *token.Token, d *sd.Descriptor, mask winnt.AccessMask, typ *winnt.ObjectType) bool {
	key := checked{tok, d, mask, typ}
	if yes, known := m.asked[key]; known {
		return yes
	}
	got, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: access.SubjectOf(tok), Desired: mask,
		Type: typ})
	m.asked[key] = err == nil && got.Allowed()
	return m.asked[key]
}

// expected reports whether a person has a right by the rules (N-5, N-15).
func (m *modelled) expected(i int, at string, right words.Right) bool {
	s, here := m.docs[at]
	if !here || s.Descriptor == nil || s.Err != nil {
		return false
	}
	typ, tok := winnt.FileObject, m.dir.Principals[i].Token
	if s.Folder {
		typ = winnt.DirectoryFileObject
	}
	if !m.allowed(tok, s.Descriptor, right.Mask(typ), typ) {
		return false
	}
	for dir := path.Dir(at); m.policy != "" && at != "/t" && dir != "/t"; dir = path.Dir(dir) {
		f, here := m.docs[dir]
		holds := m.policy == TraversePrivilege && tok.Has(winnt.SeChangeNotifyPrivilege)
		if !holds && (!here || f.Descriptor == nil || f.Err != nil ||
			!m.allowed(tok, f.Descriptor, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject)) {
			return false
		}
	}
	return true
}

// drawn lists the descriptors of files and folders; nil is unreadable.
var drawn = func() (list []*sd.Descriptor) {
	for _, text := range []string{"(A;;FA;;;WD)", "(A;;FR;;;" + staff + ")", "(A;;0x1200a9;;;" + night + ")", "",
		"(D;;FA;;;" + night + ")(A;;FA;;;WD)", "(A;;0x1301bf;;;" + alice + ")(A;;FX;;;" + bob + ")", "(A;;FX;;;" + staff +
			")"} {
		list = append(list, sddl.MustParse("O:BAG:SYD:"+text))
	}
	return append(list, nil)
}()

// draw returns a random document of the tree: nested folders d0 to d2, and files in them.
func (m *modelled) draw() watch.Seen {
	at := "/t"
	depth := m.rng.IntN(4)
	for range depth {
		at += fmt.Sprintf("/d%d", m.rng.IntN(2))
	}
	s := watch.Seen{Path: at, Folder: true, Descriptor: drawn[m.rng.IntN(len(drawn))]}
	if m.rng.IntN(2) == 0 {
		s.Path, s.Folder = at+fmt.Sprintf("/f%d", m.rng.IntN(2)), false
	}
	if s.Descriptor == nil && m.rng.IntN(2) == 0 || m.rng.IntN(16) == 0 {
		s.Err = errors.New("it cannot be read")
	}
	return s
}

// batch passes documents to the worker.
func (m *modelled) batch(b watch.Batch) {
	m.Helper()
	b.Tree, b.Heartbeat = "/t", watch.Heartbeat{Time: time.Unix(int64(1000+m.version), 0)}
	check.NoError(m, m.w.Batch(&b))
}

// reread reads the events again, in each of the ways in which others do.
func (m *modelled) reread(what string) {
	m.Helper()
	for _, e := range m.w.Take() {
		line, err := e.append(nil)
		if err != nil {
			m.Fatal(err)
		}
		read, err := ParseEvent(line[:len(line)-1])
		if err != nil {
			m.Fatalf("%s: %s: %v", what, line, err)
		}
		if e.Row != nil {
			if was := m.replay.rows[e.Row.Path]; was != nil && was.same(e.Row) {
				m.Fatalf("N-16: %s: a row that stays is written: %s", what, line)
			}
		}
		if e.Class != nil {
			if k := m.replay.classes[e.Class.ID]; k != nil && k.event.same(e.Class) {
				m.Fatalf("N-3: %s: the worker emitted an event for an unchanged class: %s", what, line)
			}
		}
		list, err := m.replay.changed(read, true)
		if err != nil {
			m.Fatalf("%s: %s: %v", what, line, err)
		}
		for _, c := range list {
			if c.Seq != e.Seq || c.Time != e.Time || c.Directory == "" && m.version > 0 {
				m.Fatalf("%s: %+v of %s", what, c, line)
			}
			for i, sids := range [][]string{c.Gained, c.Lost} {
				for _, who := range sids {
					key := c.Document + " " + who + " " + c.Right
					if m.reported[key] == (i == 0) {
						m.Fatalf("%s: change %+v was reported twice in a row", what, c)
					}
					m.reported[key] = i == 0
				}
			}
		}
		again, _ := ParseEvent(line[:len(line)-1])
		d, err := m.view.Apply(again)
		if err != nil {
			m.Fatal(err)
		}
		for i, sids := range [][]string{d.Gained, d.Lost} {
			for _, who := range sids {
				if key := d.Class + " " + who; m.viewed[key] == (i == 0) {
					m.Fatalf("%s: change %+v was reported twice in a row", what, d)
				} else if m.viewed[key] = i == 0; i == 1 {
					delete(m.viewed, key)
				}
			}
		}
	}
}

// check compares all results of the worker with the rules.
func (m *modelled) check(what string) (yes int) {
	m.Helper()
	m.reread(what)
	consistent(m.T, what, m.w.state)
	consistent(m.T, what, m.replay)
	compareStates(m.T, what, m.replay, m.w.state)
	s := m.w.state
	if len(s.rows) != len(m.docs) {
		m.Fatalf("%s: %d rows, want %d", what, len(s.rows), len(m.docs))
	}
	for at := range m.docs {
		for r, right := range m.w.rights {
			for i := range m.dir.Principals {
				who := m.dir.Principals[i].SID().String()
				want := m.expected(i, at, right)
				n, _ := s.number(who)
				if got := s.sets(at)[r].Has(n); got != want {
					m.Fatalf("N-15: %s: %s has %s on %s: %t, want %t", what, who, right.Name, at, got, want)
				}
				if m.reported[at+" "+who+" "+right.Name] != want {
					m.Fatalf("%s: by the changes %s has %s on %s: %t, want %t", what, who, right.Name, at, !want, want)
				}
				if want {
					yes++
				}
			}
		}
	}
	rows := map[MemberRow]bool{}
	m.view.Members(func(r MemberRow) bool { rows[r] = true; return true })
	for r := range rows {
		if !m.viewed[r.Class+" "+r.SID] {
			m.Fatalf("%s: by the differences %s has not %s", what, r.SID, r.Class)
		}
	}
	if len(rows) != len(m.viewed) {
		m.Fatalf("%s: by the differences there are %d members, want %d", what, len(m.viewed), len(rows))
	}
	return yes
}

// TestRandomHistoriesMatchAccessChecks checks random histories of a tree, walks and directory versions. After each step
// everybody has the rights that the access checks of the document and its folders grant, in the
// state, the changes and the differences. No event is redundant, and derived fields are consistent
// (N-3, N-5, N-6, N-15, N-16).
func TestRandomHistoriesMatchAccessChecks(t *testing.T) {
	rights, err := words.Parse("read+modify")
	check.NoError(t, err)
	for seed, policy := range []Traverse{"", TraversePrivilege, TraverseAlways} {
		m := &modelled{T: t, rng: rand.New(rand.NewPCG(15, uint64(seed))), policy: policy, docs: map[string]watch.Seen{},
			replay: newState(), reported: map[string]bool{}, view: &View{newState()}, viewed: map[string]bool{},
			asked: map[checked]bool{}}
		if m.w, err = (Question{Rights: rights, Traverse: policy}).Worker(nil); err != nil {
			t.Fatal(err)
		}
		if err := m.w.Batch(&watch.Batch{Tree: "/t"}); err == nil {
			t.Error("a worker without a directory takes documents")
		}
		m.directory()
		yes := 0
		for step := range 90 {
			what := fmt.Sprintf("%q, step %d", policy, step)
			switch n := m.rng.IntN(20); {
			case n < 12:
				var list []watch.Seen
				for range 1 + m.rng.IntN(3) {
					s := m.draw()
					m.docs[s.Path] = s
					list = append(list, s)
				}
				m.batch(watch.Batch{Seen: list})
			case n < 15:
				at := m.draw().Path
				maps.DeleteFunc(m.docs, func(p string, _ watch.Seen) bool { return beneath(p, at) })
				s := m.draw()
				m.docs[s.Path] = s
				m.batch(watch.Batch{Seen: []watch.Seen{{Path: at, Gone: true}, s}})
			case n < 17:
				m.walk()
			case n < 19:
				m.directory()
			default:
				events, err := m.w.Compact(m.rng.IntN(2) == 0)
				check.RequireThat(t, err == nil && events[len(events)-1].Seq == m.w.state.seq, "%s: %v", what, err)
				m.restart(events)
			}
			yes += m.check(what)
		}
		check.That(t, yes >= 300, "%q: %d answers are yes, want at least 300", policy, yes)
	}
}

// directory applies another directory version.
func (m *modelled) directory() {
	m.Helper()
	m.version++
	m.dir = m.randomPeople()
	check.NoError(m, m.w.Directory(m.dir, fmt.Sprint("v", m.version), int64(m.version)))
}

// walk reports the whole tree: documents that it does not find are removed, except those reported
// during the walk (N-7).
func (m *modelled) walk() {
	m.Helper()
	m.batch(watch.Batch{Begin: true})
	left := map[string]watch.Seen{}
	for _, at := range slices.Sorted(maps.Keys(m.docs)) {
		if s := m.docs[at]; m.rng.IntN(5) > 0 {
			left[at] = s
			m.batch(watch.Batch{Seen: []watch.Seen{s}})
		}
	}
	s := m.draw()
	left[s.Path] = s
	m.docs = left
	m.batch(watch.Batch{Seen: []watch.Seen{s}})
	m.batch(watch.Batch{End: true})
	if err := m.w.Batch(&watch.Batch{Tree: "/t", End: true}); err == nil {
		m.Fatal("N-53: a walk ends twice")
	}
}

// restart continues from a compacted state, which must be equivalent (N-22).
func (m *modelled) restart(events []Event) {
	m.Helper()
	m.reread("before it is put together")
	m.replay, m.view, m.viewed = newState(), &View{newState()}, map[string]bool{}
	for i := range events {
		line, err := events[i].append(nil)
		if err != nil {
			m.Fatal(err)
		}
		for _, s := range []*State{m.replay, m.view.state} {
			e, err := ParseEvent(line[:len(line)-1])
			if err == nil {
				err = s.Apply(e)
			}
			if err != nil {
				m.Fatal(err)
			}
		}
	}
	m.view.Members(func(r MemberRow) bool { m.viewed[r.Class+" "+r.SID] = true; return true })
}
