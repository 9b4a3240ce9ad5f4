package effective_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestExpression checks that the expression over the principals agrees with Allowed.
func TestExpression(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 4))}
	told, wide := 0, 0
	for at := range 300 {
		tokens := w.tokens(1 + w.IntN(300))
		if at%2 == 0 { // few, so that now and then all who have a SID have it for deny only
			tokens = w.tokens(1 + w.IntN(6))
		}
		if !w.one(4) { // without features that no expression supports
			kept := tokens[:0]
			for _, tok := range tokens {
				if !tok.IsRestricted() && !tok.IsAppContainer() {
					kept = append(kept, tok)
				}
			}
			tokens = kept
		}
		q := effective.Question{Type: pick(w, worldTypes)}
		for range 3 {
			q.Rights = append(q.Rights, pick(w, worldDesired))
		}
		e := must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}), q))
		for range 20 {
			d := w.descriptor()
			for r := range q.Rights {
				x, ok := e.Expression(d, r)
				if !ok {
					continue
				}
				told++
				if len(tokens) > 128 {
					wide++
				}
				set := e.Allowed(d)[r]
				for i, tok := range tokens {
					if want := set.Has(i); x.Allows(tok.Member) != want {
						t.Fatalf("right %v: %v says %t, the check %t\nsd %x\ntoken %+v", q.Rights[r], x, !want, want,
							d.Binary(), tok.Spec())
					}
				}
			}
		}
	}
	t.Logf("%d expressions, %d of them over more than 128 principals", told, wide)
	if told < 700 || wide < 100 {
		t.Errorf("hardly any expression was made: %d, and %d over more than 128 principals", told, wide)
	}
}

// The short expressions were determined manually: strangers, implied classes and final refusals are removed.
func TestExpressionsAreShort(t *testing.T) {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"]}`,
		`{"user":"S-1-5-21-1-2-3-1108","groups":["BU","AU","BG"]}`,
		`{"user":"S-1-5-21-1-2-3-1109","groups":["BA","AU"]}`)
	e := must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{3}}))
	for _, c := range []struct{ sddl, want string }{
		{"D:(A;;FA;;;BU)", "[+S-1-5-32-545]"},
		{"D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;BU)", "[+S-1-5-32-544 +S-1-5-32-545]"},
		{"D:(D;;0x2;;;BG)(A;;FA;;;BU)(D;;FA;;;BA)", "[-S-1-5-32-546 +S-1-5-32-545]"},
		{"D:(A;;0x1;;;AU)(A;;0x2;;;BA)", "[+S-1-5-32-544]"},
		{"D:(A;;0x1;;;BU)(A;;0x2;;;BA)", "[]"}, // one clause that refuses everybody
		{"D:", "[]"},
		{"", "[+*]"}, // everybody
		{"D:(A;;FA;;;AU)(D;;FA;;;BG)", "[+S-1-5-11]"},
		{"D:(A;;FA;;;BU)(A;;FA;;;AU)", "[+S-1-5-11 +S-1-5-32-545]"},
	} {
		x, ok := e.Expression(sddl.MustParse(c.sddl), 0)
		if got := fmt.Sprint(x); !ok || got != c.want {
			t.Errorf("%s: %s, %t, want %s", c.sddl, got, ok, c.want)
		}
		if len(x) != 1 {
			t.Errorf("%s: %d clauses, want 1", c.sddl, len(x))
		}
	}
	// Below a label only the privilege grants WRITE_OWNER (A-62).
	low := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU"],"integrityLevel":"S-1-16-4096"}`)
	for right, want := range map[winnt.AccessMask]bool{winnt.WRITE_OWNER: false, winnt.WRITE_DAC: false,
		winnt.FILE_READ_DATA: true, winnt.FILE_READ_DATA | winnt.WRITE_OWNER: false} {
		e := must(effective.NewEvaluator(effective.Compile(low, effective.Config{}),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{right}}))
		if x, ok := e.Expression(sddl.MustParse("D:(A;;FA;;;BU)"), 0); ok != want {
			t.Errorf("A-62: %v of a low principal: %v, %t, want %t", right, x, ok, want)
		}
	}
	for _, text := range []string{"D:(XA;;FA;;;AU;(@User.x == 1))", "D:(A;;FA;;;WD)S:(ML;;NW;;;HI)"} {
		if x, ok := e.Expression(sddl.MustParse(text), 0); ok {
			t.Errorf("%s: expression %v, want none: SIDs alone do not decide", text, x)
		}
	}
	// A privilege decides the right that it grants, and no other.
	taker := tokens(`{"user":"S-1-5-21-1-2-3-1107","privileges":["SeTakeOwnershipPrivilege"]}`)
	e = must(effective.NewEvaluator(effective.Compile(taker, effective.Config{}), effective.Question{Type: winnt.FileObject,
		Rights: []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.WRITE_OWNER}}))
	for right, want := range []bool{true, false} {
		if x, ok := e.Expression(sddl.MustParse("D:(A;;FR;;;WD)"), right); ok != want {
			t.Errorf("right %d of a principal with SeTakeOwnershipPrivilege: %v, %t, want %t", right, x, ok, want)
		}
	}
}

