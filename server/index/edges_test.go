package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// SIDs of a small firm.
const (
	alice = "S-1-5-21-1-2-3-1107"
	bob   = "S-1-5-21-1-2-3-1108"
	carol = "S-1-5-21-1-2-3-1109"
	staff = "S-1-5-21-1-2-3-2001"
	night = "S-1-5-21-1-2-3-2002"
)

// firm has alice in Staff, bob in Staff and Night, and carol in Night.
func firm(t *testing.T, change ...func(name string) string) *people.Directory {
	t.Helper()
	text := "domain: S-1-5-21-1-2-3\nusers:\n"
	for _, u := range [][3]string{{"alice", alice, "Staff"}, {"bob", bob, "Staff, Night"}, {"carol", carol, "Night"}} {
		groups := u[2]
		for _, c := range change {
			groups = c(u[0])
		}
		text += fmt.Sprintf("- {name: %s, sid: %s, memberOf: [%s]}\n", u[0], u[1], groups)
	}
	text += "groups:\n- {name: Staff, sid: " + staff + "}\n- {name: Night, sid: " + night + "}\n"
	d, err := people.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// working returns a worker that knows the firm.
func working(t *testing.T, traverse Traverse) *Worker {
	t.Helper()
	rights, err := bulk.ParseRights("read")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Question{Rights: rights, Traverse: traverse}.Worker(nil)
	if err == nil {
		err = w.Directory(firm(t), "v1", 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// sees tells a worker of documents of the tree /t.
func sees(t *testing.T, w *Worker, list ...Seen) {
	t.Helper()
	if err := w.Batch(&Batch{Tree: "/t", Seen: list}); err != nil {
		t.Fatal(err)
	}
}

// readers returns who reads a document, by SID.
func readers(w *Worker, path string) []string {
	return w.state.sids(w.state.sets(path)[0], nil)
}

// TestClassParts: each number that a class is made of names another class by itself; what is kept of a
// descriptor without a list is without one, too (N-1).
func TestClassParts(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	seen := map[string]string{}
	for name, change := range map[string]func(*winnt.ObjectType, *winnt.AccessMask){
		"as it is":  func(*winnt.ObjectType, *winnt.AccessMask) {},
		"the mask":  func(_ *winnt.ObjectType, m *winnt.AccessMask) { *m = winnt.FILE_WRITE_DATA },
		"read":      func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Read ^= 1 << 8 },
		"write":     func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Write ^= 1 << 8 },
		"execute":   func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.Execute ^= 1 << 8 },
		"all":       func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Mapping.All ^= 1 << 8 },
		"the valid": func(o *winnt.ObjectType, _ *winnt.AccessMask) { o.Valid ^= 1 << 8 },
	} {
		o, mask := *winnt.FileObject, winnt.FILE_READ_DATA
		change(&o, &mask)
		id := NewClass(d, nil, "read", mask, &o).ID
		if other, known := seen[id]; known {
			t.Errorf("N-1: %s names the class of %s", name, other)
		}
		seen[id] = name
	}
	if Relevant(sddl.MustParse("O:BAG:SY")).HasDACL() || !Relevant(d).HasDACL() {
		t.Error("N-1: a list comes or goes")
	}
}

