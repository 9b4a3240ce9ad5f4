package index

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestVersionsEqualAFreshDecision changes memberships, users and groups many times. After each version every class
// has the people, the lists and the expression that a decider of that version alone gives it, and classes that name
// no account of the change have no event (N-96).
func TestVersionsEqualAFreshDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(randtest.Seed(t), 1))
	home := sid.MustParse("S-1-5-21-1-2-3")
	a := &directory.Accounts{Domain: home}
	for i := range 12 {
		a.Groups = append(a.Groups, directory.Group{Name: fmt.Sprint("g", i), SID: home.WithRID(uint32(2000 + i))})
	}
	hire := func() {
		n := len(a.Users)
		a.Users = append(slices.Clone(a.Users), directory.User{Name: fmt.Sprint("u", n), SID: home.WithRID(uint32(1100 + n))})
	}
	for range 70 {
		hire()
	}
	rights := check.Must(words.Parse("read"))
	share := sddl.MustParse("O:SYG:SYD:(D;;FR;;;" + home.WithRID(2011).String() + ")(A;;FA;;;WD)")
	w := check.Must(Question{Rights: rights, Share: share, ShareText: "s", Traverse: TraverseAlways}.Worker(nil))
	d, err := directory.New(a)
	if err == nil {
		err = w.Directory(d, "0", 1)
	}
	if err == nil {
		err = w.Batch(randomDocuments(r, home))
	}
	check.NoError(t, err)
	few := 0
	for step := range randtest.Count(t, "REFMON_DIRECTORY_CHANGES", 300) {
		a = a.With(nil, nil)
		switch r.IntN(12) {
		case 0:
			hire()
		case 1:
			a.Users[r.IntN(len(a.Users))].Disabled = r.IntN(2) == 0
		case 2:
			a.Users[r.IntN(len(a.Users))].Name = fmt.Sprint("renamed", step)
		case 3:
			a.Users[r.IntN(len(a.Users))].MemberOf = []sid.SID{sid.Administrators} // privileges and level too
		case 4, 5, 6:
			a.Groups[r.IntN(len(a.Groups))].MemberOf = []sid.SID{a.Groups[r.IntN(len(a.Groups))].SID}
		default:
			a.Users[r.IntN(len(a.Users))].MemberOf = []sid.SID{a.Groups[r.IntN(len(a.Groups))].SID,
				a.Groups[r.IntN(len(a.Groups))].SID}
		}
		if d, err = d.Update(a); err != nil {
			t.Fatal(err)
		}
		w.Take()
		version := fmt.Sprint(step + 1)
		check.NoError(t, w.Directory(d, version, 1))
		if events := len(w.Take()); events > 1 && events < len(w.state.classes)/2 {
			few++
		}
		fresh := newDecider(d, version, func(s sid.SID) int { return w.state.bySID[s.String()] }, len(w.state.people))
		for _, k := range w.state.inOrder() {
			want := check.Must(fresh.event(&k.Class))
			check.RequireThat(t, k.event.same(want),
				"N-96: step %d: class %s has\n%+v\nwant\n%+v", step, k.ID, k.event, want)
		}
	}
	check.That(t, few != 0, "N-96: no version changed only some of the classes, want at least 1")
}

// randomDocuments returns documents in folders, whose descriptors name some groups.
func randomDocuments(r *rand.Rand, home sid.SID) *watch.Batch {
	b := &watch.Batch{Tree: "/srv", Heartbeat: watch.Now()}
	entry := func() string {
		kind, condition := "A", ""
		switch r.IntN(9) {
		case 0, 1:
			kind = "D"
		case 2:
			kind, condition = "XA", fmt.Sprintf(";(Member_of{SID(%v)})", home.WithRID(uint32(2000+r.IntN(12))))
		}
		who := home.WithRID(uint32(2000 + r.IntN(12))).String()
		switch r.IntN(8) {
		case 0:
			who = home.WithRID(uint32(1100 + r.IntN(70))).String()
		case 1:
			who = []string{"WD", "AU", "BA", "OW"}[r.IntN(4)]
		}
		return fmt.Sprintf("(%s;;0x1200a9;;;%s%s)", kind, who, condition)
	}
	for i := range 60 {
		text := "O:" + home.WithRID(uint32(2000+r.IntN(12))).String() + "G:SYD:"
		for range 1 + r.IntN(3) {
			text += entry()
		}
		if i < 4 { // a folder, which all but one group may pass
			text = fmt.Sprintf("O:SYG:SYD:(D;;0x20;;;%v)(A;;0x1200a9;;;WD)", home.WithRID(uint32(2000+r.IntN(12))))
		}
		s := watch.Seen{Path: fmt.Sprintf("/srv/f%d", i), Descriptor: sddl.MustParse(text)}
		switch {
		case i < 4:
			s.Folder = true
		case i%2 == 0:
			s.Path = fmt.Sprintf("/srv/f%d/x%d", i%4, i)
		}
		b.Seen = append(b.Seen, s)
	}
	return b
}

