package index

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/objects/jsonl"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/company"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/server/watch"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestClassMembersHaveShareAndObjectRight checks each person of a company and each descriptor, with and without a
// share. The members of a class are those whom both the share and the object allow (N-2), and so decides each one's
// token alone (N-19). A person is a member if and only if they have a SID of Allow or are in Expand (N-4), and if and
// only if an exact expression says so.
func TestClassMembersHaveShareAndObjectRight(t *testing.T) {
	s := company.Sample{Seed: randtest.Seed(t), Objects: 150, Descriptors: 120, Principals: 40, Groups: 15}
	var list, rows bytes.Buffer
	check.NoError(t, errors.Join(s.Directory(&list), s.Write(&rows)))
	dir, err := dirfile.Read(list.Bytes())
	check.NoError(t, err)
	numbers, has := map[sid.SID]int{}, make([]map[sid.SID]bool, len(dir.Principals))
	for i := range dir.Principals {
		numbers[dir.Principals[i].SID()], has[i] = i, enabledOf(dir.Principals[i])
	}
	d := newDecider(dir, "v", func(s sid.SID) int { return numbers[s] }, len(numbers))
	refused := dir.Principals[3].SID().String()
	shares := []*sd.Descriptor{nil, sddl.MustParse("O:BAG:BAD:(D;;FR;;;" + refused + ")(A;;FR;;;WD)")}
	short, yes, no, exact := 0, 0, 0, 0
	err = objects.All(t.Context(), jsonl.Lines(&rows, 0, 0), dir.Domain, winnt.FileObject, func(x objects.Item) bool {
		for _, share := range shares {
			c := NewClass(x.Descriptor, share, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
			got, err := d.decide(&c)
			check.NoError(t, err)
			for i := range dir.Principals {
				p := dir.Principals[i]
				want := grants(t, p.Token, x.Descriptor) && (share == nil || grants(t, p.Token, share))
				alone, err := deciderOf(p.Token).grants(&c)
				listed := slices.ContainsFunc(got.allow, func(s sid.SID) bool { return has[i][s] })
				expanded := slices.Contains(got.expand, p.SID())
				said := evaluate(got.expression, has[i])
				if err != nil || alone != want || got.members.Has(i) != want || (listed || expanded) != want ||
					got.exact && said != want {
					t.Fatalf("%s of %s: want %v; alone %v, %v, member %v, listed %v, expanded %v, exact %v: said %v\nallow %v",
						p.Name, x.Path, want, alone, err, got.members.Has(i), listed, expanded, got.exact, said, got.allow)
				}
				if got.exact {
					exact++
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
	check.That(t, err == nil && min(short, yes, no, exact) >= 100,
		"%v; %d by a list, %d by themselves, %d not, %d exact, want at least 100 of each", err, short, yes, no, exact)
}

func grants(t *testing.T, tok *token.Token, d *sd.Descriptor) bool {
	t.Helper()
	dec := check.Must(access.Check(tok, d, winnt.FILE_GENERIC_READ, winnt.FileObject))
	return dec.Allowed()
}

// TestAllPrincipalsOfAccountNeedRight checks that if two principals have one account, both must have the right (N-2),
// also to be in the lists of SIDs (N-4).
func TestAllPrincipalsOfAccountNeedRight(t *testing.T) {
	d := &decider{numbers: []int{0, 1, 0}, people: 2}
	if got := d.numbered(effective.Set{0b011}); got.Has(0) || !got.Has(1) {
		t.Errorf("%b", got)
	}
	if got := d.numbered(effective.Set{0b101}); !got.Has(0) || got.Has(1) {
		t.Errorf("%b", got)
	}
	// A SID of two accounts is in no list of a class that denies one of them (N-4).
	dir, other := firm(t), firm(t, func(string) string { return "Night" })
	dir.Principals = append(dir.Principals, other.Principals[0]) // alice again, without Staff
	d = newDecider(dir, "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	for who, want := range map[string]string{staff: "members 1: [] [" + bob + "]",
		alice: "members 0: [" + alice + "] []"} {
		class := NewClass(sddl.MustParse("O:BAG:SYD:(A;;FR;;;"+who+")"), nil, "read", winnt.FILE_GENERIC_READ,
			winnt.FileObject)
		got := check.Must(d.decide(&class))
		check.Equal(t, fmt.Sprint("members ", ranges(got.members), ": ", texts(got.allow), " ", texts(got.expand)), want,
			"a class for %s", who)
	}
}

// TestCacheOfFoldersIsBounded checks that a decider drops its results of folders' classes before they exceed the limit,
// because a user of the tree chooses the descriptors. The members of a class stay the same (N-137).
func TestCacheOfFoldersIsBounded(t *testing.T) {
	d := newDecider(firm(t), "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	decide := func(n int) {
		t.Helper()
		text := fmt.Sprintf("O:BAG:SYD:(A;;FA;;;S-1-5-21-7-7-7-%d)(A;;FA;;;%s)", n, staff)
		c := NewClass(sddl.MustParse(text), nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
		c = c.Behind([]Class{NewPassing(sddl.MustParse(text), false)})
		got := check.Must(d.decide(&c))
		check.That(t, ranges(got.members) == "0-1" && fmt.Sprint(texts(got.allow)) == "["+staff+"]",
			"class %d: members %s, lists %s, want 0-1 and %s", n, ranges(got.members), texts(got.allow), staff)
	}
	for n := range 100 {
		decide(n)
	}
	each := d.passBytes / 100
	check.That(t, len(d.passes) == 100 && len(d.having) == 1 && each >= 256,
		"N-137: %d sets of folders, %d of SIDs, %d bytes each", len(d.passes), len(d.having), each)
	d.passBytes = maxPassBytes - each
	for _, c := range []struct{ n, want int }{{100, 101}, {101, 1}, {101, 1}, {0, 2}} {
		decide(c.n)
		check.Equal(t, len(d.passes), c.want, "N-137: folders at the limit, after that of class %d", c.n)
	}
}

// TestTermsGiveNoExtraClass checks that a token gets its SIDs as terms only if no list would give it a class that
// it does not have, also for a token without classes. A disabled group is not a term (N-20).
func TestTermsGiveNoExtraClass(t *testing.T) {
	plan := watch.Seen{Path: "/t/plan", Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + staff + ")")}
	w, gone := deciding(t, "read+write", "", "v1"), firmWorker(t, "")
	report(t, w, plan)
	report(t, gone, plan, watch.Seen{Path: plan.Path, Gone: true})
	x := answering(t, w)
	her := firm(t).Principals[0].Token
	without, st := her.Filter(token.FilterSpec{Restrict: []token.Group{{SID: sid.MustParse(night)}}})
	check.Success(t, st)
	if f, err := x.FilterOf(without, "read", FormSIDs); err == nil {
		t.Errorf("N-20: a token without a class is given %v", f.SIDs)
	}
	check.NoError(t, check.Err(x.FilterOf(her, "read", FormSIDs)))
	// Lists of another right, or of a class without documents, grant nothing.
	if f, err := x.FilterOf(without, "write", FormSIDs); err != nil || !slices.Contains(f.SIDs, staff) {
		t.Errorf("N-20: of another right: %v, %v", f.SIDs, err)
	}
	if f, err := answering(t, gone).FilterOf(without, "read", FormSIDs); err != nil || !slices.Contains(f.SIDs, alice) {
		t.Errorf("N-20: of no document: %v, %v", f.SIDs, err)
	}
	for attributes, want := range map[uint32]bool{winnt.SE_GROUP_ENABLED: true,
		winnt.SE_GROUP_USE_FOR_DENY_ONLY: false, winnt.SE_GROUP_ENABLED_BY_DEFAULT: false} {
		tok, err := token.New(token.Spec{User: token.Group{SID: sid.MustParse(carol)},
			Groups: []token.Group{{SID: sid.MustParse(night), Attributes: attributes}}})
		check.NoError(t, err)
		if f, err := x.FilterOf(tok, "read", FormSIDs); err != nil || slices.Contains(f.SIDs, night) != want {
			t.Errorf("N-20: a group with attributes %#x: %v, %v", attributes, f.SIDs, err)
		}
	}
}

// TestAllowedSIDIsInEveryClause checks that a SID of Allow is allowed in every clause before its first denial, and that
// a person who needs several SIDs is in Expand. The share and the traverse right of each folder are further clauses
// (N-4, N-15).
func TestAllowedSIDIsInEveryClause(t *testing.T) {
	d := newDecider(firm(t), "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
	descriptor := func(entries string) *sd.Descriptor { return sddl.MustParse("O:BAG:SYD:" + entries) }
	entry := func(who string) string { return "(A;;FA;;;" + who + ")" }
	shared := func(object, share string) Class {
		return NewClass(descriptor(object), descriptor(share), "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
	}
	behind := func(folders ...string) Class {
		var list []Class
		for _, f := range folders {
			list = append(list, NewPassing(descriptor(f), false))
		}
		return shared(entry("WD"), entry("WD")).Behind(list)
	}
	for i, c := range []struct {
		class         Class
		allow, expand []string
	}{
		{shared(entry(staff)+entry(night), entry(night)+entry(alice)), []string{night}, []string{alice}},
		{shared(entry(night)+entry(alice), entry(staff)+entry(night)), []string{night}, []string{alice}},
		{shared(entry(staff), entry(night)), nil, []string{bob}},
		{shared(entry("WD"), entry(night)), []string{night}, nil},
		{shared(entry(night), entry("WD")), []string{night}, nil},
		{shared(entry(staff)+entry(night), entry(staff)+entry(night)), []string{staff, night}, nil},
		{shared("(D;;FR;;;"+alice+")"+entry("WD"), entry(staff)), nil, []string{bob}},
		{shared(entry(staff)+"(D;;FR;;;"+night+")"+entry(carol), entry("WD")), []string{staff}, nil},
		{shared("", entry("WD")), nil, nil}, {shared(entry("WD"), ""), nil, nil},
		{behind(), []string{"S-1-1-0"}, nil}, {behind(entry(staff)), []string{staff}, nil},
		{behind(entry(staff), entry("WD")), []string{staff}, nil},
		{behind(entry(staff), entry(night)), nil, []string{bob}},
	} {
		got := check.Must(d.decide(&c.class))
		check.SlicesEqual(t, texts(got.allow), c.allow, "N-4: row %d: Allow", i)
		check.SlicesEqual(t, texts(got.expand), c.expand, "N-4: row %d: Expand", i)
		check.That(t, got.exact, "N-15: row %d: the expression is not exact", i)
	}
	closed := NewClass(descriptor(entry("WD")), nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject).Behind(
		[]Class{NewPassing(nil, false)}) // a folder that could not be read
	got := check.Must(d.decide(&closed))
	check.That(t, len(got.allow)+len(got.expand) == 0, "N-15: below an unreadable folder: %v, %v", got.allow, got.expand)
	conditional := "(XA;;FA;;;WD;(Member_of {SID(" + staff + ")}))" // not a matter of SIDs alone
	for part, class := range map[string]Class{"document": shared(conditional, entry("WD")),
		"share": shared(entry("WD"), conditional), "folder": behind(conditional)} {
		got := check.Must(d.decide(&class))
		check.That(t, !got.exact && len(got.allow) == 0 && check.Must(d.event(&class)).Expression == nil,
			"N-4: a condition of the %s: exact %t, Allow %v, or an expression", part, got.exact, got.allow)
		check.SlicesEqual(t, texts(got.expand), []string{alice, bob}, "N-4: a condition of the %s: Expand", part)
	}
}

// TestPrivilegeHoldersPassDenyingFolder checks that holders of the privilege pass a folder that denies them.
// Unless all hold it, Allow is empty and the members are in Expand (N-4, N-15).
func TestPrivilegeHoldersPassDenyingFolder(t *testing.T) {
	who := []string{alice, bob, carol}
	for holders := range 1 << len(who) {
		dir := &directory.Directory{}
		for i, s := range who {
			spec := token.Spec{User: token.Group{SID: sid.MustParse(s)},
				Groups: []token.Group{{SID: sid.MustParse("S-1-1-0"), Attributes: token.GroupDefault}}}
			if holders>>i&1 == 1 {
				spec.Privileges = winnt.SeChangeNotifyPrivilege.Bit()
				spec.EnabledPrivileges = spec.Privileges
			}
			tok := check.Must(token.New(spec))
			dir.Principals = append(dir.Principals, directory.Principal{Name: s, Token: tok})
		}
		d := newDecider(dir, "v", func(s sid.SID) int { return int(s.RID()) - 1107 }, 3)
		shut, open := sddl.MustParse("O:BAG:SYD:(A;;FA;;;"+alice+")"), sddl.MustParse("O:BAG:SYD:(A;;FA;;;WD)")
		own := NewClass(open, nil, "read", winnt.FILE_GENERIC_READ, winnt.FileObject)
		for _, by := range []bool{false, true} { // the privilege counts
			class := own.Behind([]Class{NewPassing(shut, by)})
			got := check.Must(d.decide(&class))
			var want []string
			for i, s := range who {
				may := s == alice || by && holders>>i&1 == 1
				if may {
					want = append(want, s)
				}
				check.That(t, got.members.Has(i) == may,
					"N-15: holders %03b, by privilege %t: %s passes: %t", holders, by, s, !may)
			}
			allow, expand := texts(got.allow), texts(got.expand)
			exact := !by || holders == 0 || holders == 1<<len(who)-1
			switch {
			case got.exact != exact:
				t.Errorf("N-15: holders %03b, by privilege %t: exact = %t, want %t", holders, by, got.exact, exact)
			case !exact && (len(allow) > 0 || !slices.Equal(expand, want)),
				exact && len(want) == 3 && (!slices.Equal(allow, []string{"S-1-1-0"}) || len(expand) > 0),
				exact && len(want) == 1 && !slices.Equal(slices.Concat(allow, expand), want):
				t.Errorf("N-4: holders %03b, by privilege %t: %v and %v, want %v", holders, by, allow, expand, want)
			}
		}
	}
}

// TestGuardDecidesBeforeFiles checks a share's decisions about people: withheld rights, administrators and a forced
// user, who is the one that files are checked for. Classes are decided again when only these decisions change, and
// their lists of SIDs name single people (N-100).
func TestGuardDecidesBeforeFiles(t *testing.T) {
	rights := check.Must(words.Parse("read"))
	w := check.Must((Question{Rights: rights, Guard: "docs", Traverse: TraverseAlways}).Worker(nil))
	const forAlice, forNight = "/t/d/alice", "/t/d/night"
	version := 0
	decide := func(change func(a, b, c *directory.Principal)) {
		t.Helper()
		version++
		d := firm(t)
		for i := range d.Principals {
			d.Principals[i].Who = d.Principals[i].SID()
		}
		change(&d.Principals[0], &d.Principals[1], &d.Principals[2])
		check.NoError(t, w.Directory(d, fmt.Sprint(version), 1))
	}
	check := func(path string, want ...string) {
		t.Helper()
		check.SlicesEqual(t, readers(w, path), want, "version %d, %s", version, path)
		e := w.state.classes[w.state.rows[path].Classes[0]].event
		if e.Allow != nil || e.Expression != nil || !slices.Equal(e.Expand, want) {
			t.Errorf("version %d, %s: allow %v, expand %v, expression %v, want only %v", version, path, e.Allow, e.Expand,
				e.Expression, want)
		}
	}
	decide(func(_, _, _ *directory.Principal) {})
	report(t, w, folder("/t/d", "(A;;FA;;;"+alice+")(A;;FA;;;"+night+")"),
		watch.Seen{Path: forAlice, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + alice + ")")},
		watch.Seen{Path: forNight, Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;" + night + ")")})
	check(forAlice, alice)
	check(forNight, bob, carol)
	decide(func(a, b, _ *directory.Principal) {
		a.Withheld, b.Withheld = winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA
	})
	check(forAlice)
	check(forNight, bob, carol)
	decide(func(_, _, _ *directory.Principal) {}) // only the share's decision about alice changed
	check(forAlice, alice)
	decide(func(_, b, _ *directory.Principal) { b.Root = true })
	check(forAlice, alice, bob)
	withheld := func(_, b, c *directory.Principal) { b.Root, c.Root, c.Withheld = true, true, winnt.FILE_READ_DATA }
	decide(withheld)
	check(forNight, bob)
	decide(func(a, b, c *directory.Principal) { // the same share, and alice is checked as carol
		withheld(a, b, c)
		a.Token = c.Token
	})
	check(forAlice, bob)
	check(forNight, alice, bob)
	decide(func(a, b, c *directory.Principal) { a.Token, b.Token = c.Token, a.Token })
	check(forAlice, bob)
	check(forNight, alice, carol)
	forced := firm(t).Principals[2].Token
	force := func(a, b, c *directory.Principal) {
		a.Token, b.Token, c.Token, a.Withheld = forced, forced, forced, winnt.FILE_READ_DATA
	}
	decide(force)
	check(forNight, bob, carol)
	decide(func(a, b, c *directory.Principal) { // the directory has bob before alice
		force(a, b, c)
		a.Who, a.Name, b.Who, b.Name = b.Who, b.Name, a.Who, a.Name
	})
	check(forNight, alice, carol)
}