// TestSharesOfTokens: a token has a class if the descriptor and the share both grant it, and the
// expression says what both refuse (N-2, N-19).
func TestSharesOfTokens(t *testing.T) {
	d := newDecider(firm(t), "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	for _, c := range []struct {
		object, share string
		want          []int // numbers: alice, bob, carol
	}{
		{"D:(A;;FR;;;WD)", "", []int{0, 1, 2}},
		{"D:(A;;FR;;;WD)", "D:(A;;FR;;;" + staff + ")", []int{0, 1}},
		{"D:(A;;FR;;;" + staff + ")", "D:(A;;FR;;;WD)", []int{0, 1}},
		{"D:(A;;FR;;;WD)", "D:(D;;FR;;;" + night + ")(A;;FR;;;WD)", []int{0}},
		{"D:(D;;FR;;;" + night + ")(A;;FR;;;WD)", "D:(A;;FR;;;" + staff + ")", []int{0}},
		{"D:", "D:(A;;FR;;;WD)", nil}, {"D:(A;;FR;;;WD)", "D:", nil},
		{"D:(A;;FR;;;" + staff + ")(A;;FR;;;" + alice + ")", "D:(A;;FR;;;" + staff + ")(A;;FR;;;" + night + ")",
			[]int{0, 1}},
	} {
		var share *sd.Descriptor
		if c.share != "" {
			share = sddl.MustParse("O:BAG:SY" + c.share)
		}
		class := NewClass(sddl.MustParse("O:BAG:SY"+c.object), share, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
		got, err := d.decide(&class)
		if err != nil {
			t.Fatal(err)
		}
		for n, p := range firm(t).Principals {
			want := slices.Contains(c.want, n)
			may, err := deciderOf(p.Token).grants(&class)
			if err != nil || may != want || got.members.Has(n) != want {
				t.Errorf("N-2: %s, share %q: %s: %v, member %v, %v, want %v", c.object, c.share, p.Name, may,
					got.members.Has(n), err, want)
			}
			if said := says(got.expression, enabledOf(p)); got.told && said != want {
				t.Errorf("N-2: %s, share %q: %s: the expression says %v, want %v", c.object, c.share, p.Name, said, want)
			}
			listed := slices.ContainsFunc(got.allow, func(s sid.SID) bool { return enabledOf(p)[s] })
			if (listed || slices.Contains(got.expand, p.SID())) != want {
				t.Errorf("N-4: %s, share %q: %s: allow %v, expand %v", c.object, c.share, p.Name, got.allow, got.expand)
			}
		}
		if !got.told {
			t.Errorf("N-2: %s, share %q: nothing is told", c.object, c.share)
		}
		if every := slices.Contains(c.want, 2); every && (len(got.expand) > 0 || !slices.Contains(got.allow, everyone)) {
			t.Errorf("N-4: %s: everybody is listed: %v, %v", c.object, got.allow, got.expand)
		}
	}
}

// enabledOf returns the SIDs of a person.
func enabledOf(p people.Principal) map[sid.SID]bool {
	out := map[sid.SID]bool{p.SID(): true, everyone: true}
	for _, g := range p.Token.Groups() {
		out[g.SID] = g.Attributes&winnt.SE_GROUP_ENABLED != 0
	}
	return out
}

// says evaluates an expression as its documentation has it: each clause must allow, its terms in order.
func says(x effective.Expression, has map[sid.SID]bool) bool {
	for _, clause := range x {
		allowed := false
		for _, term := range clause {
			if term.SID.IsZero() || has[term.SID] {
				allowed = term.Allow
				break
			}
		}
		if !allowed {
			return false
		}
	}
	return true
}

// TestLeading: the SIDs that a clause allows before it refuses any, and none behind that (N-4).
func TestLeading(t *testing.T) {
	a, b, c := sid.MustParse(alice), sid.MustParse(bob), sid.MustParse(carol)
	term := func(s sid.SID, allow bool) effective.Term { return effective.Term{SID: s, Allow: allow} }
	for _, x := range []struct {
		clause effective.Clause
		want   []sid.SID
	}{
		{effective.Clause{}, nil}, {effective.Clause{term(a, true), term(b, true)}, []sid.SID{a, b}},
		{effective.Clause{term(a, true), term(b, false), term(c, true)}, []sid.SID{a}},
		{effective.Clause{term(b, false), term(c, true)}, nil},
		{effective.Clause{term(sid.SID{}, true)}, []sid.SID{everyone}},
	} {
		if got := leading(x.clause); !slices.Equal(got, x.want) {
			t.Errorf("N-4: %v: %v, want %v", x.clause, got, x.want)
		}
	}
}

// TestClassesThatRest: a class of which there is no document for a while has the people of the present
// directory when there is one again; an event says the same as another by its people alone (N-3).
func TestClassesThatRest(t *testing.T) {
	w := working(t, "")
	plan := Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + night + ")")}
	sees(t, w, plan)
	if got := readers(w, plan.Path); !slices.Equal(got, []string{bob, carol}) {
		t.Fatalf("N-3: %v", got)
	}
	sees(t, w, Seen{Path: plan.Path, Gone: true})
	moved := firm(t, func(name string) string { return map[string]string{"alice": "Night"}[name] })
	if err := w.Directory(moved, "v2", 2); err != nil {
		t.Fatal(err)
	}
	sees(t, w, plan)
	if got := readers(w, plan.Path); !slices.Equal(got, []string{alice}) {
		t.Errorf("N-3: of the class that rested: %v", got)
	}
	one := ClassEvent{ID: "c", Version: "v", Members: "0", Allow: []string{"a"}, Expand: []string{"e"},
		Expression: [][]string{{"+a"}}}
	for name, change := range map[string]func(*ClassEvent){
		"":           func(*ClassEvent) {},
		"version":    func(e *ClassEvent) { e.Version = "w" },
		"members":    func(e *ClassEvent) { e.Members = "1" },
		"allow":      func(e *ClassEvent) { e.Allow = nil },
		"expand":     func(e *ClassEvent) { e.Expand = []string{"f"} },
		"expression": func(e *ClassEvent) { e.Expression = [][]string{{"-a"}} },
		"clauses":    func(e *ClassEvent) { e.Expression = nil },
	} {
		other := one
		change(&other)
		if want := name == "" || name == "version"; one.same(&other) != want {
			t.Errorf("N-3: another %q is the same: %v", name, !want)
		}
	}
}