// TestUnusedClassGetsCurrentMembers checks that a class without documents gets the members of the current directory
// once it has a document again. Two class events are equal if their members are (N-3).
func TestUnusedClassGetsCurrentMembers(t *testing.T) {
	w := firmWorker(t, "")
	plan := watch.Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + night + ")")}
	report(t, w, plan)
	if got := readers(w, plan.Path); !slices.Equal(got, []string{bob, carol}) {
		t.Fatalf("N-3: %v", got)
	}
	report(t, w, watch.Seen{Path: plan.Path, Gone: true})
	moved := firm(t, func(name string) string { return map[string]string{"alice": "Night"}[name] })
	check.NoError(t, w.Directory(moved, "v2", 2))
	report(t, w, plan)
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

// folder is one of the tree /t that a list lets through.
func folder(path, passes string) watch.Seen {
	return watch.Seen{Path: path, Folder: true, Descriptor: sddl.MustParse("O:BAG:SYD:" + passes)}
}

// TestRowEqualityIgnoresBookkeeping checks that rows are equal if all stored fields are, and that bookkeeping does not
// count.
func TestRowEqualityIgnoresBookkeeping(t *testing.T) {
	base := RowEvent{Path: "/p", Tree: "/t", Folder: true, Classes: []string{"a", "b"}, Descriptor: "d", Error: "e",
		Pass: "c"}
	other := base
	other.seq, other.time, other.walk, other.Classes = 1, 2, 3, []string{"a", "b"}
	check.That(t, base.same(&other), "the number, the time and the walk count")
	for name, change := range map[string]func(*RowEvent){
		"path": func(r *RowEvent) { r.Path = "/t" }, "tree": func(r *RowEvent) { r.Tree = "/p" },
		"folder": func(r *RowEvent) { r.Folder = false }, "classes": func(r *RowEvent) { r.Classes = []string{"b", "a"} },
		"a class": func(r *RowEvent) { r.Classes = []string{"a"} }, "descriptor": func(r *RowEvent) { r.Descriptor = "e" },
		"error": func(r *RowEvent) { r.Error = "d" }, "pass": func(r *RowEvent) { r.Pass = "" },
	} {
		other := base
		if change(&other); base.same(&other) || other.same(&base) {
			t.Errorf("another %s is the same row", name)
		}
	}
}

// TestEventHasTimeOfItsBatch checks that an event has the time of the heartbeat in its batch, otherwise the
// current time.
func TestEventHasTimeOfItsBatch(t *testing.T) {
	w := firmWorker(t, "")
	for _, e := range w.Take()[1:] {
		check.That(t, e.Time == 1, "%+v does not have the time of its directory, want 1", e)
	}
	see := func(name string, at time.Time) (last Event) {
		t.Helper()
		err := w.Batch(&watch.Batch{Tree: "/t", Seen: []watch.Seen{{Path: "/t/" + name}},
			Heartbeat: watch.Heartbeat{Time: at}})
		events := w.Take()
		check.RequireThat(t, err == nil && len(events) == 1,
			"Batch of one document: events %v, %v, want 1 event, no error", events, err)
		return events[0]
	}
	if e := see("a", time.Unix(7, 8)); e.Time != 7_000_000_008 {
		t.Errorf("%+v does not have the time of its heartbeat, want 7000000008", e)
	}
	before := time.Now().UnixNano()
	if e := see("b", time.Time{}); e.Time < before || e.Time > time.Now().UnixNano() {
		t.Errorf("%+v is not of now", e)
	}
	c := definition(new(NewClass(sddl.MustParse("O:BAG:SYD:"), nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)))
	if err := w.Define(c, 99); err != nil || w.Take()[0].Time != 99 {
		t.Errorf("a class is not of its time: %v", err)
	}
	empty, err := (Question{Rights: w.rights}).Worker(nil)
	if err == nil {
		err = empty.Define(c, 1)
	}
	check.That(t, err != nil && strings.Contains(err.Error(), "class "+c.ID), "without a directory: %v", err)
}

