package effective_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// crowd makes 700 tokens: each of a user of its own, in one of three groups, every hundredth in a
// fourth one, some with a group for deny only or disabled, some restricted, in an AppContainer, low, or
// with a privilege.
func crowd() (tokens []*token.Token) {
	for i := range 700 {
		s := token.StandardUser(worldDomain.WithRID(uint32(10_000 + i)))
		in := func(rid uint32, attributes uint32) {
			s.Groups = append(s.Groups, token.Group{SID: worldDomain.WithRID(rid), Attributes: attributes})
		}
		in(uint32(2000+i%3), token.GroupDefault)
		switch {
		case i%100 == 0:
			in(2100, token.GroupDefault)
		case i%100 == 1:
			in(2100, winnt.SE_GROUP_USE_FOR_DENY_ONLY)
		case i%100 == 2:
			in(2100, token.GroupDisabled)
		case i%100 == 3:
			s.Restricted = []token.Group{{SID: worldDomain.WithRID(2100)}, {SID: sid.Everyone}}
		case i%100 == 4:
			s.Package, s.Integrity = sid.MustParse("S-1-15-2-1-2-3"), sid.LowLevel
		case i%100 == 5:
			s.Integrity = sid.LowLevel
		case i%100 == 6:
			s.Integrity = sid.LowLevel
			s.Privileges |= winnt.SeRelabelPrivilege.Bit()
			s.EnabledPrivileges |= winnt.SeRelabelPrivilege.Bit()
		}
		tokens = append(tokens, must(token.New(s)))
	}
	return tokens
}

// TestManyPrincipals: among many, those whom an entry is about are a few: it allows and denies them and
// no others, for the user and for the groups that few are in, and the answer is that of the check for
// each.
func TestManyPrincipals(t *testing.T) {
	tokens := crowd()
	p := effective.Compile(tokens, effective.Config{})
	if p.Len() != len(tokens) || p.Distinct() != len(tokens) {
		t.Fatalf("%d principals, %d distinct", p.Len(), p.Distinct())
	}
	for i, tok := range tokens {
		if p.Token(i) != tok {
			t.Fatalf("principal %d has another token", i)
		}
	}
	user := func(i int) string { return worldDomain.WithRID(uint32(10_000 + i)).String() }
	few, third := worldDomain.WithRID(2100).String(), worldDomain.WithRID(2001).String()
	q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, 2, 3, winnt.WRITE_OWNER,
		winnt.WRITE_DAC, winnt.FILE_ALL_ACCESS}}
	e := must(effective.NewEvaluator(p, q))
	for _, text := range []string{
		"D:(D;;0x1;;;" + user(0) + ")(D;;0x2;;;" + user(699) + ")(A;;FA;;;WD)",
		"D:(D;;0x1;;;" + few + ")(A;;0x3;;;WD)", "D:(A;;0x1;;;" + few + ")", "D:(A;;0x1;;;" + few + ")(D;;0x3;;;" + third +
			")(A;;0x3;;;WD)", "D:(A;;0x3;;;" + user(64) + ")(A;;0x1;;;" + user(63) + ")", "D:(A;;0x3;;;" + third + ")",
		"D:(D;;0x3;;;" + user(3) + ")(A;;0x3;;;" + few + ")(A;;0x3;;;WD)",
		"D:(XD;;0x1;;;" + few + ";(Member_of{SID(" + third + ")}))(A;;0x3;;;WD)",
		"D:(XA;;0x1;;;WD;(Member_of{SID(" + few + ")}))(XD;;0x2;;;" + few + ";(Member_of{SID(WD)}))(A;;0x2;;;WD)",
		"D:(A;;FA;;;WD)S:(ML;;NW;;;HI)", "D:(A;;FA;;;WD)S:(ML;;NWNR;;;ME)", "D:(A;;0x3;;;OW)(A;;0x1;;;" + few + ")",
		"D:(A;;0x1;;;S-1-15-2-1-2-3)(A;;0x1;;;WD)", "D:NO_ACCESS_CONTROL", "D:",
	} {
		for _, owner := range []string{"O:" + few, "O:" + user(130), "O:SY"} {
			d := must(sddl.Parse(owner+"G:SY"+text, sddl.Options{Extended: true}))
			var sets []effective.Set
			for _, s := range e.Allowed(d) {
				sets = append(sets, slices.Clone(s))
			}
			masks := e.Maximum(d)
			for i, tok := range tokens {
				for r, desired := range append(q.Rights[:len(q.Rights):len(q.Rights)], winnt.MAXIMUM_ALLOWED) {
					dec := must(access.Check(tok, d, desired, winnt.FileObject))
					if r < len(sets) && sets[r].Has(i) != dec.Allowed() {
						t.Errorf("%s%s: principal %d, right %v: %t, the check %v", owner, text, i, desired, sets[r].Has(i), dec)
					} else if r == len(sets) && masks[i] != dec.Granted {
						t.Errorf("%s%s: principal %d: %v, the check %v", owner, text, i, masks[i], dec)
					}
				}
			}
			if x, ok := e.Expression(d, 0); ok {
				compareExpression(t, x, tokens, sets[0], owner+text)
			}
		}
	}
}

// compareExpression holds an expression to a set of those who are allowed.
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

// TestNoExpression: an expression without clauses refuses everybody, as does a clause without terms.
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