// TestUnreadable: a document without a descriptor belongs to no one, also where nothing says why, and is
// counted once, as long as it is so (N-5).
func TestUnreadable(t *testing.T) {
	w := working(t, "")
	open := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	for _, c := range []struct {
		seen   Seen
		unread int
	}{
		{Seen{Path: "/t/a", Descriptor: open}, 0}, {Seen{Path: "/t/a"}, 1}, {Seen{Path: "/t/a"}, 1},
		{Seen{Path: "/t/b", Err: errors.New("no")}, 2}, {Seen{Path: "/t/b", Err: errors.New("no"), Descriptor: open}, 2},
		{Seen{Path: "/t/a", Descriptor: open}, 1}, {Seen{Path: "/t/b", Gone: true}, 0},
	} {
		sees(t, w, c.seen)
		readable := c.seen.Err == nil && c.seen.Descriptor != nil
		got := len(readers(w, c.seen.Path))
		if (got == 3) != readable || got != 0 && got != 3 || w.state.unread != c.unread {
			t.Errorf("N-5: %+v: %d people, %d unread, want %d", c.seen, got, w.state.unread, c.unread)
		}
	}
}

// TestNames: a name of two or three people is no one's, also once one of them has another one; a name
// that someone had is no one's (N-6).
func TestNames(t *testing.T) {
	s := newState()
	if err := s.Apply(&Event{Seq: 1, Start: &StartEvent{Rights: []string{"read"}}}); err != nil {
		t.Fatal(err)
	}
	number := func(name string) int {
		if n, known := s.number(name); known {
			return n
		}
		return -1
	}
	for i, c := range []struct {
		person int
		name   string
		want   map[string]int
	}{
		{0, "ann", map[string]int{"ann": 0}}, {1, "bea", map[string]int{"ann": 0, "bea": 1}},
		{1, "ann", map[string]int{"ann": -1, "bea": -1}}, {2, "ann", map[string]int{"ann": -1}},
		{3, "ann", map[string]int{"ann": -1}}, {3, "dot", map[string]int{"ann": -1, "dot": 3}},
		{0, "eve", map[string]int{"ann": -1, "eve": 0}}, {0, "fay", map[string]int{"eve": -1, "fay": 0}},
	} {
		e := Event{Seq: uint64(i) + 2, Person: &PersonEvent{Number: c.person, Name: c.name,
			SID: fmt.Sprintf("S-1-5-21-1-2-3-%d", 1100+c.person)}}
		if err := s.Apply(&e); err != nil {
			t.Fatal(err)
		}
		for name, want := range c.want {
			if got := number(name); got != want {
				t.Errorf("N-6: after %d is %s: %s is %d, want %d", c.person, c.name, name, got, want)
			}
		}
		if got := number(e.Person.SID); got != c.person {
			t.Errorf("N-6: %s is %d", e.Person.SID, got)
		}
	}
}