// TestIndexKeepsItsConfiguration checks that an index continues only with the configuration in its start event.
// Other rights, another order, share or traverse policy is an error, and so is a right that is not
// a single mask.
func TestIndexKeepsItsConfiguration(t *testing.T) {
	ask := func(rights, share string, traverse Traverse) Question {
		t.Helper()
		list := check.Must(words.Parse(rights))
		return Question{Rights: list, ShareText: share, Traverse: traverse}
	}
	const share = "O:SYG:SYD:(A;;FA;;;WD)"
	first := ask("read+modify", share, TraversePrivilege)
	w := check.Must(first.Worker(nil))
	s := w.state
	events := w.Take()
	check.RequireThat(t, len(events) == 1 && events[0].Start != nil && events[0].Seq == 1 && events[0].Start.Index != "",
		"an index begins with %+v", events)
	want := StartEvent{Format: 1, Index: events[0].Start.Index, Rights: []string{"read", "modify"}, Share: share,
		Traverse: "privilege"}
	if !reflect.DeepEqual(*events[0].Start, want) {
		t.Errorf("an index begins with %+v, want %+v", *events[0].Start, want)
	}
	for name, c := range map[string]struct {
		q   Question
		why string // "" if it goes on
	}{
		"the same":               {first, ""},
		"fewer rights":           {ask("read", share, TraversePrivilege), "take another folder"},
		"another order":          {ask("modify+read", share, TraversePrivilege), "take another folder"},
		"another right":          {ask("read+write", share, TraversePrivilege), "take another folder"},
		"another share":          {ask("read+modify", share+"(A;;FA;;;BG)", TraversePrivilege), "take another folder"},
		"no share":               {ask("read+modify", "", TraversePrivilege), "take another folder"},
		"another policy":         {ask("read+modify", share, TraverseAlways), "take another folder"},
		"no policy":              {ask("read+modify", share, ""), "take another folder"},
		"never":                  {ask("read+modify", share, TraverseNever), "take another folder"},
		"a policy there is not":  {ask("read+modify", share, "often"), `traverse: "often"`},
		"a right of two masks":   {ask("control", share, TraversePrivilege), "right control: an index has rights"},
		"read and two masks":     {ask("read+control", share, TraversePrivilege), "right control: an index has rights"},
		"a right of processes":   {ask("read+PROCESS_TERMINATE", share, TraversePrivilege), "of another type"}, // B-91
		"fields of a tree":       {Question{Rights: first.Rights, ShareText: share, Traverse: "Privilege"}, "traverse"},
		"the second right alone": {ask("modify", share, TraversePrivilege), "take"},
		"a guard": {Question{Rights: first.Rights, ShareText: share, Traverse: TraversePrivilege, Guard: "docs"},
			"take"},
	} {
		w, err := c.q.Worker(s)
		check.That(t, (err == nil) == (c.why == "") && (err == nil || strings.Contains(err.Error(), c.why)),
			"%s: %v, want %q", name, err, c.why)
		check.That(t, (err != nil || len(w.Take()) == 0) && s.seq == 1 && reflect.DeepEqual(*s.start, want),
			"%s: the index is changed", name)
	}
	for _, policy := range []Traverse{"", TraverseNever} { // two names of one policy
		q := ask("read", "", policy)
		w, err := q.Worker(nil)
		check.RequireThat(t, err == nil && w.state.start.Traverse == "" && w.traverse == "", "%q: %v", policy, err)
		for _, again := range []Traverse{"", TraverseNever} {
			check.Equal(t, check.Err(ask("read", "", again).Worker(w.state)), nil,
				"continuing an index of policy %q with %q", policy, again)
		}
	}
}

// TestUnnamedDocumentsAreForgotten checks that documents whose path is not UTF-8 count until their folder is deleted,
// or a walk of their own tree does not find them (N-5).
func TestUnnamedDocumentsAreForgotten(t *testing.T) {
	w := firmWorker(t, "")
	for _, c := range []struct {
		batch watch.Batch
		want  int
	}{
		{watch.Batch{Tree: "/", Begin: true, Seen: []watch.Seen{{Path: "/\xff"}}, End: true}, 1},
		{watch.Batch{Tree: "/u", Seen: []watch.Seen{{Path: "/u/\xff"}, {Path: "/u/d/\xff"}, {Path: "/u/dd/\xff"}}}, 4},
		{watch.Batch{Tree: "/u", Seen: []watch.Seen{{Path: "/u/d", Gone: true}}}, 3},
		{watch.Batch{Tree: "/u", Begin: true, Seen: []watch.Seen{{Path: "/u/\xff"}}, End: true}, 2},
		{watch.Batch{Tree: "/u", Begin: true, End: true}, 1}, {watch.Batch{Tree: "/", Begin: true, End: true}, 0},
	} {
		check.NoError(t, w.Batch(&c.batch))
		check.Equal(t, len(w.unnamed), c.want, "unnamed documents after %+v", c.batch)
	}
	for _, b := range []watch.Batch{{Tree: "/t", Begin: true}, {Tree: "/u", Begin: true},
		{Tree: "/t", Seen: []watch.Seen{{Path: "/t/a"}}}, {Tree: "/t", End: true}} {
		check.NoError(t, w.Batch(&b))
	}
	check.That(t, w.state.rows["/t/a"] != nil, "a walk forgot a document that it found after another tree's walk began")
}

