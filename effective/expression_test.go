package effective_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Expression agrees with Allowed for every principal.
func TestExpressionAgreesWithAllowed(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 4))}
	exact, wide := 0, 0
	for at := range 300 {
		tokens := w.tokens(1 + w.IntN(300))
		if at%2 == 0 { // few tokens, so that sometimes every token with a SID has it as deny-only
			tokens = w.tokens(1 + w.IntN(6))
		}
		if !w.chance(4) { // without features that expressions do not support
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
		e := check.Must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}), q))
		for range 20 {
			d := w.descriptor()
			for r := range q.Rights {
				x, ok := e.Expression(d, r)
				if !ok {
					continue
				}
				exact++
				if len(tokens) > 128 {
					wide++
				}
				set := e.Allowed(d)[r]
				for i, tok := range tokens {
					if want := set.Has(i); x.Allows(tok.Member) != want {
						t.Fatalf("right %v: %v allows: %t, the check allows: %t\nsd %x\ntoken %+v", q.Rights[r], x,
							!want, want, d.Binary(), tok.Spec())
					}
				}
			}
		}
	}
	t.Logf("%d expressions, %d of them over more than 128 principals", exact, wide)
	check.That(t, exact >= 700 && wide >= 100,
		"%d expressions were checked, %d with more than 128 principals; want at least 700 and 100", exact, wide)
}

// Expressions are as short as possible. They have no SIDs without members, no implied terms and no trailing denials.
// The expected ones were determined manually.
func TestExpressionsAreShort(t *testing.T) {
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"]}`,
		`{"user":"S-1-5-21-1-2-3-1108","groups":["BU","AU","BG"]}`,
		`{"user":"S-1-5-21-1-2-3-1109","groups":["BA","AU"]}`)
	e := check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{3}}))
	for _, c := range []struct{ sddl, want string }{
		{"D:(A;;FA;;;BU)", "[+S-1-5-32-545]"},
		{"D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;BU)", "[+S-1-5-32-544 +S-1-5-32-545]"},
		{"D:(D;;0x2;;;BG)(A;;FA;;;BU)(D;;FA;;;BA)", "[-S-1-5-32-546 +S-1-5-32-545]"},
		{"D:(A;;0x1;;;AU)(A;;0x2;;;BA)", "[+S-1-5-32-544]"},
		{"D:(A;;0x1;;;AU)(A;;0x2;;;BU)(A;;0x2;;;BA)", "[+S-1-5-11]"}, // of two equal clauses the shorter stays
		{"D:(A;;0x2;;;AU)(A;;0x1;;;BU)(A;;0x1;;;BA)", "[+S-1-5-11]"},
		{"D:(A;;0x1;;;BU)(A;;0x2;;;BA)", "[]"}, // one clause that refuses everybody
		{"D:", "[]"},
		{"", "[+*]"}, // everybody
		{"D:(A;;FA;;;AU)(D;;FA;;;BG)", "[+S-1-5-11]"},
		{"D:(A;;FA;;;S-1-5-21-1-2-3-1107)(D;;FA;;;BG)(D;;FA;;;BA)", "[+S-1-5-21-1-2-3-1107]"},
		{"D:(D;;FA;;;BG)(D;;FA;;;BA)", "[]"},
		{"D:(A;;FA;;;BU)(A;;FA;;;AU)", "[+S-1-5-11 +S-1-5-32-545]"},
		{"D:(XA;;0x4;;;AU;(@User.x == 1))(A;;0x3;;;BU)", "[+S-1-5-32-545]"}, // the condition is about another right
	} {
		x, ok := e.Expression(sddl.MustParse(c.sddl), 0)
		got := fmt.Sprint(x)
		check.That(t, ok && got == c.want, "Expression of %s: %s, %t; want %s, true", c.sddl, got, ok, c.want)
		check.That(t, len(x) == 1, "Expression of %s: %d clauses, want 1", c.sddl, len(x))
	}
	x, ok := e.Expression(nil, 0)
	check.That(t, ok && !x.Allows(people[0].Member), "A-32: Expression of no descriptor: %v, %t; want nobody", x, ok)
	// The execute rights of ports are empty: GENERIC_EXECUTE requests nothing, and nobody gets it.
	x, ok = check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.PortObject, Rights: []winnt.AccessMask{winnt.GENERIC_EXECUTE}})).
		Expression(sddl.MustParse("D:(A;;GA;;;WD)"), 0)
	check.That(t, ok && !x.Allows(people[0].Member), "A-33: a right without bits: %v, %t; want nobody", x, ok)
	// Below a label only a privilege grants WRITE_OWNER (A-62).
	low := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU"],"integrityLevel":"S-1-16-4096"}`)
	for right, want := range map[winnt.AccessMask]bool{winnt.WRITE_OWNER: false, winnt.WRITE_DAC: false,
		winnt.FILE_READ_DATA: true, winnt.FILE_READ_DATA | winnt.WRITE_OWNER: false} {
		e := check.Must(effective.NewEvaluator(effective.Compile(low, effective.Config{}),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{right}}))
		x, ok := e.Expression(sddl.MustParse("D:(A;;FA;;;BU)"), 0)
		check.That(t, ok == want, "A-62: %v for a principal at Low: Expression %v, %t; want ok %t", right, x, ok, want)
	}
	for _, text := range []string{"D:(XA;;FA;;;AU;(@User.x == 1))", "D:(A;;FA;;;WD)S:(ML;;NW;;;HI)"} {
		x, ok := e.Expression(sddl.MustParse(text), 0)
		check.That(t, !ok, "Expression of %s: %v, want none, because SIDs alone do not decide", text, x)
	}
	// A privilege decides the right that it grants, and no other.
	taker := tokens(`{"user":"S-1-5-21-1-2-3-1107","privileges":["SeTakeOwnershipPrivilege"]}`)
	compiled := effective.Compile(taker, effective.Config{})
	e = check.Must(effective.NewEvaluator(compiled, effective.Question{Type: winnt.FileObject,
		Rights: []winnt.AccessMask{winnt.FILE_READ_DATA, winnt.WRITE_OWNER}}))
	for right, want := range []bool{true, false} {
		if x, ok := e.Expression(sddl.MustParse("D:(A;;FR;;;WD)"), right); ok != want {
			t.Errorf("right %d of a principal with SeTakeOwnershipPrivilege: %v, %t, want %t", right, x, ok, want)
		}
	}
}