// looked are events of which some looks lose some; each look takes an hour.
type looked struct {
	silent
	lost  map[int]bool // by the number of the look
	looks int
	clock *time.Duration
}

func (l *looked) read(map[string]struct{}) (bool, error) {
	l.looks++
	*l.clock += time.Hour
	return l.lost[l.looks], nil
}

// TestLookedAt: a beat is of the moment before the look, also of a walk that is all there is; what was
// lost stays lost until a walk, whatever is read afterwards, and so does a walk that is asked for
// (N-7, N-8).
func TestLookedAt(t *testing.T) {
	begin := time.Unix(1_000_000, 0)
	for name, c := range map[string]struct {
		lost  map[int]bool
		again bool
		beat  bool
		after bool // events are lost after two looks
	}{
		"nothing is lost":      {nil, false, true, false},
		"the first look loses": {map[int]bool{1: true}, false, false, true},
		"a walk is asked for":  {nil, true, false, true},
	} {
		var passed time.Duration
		again, out := make(chan struct{}, 1), make(chan Batch, 4)
		if c.again {
			again <- struct{}{}
		}
		clock := func() Beat { return Beat{Time: begin.Add(passed)} }
		w := &watch{Watcher: &Watcher{Root: t.TempDir(), Again: again, clock: clock},
			ctx: t.Context(), out: out, changes: &looked{lost: c.lost, clock: &passed}, pending: map[string]struct{}{}}
		if err := w.look(); err != nil {
			t.Fatal(err)
		}
		select {
		case b := <-out:
			if !c.beat || !b.Beat.Time.Equal(begin) {
				t.Errorf("N-7: %s: a beat of %v, want one of %v", name, b.Beat.Time, begin)
			}
		default:
			if c.beat {
				t.Errorf("N-7: %s: there is no beat", name)
			}
		}
		if err := w.drain(); err != nil || w.lost != c.after {
			t.Errorf("N-8: %s: after another look lost is %v, %v", name, w.lost, err)
		}
	}
	var passed time.Duration
	out := make(chan Batch, 4)
	w := &watch{Watcher: &Watcher{Root: t.TempDir(), NoEvents: true, clock: func() Beat {
		return Beat{Time: begin.Add(passed)}
	}}, ctx: t.Context(), out: out, changes: &looked{clock: &passed}, pending: map[string]struct{}{}}
	if err := w.walk(); err != nil || passed == 0 {
		t.Fatal(err, passed)
	}
	for b := range out {
		if b.End {
			if !b.Beat.Time.Equal(begin) {
				t.Errorf("N-7: a walk vouches for %v, want its beginning %v", b.Beat.Time, begin)
			}
			break
		}
	}
}

