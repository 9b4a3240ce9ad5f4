package effective_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// TestFingerprint: what a check can see changes it, what none sees does not
//
func TestFingerprint(t *testing.T) {
	base := func() token.Spec {
		s := token.StandardUser(worldUsers[0])
		s.Groups = append(s.Groups, token.Group{SID: worldUsers[1], Attributes: 7})
		return s
	}
	print := func(change func(*token.Spec)) string {
		s := base()
		change(&s)
		return effective.Fingerprint(must(token.New(s)))
	}
	want := print(func(*token.Spec) {})
	attribute := must(claims.NewSet([]claims.Attribute{{Name: "x", Type: claims.Int64, Ints: []int64{1}}}))
	for name, change := range map[string]func(*token.Spec){
		"user":            func(s *token.Spec) { s.User.SID = worldUsers[2] },
		"deny-only user":  func(s *token.Spec) { s.User.Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY },
		"group":           func(s *token.Spec) { s.Groups = s.Groups[1:] },
		"deny-only group": func(s *token.Spec) { s.Groups[len(s.Groups)-1].Attributes = 0x10 },
		"privilege": func(s *token.Spec) {
			s.Privileges |= winnt.SeSecurityPrivilege.Bit()
			s.EnabledPrivileges = s.Privileges
		},
		"integrity":        func(s *token.Spec) { s.Integrity = sid.LowLevel },
		"policy":           func(s *token.Spec) { s.MandatoryPolicy = 0 },
		"restricted":       func(s *token.Spec) { s.IsRestricted = true },
		"package":          func(s *token.Spec) { s.Package = worldPkg },
		"user claims":      func(s *token.Spec) { s.UserClaims = attribute },
		"device claims":    func(s *token.Spec) { s.DeviceClaims = attribute },
		"local attributes": func(s *token.Spec) { s.LocalAttributes = attribute },
		"device group":     func(s *token.Spec) { s.DeviceGroups = []token.Group{{SID: worldUsers[1], Attributes: 4}} },
		"disabled device":  func(s *token.Spec) { s.DeviceGroups = []token.Group{{SID: worldUsers[1]}} },
		"trust":            func(s *token.Spec) { s.TrustLevel = sid.MustParse("S-1-19-512-1024") },
	} {
		if print(change) == want {
			t.Errorf("%s: the fingerprint is the same", name)
		}
	}
	for name, change := range map[string]func(*token.Spec){
		"order": func(s *token.Spec) { slices.Reverse(s.Groups) },
		"twice": func(s *token.Spec) { s.Groups = append(s.Groups, s.Groups[0]) },
		"disabled": func(s *token.Spec) {
			s.Groups = append(s.Groups, token.Group{SID: worldUsers[5], Attributes: token.GroupDisabled})
		},
		"session":    func(s *token.Spec) { s.SessionID = 7 },
		"disabled p": func(s *token.Spec) { s.Privileges |= winnt.SeSecurityPrivilege.Bit() },
	} {
		if print(change) != want {
			t.Errorf("%s: the fingerprint differs", name)
		}
	}
}

// TestSharing: equal tokens are one column, but not where a callback or local
// attributes could tell them apart, and then equal descriptors may not share
// answers either.
func TestSharing(t *testing.T) {
	same := []*token.Token{must(token.New(token.StandardUser(worldUsers[0]))),
		must(token.New(token.StandardUser(worldUsers[0])))}
	if n := effective.Compile(same, effective.Config{}).Distinct(); n != 1 {
		t.Errorf("%d columns for two equal tokens", n)
	}
	callback := effective.Config{}
	callback.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	if n := effective.Compile(same, callback).Distinct(); n != 2 {
		t.Errorf("%d columns with a callback", n)
	}
	s := token.StandardUser(worldUsers[0])
	s.LocalAttributes = must(claims.NewSet([]claims.Attribute{{Name: "x", Type: claims.Int64, Ints: []int64{1}}}))
	if n := effective.Compile([]*token.Token{must(token.New(s)), must(token.New(s))},
		effective.Config{}).Distinct(); n != 2 {
		t.Errorf("%d columns with local attributes", n)
	}
	opaque := sd.New(sd.Parts{DACL: must(sd.NewACL(must(sd.NewACE(sd.AccessAllowedCallback, 0, 1, sid.Everyone,
		sd.ACEExtra{AppData: []byte{1, 2, 3, 4}}))))})
	for _, c := range []struct {
		cfg  effective.Config
		d    *sd.Descriptor
		want bool
	}{
		{effective.Config{}, sddl.MustParse("D:(A;;FR;;;WD)"), true},
		{effective.Config{}, sddl.MustParse("D:(XA;;FR;;;WD;(@User.x == 1))"), true},
		{effective.Config{}, sddl.MustParse("D:(XA;;FR;;;WD;(x == 1))"), false},
		{effective.Config{}, opaque, true},
		{callback, opaque, false},
		{callback, nil, true},
	} {
		e := must(effective.NewEvaluator(effective.Compile(same, c.cfg),
			effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
		if got := e.Repeatable(c.d); got != c.want {
			t.Errorf("%x with callback %t: repeatable %t", c.d.Binary(), c.cfg.Options.Callback != nil, got)
		}
	}
}

func TestQuestions(t *testing.T) {
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
		if _, err := effective.NewEvaluator(p, c.q); !errors.Is(err, c.want) {
			t.Errorf("%d rights: %v, want %v", len(c.q.Rights), err, c.want)
		}
	}
	e := must(effective.NewEvaluator(p, effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}))
	if s := e.Allowed(sddl.MustParse("D:(A;;FA;;;WD)")); len(s) != 1 || s[0].Count() != 0 {
		t.Errorf("no principal: %v", s)
	}
	if m := e.Maximum(sddl.MustParse("D:")); len(m) != 0 {
		t.Errorf("no principal: %v", m)
	}
}

// TestSet holds a Set to a map.
func TestSet(t *testing.T) {
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
		if s.Count() != len(want) {
			t.Fatalf("%d members, want %d", s.Count(), len(want))
		}
		last := -1
		for i := range s.All() {
			if !want[i] || i <= last || !s.Has(i) {
				t.Fatalf("%d after %d: not in the set", i, last)
			}
			last = i
		}
		if s.Has(-1) || s.Has(n+64) {
			t.Fatal("something outside is in the set")
		}
		longer := append(slices.Clone(s), 0)
		if !s.Equal(longer) || !longer.Equal(s) {
			t.Fatal("empty words make a difference")
		}
		longer[len(s)] = 1
		if s.Equal(longer) || longer.Equal(s) {
			t.Fatal("a member makes no difference")
		}
	}
}
