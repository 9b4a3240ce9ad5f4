package effective_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A fingerprint depends on the parts of a token that an access check reads, and on no other. Further parts have
// their rows in TestDifferentTokensHaveDifferentFingerprints.
func TestFingerprintDependsOnWhatChecksRead(t *testing.T) {
	base := func() token.Spec {
		s := token.StandardUser(worldUsers[0])
		s.Groups = append(s.Groups, token.Group{SID: worldUsers[1], Attributes: 7})
		return s
	}
	print := func(change func(*token.Spec)) string {
		s := base()
		change(&s)
		return effective.Fingerprint(check.Must(token.New(s)))
	}
	want := print(func(*token.Spec) {})
	repeated := func(n int) func(*token.Spec) {
		list := func(s sid.SID) []token.Group { return slices.Repeat([]token.Group{{SID: s, Attributes: 7}}, n) }
		return func(s *token.Spec) {
			s.Groups, s.Restricted, s.DeviceGroups = list(sid.Everyone), list(sid.Everyone), list(sid.Users)
			s.RestrictedDeviceGroups, s.Capabilities = list(sid.Users), list(sid.MustParse("S-1-15-3-1"))
			s.Package = worldPkg
		}
	}
	check.Equal(t, print(repeated(2)), print(repeated(1)), "with every SID twice, the fingerprint changed to")
	attribute := check.Must(claims.NewSet([]claims.Attribute{{Name: "x", Type: claims.Int64, Ints: []int64{1}}}))
	for name, change := range map[string]func(*token.Spec){
		"user":             func(s *token.Spec) { s.User.SID = worldUsers[2] },
		"deny-only user":   func(s *token.Spec) { s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY },
		"group":            func(s *token.Spec) { s.Groups = s.Groups[1:] },
		"policy":           func(s *token.Spec) { s.MandatoryPolicy = 0 },
		"restricted":       func(s *token.Spec) { s.IsRestricted = true },
		"package":          func(s *token.Spec) { s.Package = worldPkg },
		"user claims":      func(s *token.Spec) { s.UserClaims = attribute },
		"device claims":    func(s *token.Spec) { s.DeviceClaims = attribute },
		"local attributes": func(s *token.Spec) { s.LocalAttributes = attribute },
		"device group":     func(s *token.Spec) { s.DeviceGroups = []token.Group{{SID: worldUsers[1], Attributes: 4}} },
		"disabled device":  func(s *token.Spec) { s.DeviceGroups = []token.Group{{SID: worldUsers[1]}} },
	} {
		check.That(t, print(change) != want, "%s: the fingerprint did not change", name)
	}
	for name, change := range map[string]func(*token.Spec){
		"order": func(s *token.Spec) { slices.Reverse(s.Groups) },
		"disabled": func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: worldUsers[5], Attributes: token.GroupDisabled})
		},
		"session":    func(s *token.Spec) { s.SessionID = 7 },
		"disabled p": func(s *token.Spec) { s.Privileges |= winnt.SeSecurityPrivilege.Bit() },
	} {
		check.Equal(t, print(change), want, "%s: the fingerprint changed to", name)
	}
}