// TestLostInAWalk: events that are lost while a walk goes on are found by another walk, before there is
// a beat (N-8).
func TestLostInAWalk(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var passed time.Duration
	out := make(chan Batch)
	w := &watch{Watcher: &Watcher{Root: t.TempDir(), Beat: time.Millisecond, clock: now}, ctx: ctx, out: out,
		changes: &looked{lost: map[int]bool{1: true}, clock: &passed}, pending: map[string]struct{}{}}
	done := make(chan error, 1)
	go func() { done <- w.run() }()
	walks := 0
	for b := range out {
		if b.Begin {
			walks++
		}
		if !b.Beat.Time.IsZero() {
			break
		}
	}
	stop()
	if <-done; walks != 2 {
		t.Errorf("N-8: a beat after %d walks, want 2", walks)
	}
}

// TestStaleSources: a tree counts while both it and the directory were vouched for lately, by the time
// since the machine started, too (N-9).
func TestStaleSources(t *testing.T) {
	present := Beat{Time: time.Unix(1_000_000, 0), Up: time.Hour}
	fresh := Moment(present)
	old := Moment{Time: present.Time.Add(-time.Hour)}
	for name, c := range map[string]struct {
		tree, directory Moment
		fine            bool
	}{
		"both": {fresh, fresh, true}, "an old tree": {old, fresh, false}, "an old directory": {fresh, old, false},
		"a start that is yet to come": {Moment{present.Time, 2 * time.Hour}, fresh, false},
		"at the limit":                {Moment{present.Time.Add(-time.Minute), time.Hour - time.Minute}, fresh, true},
		"a moment more":               {Moment{present.Time.Add(-time.Minute - 1), time.Hour - time.Minute}, fresh, false},
		"a second to come":            {Moment{present.Time.Add(time.Second), time.Hour}, fresh, true},
		"two seconds to come":         {Moment{present.Time.Add(2 * time.Second), time.Hour}, fresh, false},
	} {
		x := &Index{limit: time.Minute, boot: "b", clock: func() Beat { return present }}
		f := &Fence{Boot: "b", Sources: map[string]Moment{"/t": c.tree, directorySource: c.directory}}
		if got := x.stale(f, "/t"); (got == "") != c.fine {
			t.Errorf("N-9: %s: %q", name, got)
		}
	}
}

// folder is one of the tree /t that a list lets through.
func folder(path, passes string) Seen {
	return Seen{Path: path, Folder: true, Descriptor: sddl.MustParse("O:BAG:SYD:" + passes)}
}

// TestFoldersOfAWorker: what lies behind a folder that is not known, or cannot be read, is no one's; a
// folder's change reaches all below it, by the classes that a worker would make that sees it anew, and
// writes no row whose class stays (N-15, N-16).
func TestFoldersOfAWorker(t *testing.T) {
	const all, hers, theirs = "(A;;FA;;;WD)", "(A;;FA;;;" + alice + ")", "(A;;FA;;;" + staff + ")"
	w := working(t, TraverseAlways)
	plan := Seen{Path: "/t/d/e/f/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")}
	want := func(what string, people ...string) {
		t.Helper()
		if got := readers(w, plan.Path); !slices.Equal(got, people) {
			t.Errorf("N-15, N-16: %s: %v, want %v", what, got, people)
		}
	}
	sees(t, w, plan)
	want("behind folders that are not known")
	sees(t, w, folder("/t/d", all), folder("/t/d/e", all), folder("/t/d/e/f", all), plan)
	want("behind folders that all pass", alice, bob, carol)
	sees(t, w, folder("/t/d", theirs))
	want("behind a folder of staff", alice, bob)
	sees(t, w, plan, Seen{Path: "/t/d/e/f", Folder: true, Err: errors.New("no")})
	want("behind a folder that cannot be read")
	sees(t, w, folder("/t/d/e/f", all))
	want("behind it, read again", alice, bob)
	sees(t, w, folder("/t/d/e", hers))
	want("behind two folders", alice)
	anew := working(t, TraverseAlways)
	sees(t, anew, folder("/t/d", theirs), folder("/t/d/e", hers), folder("/t/d/e/f", all), plan)
	if got, fresh := w.state.rows[plan.Path].Classes, anew.state.rows[plan.Path].Classes; !slices.Equal(got, fresh) {
		t.Errorf("N-16: of the classes %v, seen anew %v", got, fresh)
	}
	sees(t, w, folder("/t/d/e/f", theirs), plan) // behind staff, her and staff
	w.Take()
	sees(t, w, folder("/t/d", hers)) // behind her, her and staff: the same set
	for _, e := range w.Take() {
		if e.Row != nil && e.Row.Path == plan.Path {
			t.Errorf("N-16: a row whose class stays is written: %+v", e.Row)
		}
	}
	want("behind the same set", alice)
}