// Among many principals, entries for one of them have their terms.
func TestExpressionOfManyPrincipalsNamesEachOne(t *testing.T) {
	people, _ := newUsers(600, 1)
	user := func(i int) string { return people[i].User().SID.String() }
	e := check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	x, ok := e.Expression(sddl.MustParse("D:(D;;0x1;;;"+user(599)+")(A;;0x1;;;"+user(3)+")(A;;0x1;;;"+user(200)+
		")(A;;0x1;;;"+user(599)+")(D;;0x1;;;"+user(70)+")"), 0)
	terms := []string{"+" + user(3), "+" + user(200)}
	slices.Sort(terms)
	check.That(t, ok && fmt.Sprint(x) == "[-"+user(599)+" "+strings.Join(terms, " ")+"]",
		"Expression = %v, %t; want a denial of %s, then %v", x, ok, user(599), terms)
	for i, p := range people {
		check.Equal(t, x.Allows(p.Member), i == 3 || i == 200, "the expression allows principal %d", i)
	}
}

// A group that is disabled in all tokens does not change an expression.
func TestExpressionIgnoresDisabledGroups(t *testing.T) {
	text := func(groups string) string {
		e := check.Must(effective.NewEvaluator(effective.Compile(tokens(groups), effective.Config{}),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{7}}))
		x, ok := e.Expression(sddl.MustParse("D:(A;;0x3;;;BU)(A;;0x4;;;AU)(A;;0x1;;;BG)"), 0)
		check.That(t, ok, "%s: Expression ok = false, want true", groups)
		return fmt.Sprint(x)
	}
	const user = `{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"`
	without, with := text(user+`]}`), text(user+`,{"sid":"BG","attributes":[]}]}`)
	check.That(t, without == with,
		"Expression without the disabled group: %s, with it: %s; want equal ones", without, with)
}

// With central policies, only a descriptor that names a policy has no expression (A-100). A label alone changes
// nothing.
func TestOnlyPolicyDescriptorHasNoExpression(t *testing.T) {
	w := world{rand.New(rand.NewPCG(1, 5))}
	people := tokens(`{"user":"S-1-5-21-1-2-3-1107","groups":["BU","AU"]}`)
	e := check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{Policies: w.policies()}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	for text, want := range map[string]bool{
		"O:SYG:SYD:(A;;FA;;;BU)":                         true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(ML;;NW;;;LW)":          true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(SP;;;;;S-1-17-1)":      false,
		"O:SYG:SYD:(A;;FA;;;BU)S:(ML;;NW;;;S-1-16-0)":    true,
		"O:SYG:SYD:(A;;FA;;;BU)S:(TL;;0x1;;;S-1-19-0-0)": false,
	} {
		_, ok := e.Expression(sddl.MustParse(text), 0)
		check.That(t, ok == want, "%s: Expression ok = %t, want %t", text, ok, want)
	}
	without := check.Must(effective.NewEvaluator(effective.Compile(people, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	x, ok := without.Expression(sddl.MustParse("O:SYG:SYD:(A;;FA;;;BU)S:(SP;;;;;S-1-17-1)"), 0)
	check.That(t, ok, "without central policies, a descriptor that names one has no expression: %v", x)
}

// A search engine that has only SIDs, and no tokens, can use an expression.
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

// The order of a clause's terms decides, so its text keeps it.
func TestClausePrintsTermsInTheirOrder(t *testing.T) {
	c := effective.Clause{{SID: sid.Users, Allow: true}, {SID: sid.Administrators, Allow: true}, {SID: sid.Everyone}}
	check.Equal(t, c.String(), "+S-1-5-32-545 +S-1-5-32-544 -S-1-1-0", "clause")
	// No principal has the zero SID, so the next term decides.
	has := func(s sid.SID, _ bool) bool { return s == sid.Users }
	check.That(t, effective.Expression{{{}, {SID: sid.Users, Allow: true}}}.Allows(has),
		"the zero term decides, want the next")
	refusing := effective.Clause{{}}.String()
	check.That(t, refusing != effective.Everybody()[0].String() && strings.HasPrefix(refusing, "-"),
		"clause that refuses everybody: %q, want a text that starts with -", refusing)
}

// An expression without clauses, and a clause without terms, allow nobody.
func TestEmptyExpressionAllowsNobody(t *testing.T) {
	yes := func(sid.SID, bool) bool { return true }
	for _, x := range []effective.Expression{nil, {}, {nil}, {{}}, append(effective.Everybody(), effective.Clause{})} {
		check.That(t, !x.Allows(yes), "Expression %q allows everybody, want nobody", fmt.Sprint(x))
	}
	check.That(t, effective.Everybody().Allows(func(sid.SID, bool) bool { return false }),
		"Everybody() denies a principal without SIDs, want it allowed")
}