// Equal tokens share a column, unless a callback or local attributes could distinguish them. The same holds for the
// results of equal descriptors.
func TestEqualTokensShareColumn(t *testing.T) {
	same := []*token.Token{check.Must(token.New(token.StandardUser(worldUsers[0]))),
		check.Must(token.New(token.StandardUser(worldUsers[0])))}
	check.Equal(t, effective.Compile(same, effective.Config{}).Distinct(), 1, "Distinct of two equal tokens")
	third := check.Must(token.New(token.StandardUser(worldUsers[1])))
	check.Equal(t, effective.Compile(append(same, third), effective.Config{}).Token(2), third, "Token(2)")
	callback := effective.Config{}
	callback.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	check.Equal(t, effective.Compile(same, callback).Distinct(), 2, "Distinct with a callback")
	s := token.StandardUser(worldUsers[0])
	s.LocalAttributes = check.Must(claims.NewSet([]claims.Attribute{{Name: "x", Type: claims.Int64, Ints: []int64{1}}}))
	local := []*token.Token{check.Must(token.New(s)), check.Must(token.New(s))}
	check.Equal(t, effective.Compile(local, effective.Config{}).Distinct(), 2, "Distinct with local attributes")
	opaque := sd.New(sd.Parts{DACL: check.Must(sd.NewACL(check.Must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone,
		sd.ACEExtra{AppData: []byte{1, 2, 3, 4}}))))})
	for _, c := range []struct {
		cfg  effective.Config
		d    *sd.Descriptor
		want bool
	}{
		{effective.Config{}, sddl.MustParse("D:(A;;FR;;;WD)"), true},
		{effective.Config{}, sddl.MustParse("D:(XA;;FR;;;WD;(@User.x == 1))"), true},
		{effective.Config{}, sddl.MustParse("D:(XA;;FR;;;WD;(x == 1))"), false},
		{effective.Config{}, sddl.MustParse("S:(FL;;FR;;;WD;(x == 1))"), false},
		{effective.Config{}, opaque, true},
		{callback, opaque, false},
		{callback, sddl.MustParse("D:(XA;;FR;;;WD;(@User.x == 1))"), true},
		{callback, nil, true},
	} {
		e := check.Must(effective.NewEvaluator(effective.Compile(same, c.cfg),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
		check.Equal(t, e.Repeatable(c.d), c.want,
			"descriptor %x, callback %t: Repeatable", c.d.Binary(), c.cfg.Options.Callback != nil)
	}
}

// NewEvaluator rejects a question without a type, without rights or with too many. Without principals the results are
// empty.
func TestNewEvaluatorRejectsMalformedQuestions(t *testing.T) {
	p := effective.Compile(nil, effective.Config{})
	for _, c := range []struct {
		q    effective.Question
		want error
	}{
		{effective.Question{Rights: []winnt.AccessMask{1}}, access.ErrNoMapping},
		{effective.Question{Type: winnt.FileObject}, effective.ErrNoRights},
		{effective.Question{Type: winnt.FileObject, Rights: make([]winnt.AccessMask, effective.MaxRights+1)},
			effective.ErrRights},
		{effective.Question{Type: winnt.FileObject, Rights: make([]winnt.AccessMask, effective.MaxRights)}, nil},
	} {
		_, err := effective.NewEvaluator(p, c.q)
		check.That(t, errors.Is(err, c.want), "NewEvaluator with %d rights: %v, want %v", len(c.q.Rights), err, c.want)
	}
	e := check.Must(effective.NewEvaluator(p, effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	s := e.Allowed(sddl.MustParse("D:(A;;FA;;;WD)"))
	check.That(t, len(s) == 1 && s[0].Count() == 0, "Allowed without principals = %v, want one empty set", s)
	check.Equal(t, len(e.Maximum(sddl.MustParse("D:"))), 0, "masks of Maximum without principals")
}

// Set agrees with a map of the members.
func TestSetMatchesMap(t *testing.T) {
	rng := rand.New(rand.NewPCG(randtest.Seed(t), 3))
	for range 200 {
		n := rng.IntN(300)
		s, want := make(effective.Set, (n+63)/64), map[int]bool{}
		for range rng.IntN(100) {
			if n > 0 {
				i := rng.IntN(n)
				s[i/64] |= 1 << (i % 64)
				want[i] = true
			}
		}
		check.Require(t, s.Count(), len(want), "Count")
		last := -1
		for i := range s.All() {
			check.RequireThat(t, want[i] && i > last && s.Has(i), "All yields %d after %d: want ascending members only", i, last)
			last = i
		}
		for range s.All() {
			break // the sequence ends where its reader does
		}
		check.RequireThat(t, !s.Has(-1) && !s.Has(n+64), "Has(-1) or Has(%d) = true, want false", n+64)
		longer := append(slices.Clone(s), 0)
		check.RequireThat(t, s.Equal(longer) && longer.Equal(s), "sets that differ only in empty words are not equal")
		longer[len(s)] = 1
		check.RequireThat(t, !s.Equal(longer) && !longer.Equal(s), "sets that differ in one member are equal")
	}
}

// largeGroups is the number of groups with every second token. All but the first are without one of these tokens, each
// without another.
const largeGroups = 9

// newTokens returns 700 tokens. Each has its own user and one of three groups. Two have a group of their own. Half of
// them are in several large groups. Of every hundred, some also have a group, enabled, deny-only or disabled, are
// restricted, in an AppContainer or at Low, or hold privileges.
func newTokens() (tokens []*token.Token) {
	for i := range 700 {
		s := token.StandardUser(worldDomain.WithRID(uint32(10_000 + i)))
		in := func(rid uint32, attributes uint32) {
			s.Groups = append(s.Groups, token.Group{SID: worldDomain.WithRID(rid), Attributes: attributes})
		}
		in(uint32(2000+i%3), token.GroupDefault)
		hold := func(privileges ...winnt.Privilege) {
			s.Privileges |= winnt.Privileges(privileges...)
			s.EnabledPrivileges |= winnt.Privileges(privileges...)
		}
		if i == 70 || i == 650 {
			in(2101, token.GroupDefault)
		}
		for n := range largeGroups {
			if i%2 == 0 && i != 8*n-8 {
				in(uint32(2200+n), token.GroupDefault)
			}
		}
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
			hold(winnt.SeRelabelPrivilege)
		case i%100 == 7:
			s.Integrity = sid.LowLevel
			hold(winnt.SeSecurityPrivilege)
		case i%100 == 8:
			s.Integrity = sid.LowLevel
			hold(winnt.SeSecurityPrivilege, winnt.SeRelabelPrivilege)
		case i%100 == 9:
			hold(winnt.SeSecurityPrivilege)
		}
		tokens = append(tokens, check.Must(token.New(s)))
	}
	return tokens
}

// Entries that match few of many principals, by the user or by small groups, give the result of the access check for
// each principal.
func TestFewOfManyPrincipalsMatchCheck(t *testing.T) {
	tokens := newTokens()
	p := effective.Compile(tokens, effective.Config{})
	check.RequireThat(t, p.Len() == len(tokens) && p.Distinct() == len(tokens),
		"Compile: Len %d, Distinct %d; want %d, %d", p.Len(), p.Distinct(), len(tokens), len(tokens))
	for i, tok := range tokens {
		check.Require(t, p.Token(i), tok, "Token(%d)", i)
	}
	check.That(t,
		p.Has(worldDomain.WithRID(2100)) && p.Has(worldDomain.WithRID(10_000)) && !p.Has(worldDomain.WithRID(2003)),
		"Has: want true for a group and a user, and false for a group that nobody is in")
	user := func(i int) string { return worldDomain.WithRID(uint32(10_000 + i)).String() }
	large := func(kind string, first int) (entries string) { // right n is of the large group first+n
		for n := first; n < min(first+4, largeGroups); n++ {
			entries += fmt.Sprintf("(%s;;%#x;;;%v)", kind, 1<<(n-first), worldDomain.WithRID(uint32(2200+n)))
		}
		return entries
	}
	few, third := worldDomain.WithRID(2100).String(), worldDomain.WithRID(2001).String()
	two := worldDomain.WithRID(2101).String()
	q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, 9, 2, 3, winnt.WRITE_OWNER,
		winnt.WRITE_DAC, winnt.FILE_ALL_ACCESS, winnt.ACCESS_SYSTEM_SECURITY}}
	e := check.Must(effective.NewEvaluator(p, q))
	// No restricted token and no AppContainer: they have no expression.
	plain, expressions := slices.DeleteFunc(slices.Clone(tokens), func(tok *token.Token) bool {
		return tok.IsRestricted() || tok.IsAppContainer()
	}), 0
	simple := check.Must(effective.NewEvaluator(effective.Compile(plain, effective.Config{}), q))
	for _, text := range []string{
		"D:(D;;0x1;;;" + user(0) + ")(D;;0x2;;;" + user(699) + ")(A;;FA;;;WD)",
		"D:(D;;0x1;;;" + few + ")(A;;0x3;;;WD)", "D:(A;;0x1;;;" + few + ")", "D:(A;;0x1;;;" + few + ")(D;;0x3;;;" + third +
			")(A;;0x3;;;WD)", "D:(A;;0x3;;;" + user(64) + ")(A;;0x1;;;" + user(63) + ")", "D:(A;;0x3;;;" + third + ")",
		"D:(D;;0x3;;;" + user(3) + ")(A;;0x3;;;" + few + ")(A;;0x3;;;WD)",
		"D:(XD;;0x1;;;" + few + ";(Member_of{SID(" + third + ")}))(A;;0x3;;;WD)",
		"D:(XA;;0x1;;;WD;(Member_of{SID(" + few + ")}))(XD;;0x2;;;" + few + ";(Member_of{SID(WD)}))(A;;0x2;;;WD)",
		"D:(XD;;0x1;;;" + user(5) + ";(Member_of{SID(WD)}))(XA;;0x2;;;" + user(130) + ";(Member_of{SID(WD)}))(A;;0x1;;;WD)",
		"D:(D;;0x1;;;" + user(8) + ")(A;;0x9;;;" + user(8) + ")(A;;0x1;;;" + user(699) + ")",
		"D:(A;;0x3;;;" + two + ")", "D:(D;;0x2;;;" + two + ")(A;;0x3;;;WD)",
		"D:(A;;FA;;;WD)S:(ML;;NW;;;HI)", "D:(A;;FA;;;WD)S:(ML;;NWNR;;;ME)",
		"D:(A;;FA;;;WD)S:(ML;;NR;;;HI)", "D:(A;;FA;;;WD)S:(ML;;NX;;;HI)", "D:(A;;0x3;;;OW)(A;;0x1;;;" + few + ")",
		"D:(A;;0x1;;;S-1-15-2-1-2-3)(A;;0x1;;;WD)", "D:NO_ACCESS_CONTROL", "D:",
		"D:" + large("A", 0), "D:" + large("A", 4), "D:" + large("A", 8), "D:" + large("D", 5) + "(A;;FA;;;WD)",
	} {
		for _, owner := range []string{"O:" + few, "O:" + user(130), "O:SY"} {
			d := check.Must(sddl.Parse(owner+"G:SY"+text, sddl.Options{Extended: true}))
			var sets []effective.Set
			for _, s := range e.Allowed(d) {
				sets = append(sets, slices.Clone(s))
			}
			masks := e.Maximum(d)
			for i, tok := range tokens {
				for r, desired := range append(q.Rights[:len(q.Rights):len(q.Rights)], winnt.MAXIMUM_ALLOWED) {
					dec := check.Must(access.Check(tok, d, desired, winnt.FileObject))
					if r < len(sets) && sets[r].Has(i) != dec.Allowed() {
						t.Errorf("%s%s: principal %d, right %v: Allowed has it: %t, the access check returns %v",
							owner, text, i, desired, sets[r].Has(i), dec)
					} else if r == len(sets) && masks[i] != dec.Granted {
						t.Errorf("%s%s: principal %d: Maximum = %v, the access check returns %v", owner, text, i, masks[i], dec)
					}
				}
			}
			for right := range q.Rights {
				x, ok := simple.Expression(d, right)
				if !ok {
					continue
				}
				expressions++
				want := simple.Allowed(d)[right]
				for i, tok := range plain {
					check.Equal(t, x.Allows(tok.Member), want.Has(i), "%s%s: principal %d: %v allows", owner, text, i, x)
				}
			}
		}
	}
	check.That(t, expressions >= 60, "%d expressions were compared, want at least 60", expressions)
}

// Small groups of many principals match their own members, even if their members have the same positions within the
// words of a set.
func TestSmallGroupsOfManyPrincipalsMatchTheirMembers(t *testing.T) {
	const words, inGroup = 32, 8 // one member in each of so many words
	var tokens []*token.Token
	for i := range 64 * words {
		s := token.Spec{User: token.Group{SID: worldDomain.WithRID(uint32(10_000 + i))}}
		if i%64 == 0 {
			s.Groups = append(s.Groups, token.Group{SID: worldDomain.WithRID(uint32(2000 + i/64/inGroup))})
		}
		tokens = append(tokens, check.Must(token.New(s)))
	}
	e := check.Must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}),
		effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	for group := range words / inGroup {
		got := e.Allowed(sddl.MustParse(fmt.Sprintf("O:SYG:SYD:(A;;1;;;%v)", worldDomain.WithRID(uint32(2000+group)))))[0]
		for i := range tokens {
			want := i%64 == 0 && i/64/inGroup == group
			check.RequireThat(t, got.Has(i) == want, "group %d: principal %d has the right: %t, want %t", group, i,
				got.Has(i), want)
		}
	}
}