// A group that is disabled for all principals has no effect: the expression is identical to the one without it.
func TestExpressionPassesDisabledGroups(t *testing.T) {
	text := func(groups string) string {
		e := must(effective.NewEvaluator(effective.Compile(tokens(groups), effective.Config{}),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{7}}))
		x, ok := e.Expression(sddl.MustParse("D:(A;;0x3;;;BU)(A;;0x4;;;AU)(A;;0x1;;;BG)"), 0)
		if !ok {
			t.Errorf("%s: no expression", groups)
		}
		return fmt.Sprint(x)
	}
	const user = `{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"`
	without, with := text(user+`]}`), text(user+`,{"sid":"BG","attributes":[]}]}`)
	if without != with {
		t.Errorf("%s without the disabled group, %s with it, want %s", without, with, with)
	}
}

// Central policies send a descriptor to the access check only if it names one
// (A-100): a label alone does not.
func TestPoliciesLeaveOtherDescriptors(t *testing.T) {
	w := world{rand.New(rand.NewPCG(1, 5))}
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"]}`)
	e := must(effective.NewEvaluator(effective.Compile(people, effective.Config{Policies: w.policies()}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	for text, want := range map[string]bool{
		"O:SYG:SYD:(A;;FA;;;BU)":                         true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(ML;;NW;;;LW)":          true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(SP;;;;;S-1-17-1)":      false,
		"O:SYG:SYD:(A;;FA;;;BU)S:(ML;;NW;;;S-1-16-0)":    true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(TL;;0x1;;;S-1-19-0-0)": false,
	} {
		if _, ok := e.Expression(sddl.MustParse(text), 0); ok != want {
			t.Errorf("%s: Expression ok = %t, want %t", text, ok, want)
		}
	}
}

// ACCESS_SYSTEM_SECURITY together with other rights requires its privilege and the entries, and holders of both keep
// it (A-50).
func TestSystemSecurityBesideRights(t *testing.T) {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU"]}`,
		`{"user":"S-1-5-21-1-2-3-1108","groups":["BU"],"privileges":["SeSecurityPrivilege"]}`,
		`{"user":"S-1-5-21-1-2-3-1109","groups":["BG"],"privileges":["SeSecurityPrivilege"]}`)
	e := must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, saclBit | 1, saclBit}}))
	sets := e.Allowed(sddl.MustParse("O:SYG:SYD:(A;;FA;;;BU)"))
	for right, want := range []string{"yyn", "nyn", "nyy"} {
		got := ""
		for i := range people {
			got += map[bool]string{true: "y", false: "n"}[sets[right].Has(i)]
		}
		if got != want {
			t.Errorf("right %d: %s, want %s", right, got, want)
		}
	}
}

// A search engine that knows SIDs and no tokens gets an expression.
func ExampleExpression_Allows() {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU"]}`)
	e, err := effective.NewEvaluator(effective.Compile(people, effective.Config{}), effective.Question{
		Type: winnt.FileObject, Rights: []winnt.AccessMask{winnt.FILE_READ_DATA}})
	if err != nil {
		fmt.Println(err)
		return
	}
	x, ok := e.Expression(sddl.MustParse("O:SYG:SYD:(A;;FR;;;BU)"), 0)
	fmt.Println(x, ok)
	users := func(s sid.SID, deny bool) bool { return !deny && s == sid.Users }
	fmt.Println(x.Allows(users), x.Allows(func(sid.SID, bool) bool { return false }))
	fmt.Println(effective.Everybody(), effective.Everybody().Allows(users))
	// Output:
	// [+S-1-5-32-545] true
	// true false
	// [+*] true
}

// compareExpression compares an expression with the set of allowed principals.
func compareExpression(t *testing.T, x effective.Expression, tokens []*token.Token, want effective.Set, text string) {
	t.Helper()
	for i, tok := range tokens {
		if tok.IsRestricted() || tok.IsAppContainer() {
			continue
		}
		if got := x.Allows(tok.Member); got != want.Has(i) {
			t.Errorf("%s: principal %d by %v: %t, want %t", text, i, x, got, want.Has(i))
		}
	}
}

// TestNoExpression checks that an expression without clauses denies everybody, and so does a clause without terms.
func TestNoExpression(t *testing.T) {
	yes := func(sid.SID, bool) bool { return true }
	for _, x := range []effective.Expression{nil, {}, {nil}, {{}}, append(effective.Everybody(), effective.Clause{})} {
		if x.Allows(yes) {
			t.Errorf("%q allows", fmt.Sprint(x))
		}
	}
	if !effective.Everybody().Allows(func(sid.SID, bool) bool { return false }) {
		t.Error("everybody is refused")
	}
}
