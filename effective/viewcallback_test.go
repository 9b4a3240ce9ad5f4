package effective_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestViewUnderACallback: where a callback decides, a person whose token looks as before is decided again, for each
// object.
func TestViewUnderACallback(t *testing.T) {
	says, calls := claims.False, 0
	cfg := withCallback(func(sd.ACE, *token.Token) claims.Truth { calls++; return says })
	v := must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, 2}}, cfg))
	tok := must(token.New(token.Spec{User: token.Group{SID: worldSIDs[0]}}))
	both := []effective.Principal{{Name: "p", Token: tok}, {Name: "q", Token: tok}}
	if told := must(v.SetPrincipals(both)); len(told) != 0 {
		t.Errorf("told %v before there are objects", told)
	}
	opaque := must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, worldSIDs[0], sd.ACEExtra{AppData: []byte("mine")}))
	d := sd.New(sd.Parts{Owner: worldSIDs[1], DACL: must(sd.NewACL(opaque))})
	for _, object := range []string{"a", "b"} {
		if told := must(v.Put(object, d)); len(told) != 0 {
			t.Errorf("%s: told %v while the callback says no", object, told)
		}
	}
	for _, is := range []bool{true, false, true} {
		if says = claims.False; is {
			says = claims.True
		}
		if v.Allowed("a", "p", 0) == is {
			t.Error("an answer changes before it is asked for")
		}
		var want []effective.Change
		for _, object := range []string{"a", "b"} {
			for _, who := range []string{"p", "q"} {
				want = append(want, effective.Change{Object: object, Principal: who, Right: 0, Allowed: is})
			}
		}
		if told := must(v.SetPrincipals(both)); !slices.Equal(told, want) {
			t.Errorf("the callback says %t: told %v, want %v", is, told, want)
		}
		if calls == 0 || v.Allowed("a", "p", 0) != is || v.Allowed("b", "q", 0) != is || v.Allowed("a", "p", 1) {
			t.Errorf("the callback says %t in %d calls: %t, %t", is, calls, v.Allowed("a", "p", 0), v.Allowed("b", "q", 0))
		}
		calls = 0
		if told := must(v.SetPrincipals(both)); len(told) != 0 || calls == 0 {
			t.Errorf("the same again: told %v in %d calls", told, calls)
		}
	}
}

// TestViewOfWhoComesBack: a name that was gone and comes back with the same token is told again, and so is one whose
// token changes in place and back; a place that was given up is another's.
func TestViewOfWhoComesBack(t *testing.T) {
	v := must(effective.NewView(effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}},
		effective.Config{}))
	mine := sddl.MustParse("D:(A;;0x1;;;" + worldSIDs[0].String() + ")")
	if told := must(v.Put("o", mine)); len(told) != 0 {
		t.Errorf("told %v without principals", told)
	}
	in := must(token.New(token.Spec{User: token.Group{SID: worldSIDs[0]}}))
	out := must(token.New(token.Spec{User: token.Group{SID: worldSIDs[1]}}))
	other := sddl.MustParse("D:(A;;0x3;;;" + worldSIDs[0].String() + ")") // evaluated anew: it shares no answer
	people := func(list ...effective.Principal) []effective.Principal { return list }
	p, q := effective.Principal{Name: "p", Token: in}, effective.Principal{Name: "q", Token: in}
	r := effective.Principal{Name: "r", Token: in}
	gains := func(who string) effective.Change {
		return effective.Change{Object: "o", Principal: who, Right: 0, Allowed: true}
	}
	loses := func(who string) effective.Change { return effective.Change{Object: "o", Principal: who, Right: 0} }
	for i, c := range []struct {
		next []effective.Principal
		want []effective.Change
	}{
		{people(p), []effective.Change{gains("p")}},
		{people(p), nil},
		{nil, []effective.Change{loses("p")}},
		{nil, nil},
		{people(p), []effective.Change{gains("p")}},
		{people(effective.Principal{Name: "p", Token: out}), []effective.Change{loses("p")}},
		{people(p), []effective.Change{gains("p")}},
		{people(q), []effective.Change{loses("p"), gains("q")}},
		{people(p, q), []effective.Change{gains("p")}},
		{people(effective.Principal{Name: "p"}, q), []effective.Change{loses("p")}},
		{people(p, effective.Principal{Name: "q", Token: out}), []effective.Change{gains("p"), loses("q")}},
		{people(q), []effective.Change{loses("p"), gains("q")}},
		{people(q, r), []effective.Change{gains("r")}},
		{people(p, q, r), []effective.Change{gains("p")}},
	} {
		if told := must(v.SetPrincipals(c.next)); !slices.Equal(told, c.want) {
			t.Errorf("step %d: told %v, want %v", i, told, c.want)
		}
		for _, who := range []string{"p", "q", "r"} {
			want := slices.ContainsFunc(c.next, func(n effective.Principal) bool { return n.Name == who && n.Token == in })
			if got := v.Allowed("o", who, 0); got != want {
				t.Errorf("step %d: %s is allowed: %t", i, who, got)
			}
		}
		// What is put now has the answers of now, and is told by who is there.
		var want []effective.Change
		for _, n := range c.next {
			if n.Token == in {
				want = append(want, effective.Change{Object: "new", Principal: n.Name, Right: 0, Allowed: true})
			}
		}
		if told := must(v.Put("new", other)); !slices.Equal(told, want) {
			t.Errorf("step %d: another object: told %v, want %v", i, told, want)
		}
		for k := range want {
			want[k].Allowed = false
		}
		if told := v.Remove("new"); !slices.Equal(told, want) {
			t.Errorf("step %d: removed: told %v, want %v", i, told, want)
		}
	}
}
