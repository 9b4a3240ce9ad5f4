package index

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/verbs/bulk"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestHoldersAmongPeople: who holds the privilege passes a folder that its list shuts; as long as not all do, no list
// of SIDs tells who passes, and those who do are listed one by one (N-4, N-15).
func TestHoldersAmongPeople(t *testing.T) {
	who := []string{alice, bob, carol}
	for holders := range 1 << len(who) {
		dir := &people.Directory{}
		for i, s := range who {
			spec := token.Spec{User: token.Group{SID: sid.MustParse(s)},
				Groups: []token.Group{{SID: sid.MustParse("S-1-1-0"), Attributes: token.GroupDefault}}}
			if holders>>i&1 == 1 {
				spec.Privileges = winnt.SeChangeNotifyPrivilege.Bit()
				spec.EnabledPrivileges = spec.Privileges
			}
			tok, err := token.New(spec)
			if err != nil {
				t.Fatal(err)
			}
			dir.Principals = append(dir.Principals, people.Principal{Name: s, Token: tok})
		}
		d := newDecider(dir, "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
		shut, open := sddl.MustParse("O:BAG:SYD:(A;;FA;;;"+alice+")"), sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
		own := NewClass(open, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
		for _, by := range []bool{false, true} { // the privilege counts
			class := own.Behind([]Class{NewPassing(shut, by)})
			got, err := d.decide(&class)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for i, s := range who {
				may := s == alice || by && holders>>i&1 == 1
				if may {
					want = append(want, s)
				}
				if got.members.Has(i) != may {
					t.Errorf("N-15: holders %03b, by privilege %t: %s passes: %t", holders, by, s, !may)
				}
			}
			allow, expand := texts(got.allow), texts(got.expand)
			told := !by || holders == 0 || holders == 1<<len(who)-1
			switch {
			case got.told != told:
				t.Errorf("N-15: holders %03b, by privilege %t: the expression tells all: %t", holders, by, got.told)
			case !told && (len(allow) > 0 || !slices.Equal(expand, want)),
				told && len(want) == 3 && (!slices.Equal(allow, []string{"S-1-1-0"}) || len(expand) > 0),
				told && len(want) == 1 && !slices.Equal(slices.Concat(allow, expand), want):
				t.Errorf("N-4: holders %03b, by privilege %t: %v and %v, want %v", holders, by, allow, expand, want)
			}
		}
	}
}

// TestNumbersOfParts: each log of people has numbers of its own; the merge has one for each person, whichever part told
// of the person first, and each class has the people that its part said (N-40).
func TestNumbersOfParts(t *testing.T) {
	rights, err := bulk.ParseRights("read")
	if err != nil {
		t.Fatal(err)
	}
	q := Question{Rights: rights}
	all := map[string]string{"alice": alice, "bob": bob, "carol": carol}
	m, err := q.Merge(nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := q.Rows(nil)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"/t/a": alice, "/t/b": bob, "/t/c": carol}
	for path, s := range files {
		sees(t, rows, Seen{Path: path, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + s + ")")})
	}
	told := rows.Take()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range told {
		must(m.Apply("rows", &told[i]))
	}
	must(m.Whole("rows", func(string) bool { return true }))
	for n, order := range []string{"carol bob alice", "bob carol alice"} {
		text := "users:\n"
		for name := range strings.FieldsSeq(order) {
			text += fmt.Sprintf("- {name: %s, sid: %s}\n", name, all[name])
		}
		dir, err := people.Read([]byte(text))
		must(err)
		w, err := q.Worker(nil)
		must(err)
		must(w.Directory(dir, "v1", 1))
		for _, e := range told {
			if e.Class != nil && (e.Class.ID == rows.state.rows["/t/a"].Classes[0]) == (n == 0) {
				must(w.Define(e.Class, 2))
			}
		}
		part := fmt.Sprint("people", n)
		for _, e := range w.Take() {
			must(m.Apply(part, &e))
		}
		must(m.Whole(part, func(string) bool { return false }))
	}
	for path, want := range files {
		if got := readers(m.whole, path); !slices.Equal(got, []string{want}) {
			t.Errorf("N-40: %s is of %v, want %s", path, got, want)
		}
	}
	if len(m.whole.state.people) != 3 || m.whole.state.version != "v1" {
		t.Errorf("N-40: %d people of %q", len(m.whole.state.people), m.whole.state.version)
	}
}