// TestTerms: SIDs are given to a token only where no list gives it a class that it has not, also to one
// that has no class at all; a group that is not enabled is no term (N-20).
func TestTerms(t *testing.T) {
	w := working(t, "")
	sees(t, w, Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + staff + ")")})
	x := &Index{state: w.state}
	her := firm(t).Principals[0].Token
	if sids, err := x.terms(her, nil, "read"); err == nil {
		t.Errorf("N-20: a token without a class is given %v", sids)
	}
	if _, err := x.terms(her, w.state.rows["/t/plan"].Classes, "read"); err != nil {
		t.Errorf("N-20: a token with the class: %v", err)
	}
	// Lists of another right, or of no document, give no one anything.
	if sids, err := x.terms(her, nil, "write"); err != nil || !slices.Contains(sids, staff) {
		t.Errorf("N-20: of another right: %v, %v", sids, err)
	}
	gone := working(t, "")
	plan := Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + staff + ")")}
	sees(t, gone, plan, Seen{Path: plan.Path, Gone: true})
	if sids, err := (&Index{state: gone.state}).terms(her, nil, "read"); err != nil || !slices.Contains(sids, alice) {
		t.Errorf("N-20: of no document: %v, %v", sids, err)
	}
	for attributes, want := range map[uint32]bool{winnt.SE_GROUP_ENABLED: true,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY: false, winnt.SE_GROUP_ENABLED_BY_DEFAULT: false} {
		tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse(carol)},
			Groups: []token.Group{{SID: sid.MustParse(night), Attributes: attributes}}})
		if err != nil {
			t.Fatal(err)
		}
		if sids, err := x.terms(tok, nil, "read"); err != nil || slices.Contains(sids, night) != want {
			t.Errorf("N-20: a group with attributes %#x: %v, %v", attributes, sids, err)
		}
	}
}

// TestForeignClasses: a class that its id names is refused where it is not one of this index: of another
// share, another mask, another right, or another policy for folders (N-41).
func TestForeignClasses(t *testing.T) {
	d := sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)")
	const read = winnt.FILE_GENERIC_READ
	for name, c := range map[string]struct {
		class    Class
		traverse Traverse
		want     bool
	}{
		"its own":                   {NewClass(d, nil, "read", read, winnt.FileObject), "", true},
		"of another share":          {NewClass(d, d, "read", read, winnt.FileObject), "", false},
		"of another mask":           {NewClass(d, nil, "read", winnt.FILE_EXECUTE, winnt.FileObject), "", false},
		"of another right":          {NewClass(d, nil, "write", read, winnt.FileObject), "", false},
		"of a folder, always":       {NewPassing(d, false), TraverseAlways, true},
		"of holders, always":        {NewPassing(d, true), TraverseAlways, false},
		"of holders, by privilege":  {NewPassing(d, true), TraversePrivilege, true},
		"of a folder, by privilege": {NewPassing(d, false), TraversePrivilege, false},
		"of a folder, never":        {NewPassing(d, false), "", false},
	} {
		w := working(t, c.traverse)
		err := w.Define(definition(&c.class), 2)
		if (err == nil) != c.want || (w.state.classes[c.class.ID] != nil) != c.want {
			t.Errorf("N-41: a class %s: %v", name, err)
		}
	}
}