// TestNestedFoldersUpdateRowsOnce checks that a batch that changes each folder of a chain writes one row for each
// document, with the classes of all folders, also if a document comes before its folders (N-16). A document below a
// folder that a walk did not find, or that was deleted, has no readers (N-15).
func TestNestedFoldersUpdateRowsOnce(t *testing.T) {
	w := firmWorker(t, TraverseAlways)
	open := sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
	seen := func(last string) (out []watch.Seen) {
		at := "/t"
		for i, who := range []string{"WD", staff, "WD", last} {
			at += fmt.Sprint("/", i)
			out = append(out, watch.Seen{Path: at, Folder: true, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FA;;;" + who + ")")})
		}
		return append(out, watch.Seen{Path: at + "/f", Descriptor: open}, watch.Seen{Path: "/t/0-/f", Descriptor: open})
	}
	report(t, w, seen(alice)...)
	check.SlicesEqual(t, readers(w, "/t/0/1/2/3/f"), []string{alice}, "readers")
	w.Take()
	list := seen(bob)
	for i := range list[:4] {
		list[i].Descriptor = sddl.MustParse(fmt.Sprintf("O:BAG:SYD:(A;;FA;;;%s)(A;;FA;;;S-1-5-21-7-7-7-%d)", bob, i))
	}
	slices.Reverse(list)
	report(t, w, list...)
	rows := map[string]int{}
	for _, e := range w.Take() {
		if e.Row != nil {
			rows[e.Row.Path]++
		}
	}
	check.Equal(t, rows["/t/0/1/2/3/f"], 1, "rows of the document")
	check.Equal(t, rows["/t/0-/f"], 0, "rows of a document beside the folders")
	check.SlicesEqual(t, readers(w, "/t/0/1/2/3/f"), []string{bob}, "readers")
	check.NoError(t, w.Batch(&watch.Batch{Tree: "/t", Begin: true, End: true,
		Seen: []watch.Seen{list[5], list[4], list[3], list[1]}}))
	check.SlicesEqual(t, readers(w, "/t/0/1/2/3/f"), nil, "N-15: readers below a folder that a walk did not find")
	last := watch.Seen{Path: "/t/e/f", Descriptor: open}
	report(t, w, folder("/t/e", "(A;;FA;;;WD)"))
	report(t, w, last, watch.Seen{Path: "/t/e", Gone: true}, last)
	check.SlicesEqual(t, readers(w, last.Path), nil, "N-15: readers below a deleted folder")
}

// TestNamePassesToNewSID checks that a name belongs to its new SID once the directory has the old one no more, and to
// the old one again when that comes back (N-6).
func TestNamePassesToNewSID(t *testing.T) {
	rights := check.Must(words.Parse("read"))
	w := check.Must(Question{Rights: rights, Traverse: TraverseAlways}.Worker(nil))
	home := sid.MustParse("S-1-5-21-1-2-3")
	ben := []directory.User{{Name: "ben", SID: home.WithRID(1200)}}
	for i, rid := range []uint32{1100, 1101, 1100} {
		d, err := directory.New(&directory.Accounts{Domain: home,
			Users: append([]directory.User{{Name: "ann", SID: home.WithRID(rid)}}, ben...)})
		if err == nil {
			err = w.Directory(d, fmt.Sprint(i), 1)
		}
		check.NoError(t, err)
		want := home.WithRID(rid).String()
		if n, known := w.state.number("ann"); !known || w.state.people[n].SID != want {
			t.Errorf("N-6: version %d: ann is person %d, known %t, want %s", i, n, known, want)
		}
		ben = nil // he has left
		if _, known := w.state.number("ben"); !known {
			t.Errorf("version %d: nobody is ben any more, and nobody else has the name", i)
		}
	}
}
