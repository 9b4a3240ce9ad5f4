package effective_test

import (
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

// After random replacements of tokens, the results equal those of newly compiled principals. The results of a
// descriptor that Affects reports as unaffected do not change, nor do those of the principals that were replaced.
func TestReplaceMatchesCompile(t *testing.T) {
	w := world{rand.New(rand.NewPCG(randtest.Seed(t), 3))}
	affected, spared := 0, 0
	for range randtest.Count(t, "REFMON_REPLACE", 40) {
		tokens := make([]*token.Token, 1+w.IntN(200))
		for i := range tokens {
			tokens[i] = w.member(i)
		}
		q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1, winnt.WRITE_OWNER,
			winnt.FILE_ALL_ACCESS}}
		p := effective.Compile(tokens, effective.Config{})
		for step := range 20 {
			next := slices.Clone(tokens)
			for range w.IntN(4) {
				i := w.IntN(len(next))
				if next[i] = w.changed(next[i]); w.chance(20) {
					next[i] = w.token()
				}
			}
			replaced, difference := p.Replace(next)
			before, after := check.Must(effective.NewEvaluator(p, q)), check.Must(effective.NewEvaluator(replaced, q))
			fresh := check.Must(effective.NewEvaluator(effective.Compile(next, effective.Config{}), q))
			freshBefore := check.Must(effective.NewEvaluator(effective.Compile(tokens, effective.Config{}), q))
			for range 12 {
				d := w.descriptor()
				if w.chance(2) {
					d = w.newDescriptor(w.group(), w.group(), w.group())
				}
				got, want := after.Allowed(d), fresh.Allowed(d)
				for right := range want {
					check.RequireThat(t, before.Allowed(d)[right].Equal(freshBefore.Allowed(d)[right]),
						"step %d: Replace changed the result of right %d of the replaced principals", step, right)
					check.RequireThat(t, got[right].Equal(want[right]),
						"A-140: step %d, right %d: Allowed after Replace = %v, after Compile = %v", step, right, got[right], want[right])
					check.RequireThat(t, difference.Affects(d) || before.Allowed(d)[right].Equal(want[right]),
						"step %d: the result of right %d changed, but Affects returned false", step, right)
				}
				if difference.Affects(d) {
					affected++
				} else {
					spared++
				}
			}
			p, tokens = replaced, next
		}
	}
	check.That(t, affected != 0 && spared != 0,
		"Affects returned true for %d descriptors and false for %d, want both", affected, spared)
}

// group returns one of a few groups, or a SID of the world.
func (w world) group() sid.SID {
	if w.chance(3) {
		return pick(w, worldSIDs)
	}
	return worldDomain.WithRID(uint32(2000 + w.IntN(12)))
}

// member returns the token of user i in some groups.
func (w world) member(i int) *token.Token {
	spec := token.NetworkUser(worldDomain.WithRID(uint32(1000 + i)))
	return check.Must(token.New(w.newGroups(spec)))
}

// newGroups replaces the groups of a token.
func (w world) newGroups(spec token.Spec) token.Spec {
	spec.Groups = nil
	for range w.IntN(8) {
		attributes := token.GroupDefault
		if w.chance(6) {
			attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
		spec.Groups = append(spec.Groups, token.Group{SID: w.group(), Attributes: attributes})
	}
	return spec
}

// changed returns a token of the same user in other groups, sometimes with another privilege.
func (w world) changed(t *token.Token) *token.Token {
	spec := t.Spec()
	if w.chance(30) {
		spec.Privileges |= winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
		spec.EnabledPrivileges |= winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	}
	spec.Groups = slices.DeleteFunc(spec.Groups, func(g token.Group) bool {
		return g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 || w.chance(4)
	})
	if w.chance(2) {
		spec.Groups = append(spec.Groups, token.Group{SID: w.group(), Attributes: token.GroupDefault})
	}
	changed, err := token.New(spec)
	if err != nil { // a token that New does not accept stays as it is
		return t
	}
	return changed
}

// newDescriptor returns a descriptor whose entries allow and deny groups.
func (w world) newDescriptor(owner sid.SID, groups ...sid.SID) *sd.Descriptor {
	var list []sd.ACE
	for i, g := range groups {
		kind := sd.AccessAllowed
		if i > 0 && w.chance(3) {
			kind = sd.AccessDenied
		}
		list = append(list, check.Must(sd.NewACE(kind, 0, pick(w, worldMasks), g)))
	}
	return sd.New(sd.Parts{Owner: owner, Group: owner, DACL: check.Must(sd.NewACL(list...)), Control: sd.DACLPresent})
}

// If the principals cannot be replaced one by one, all are compiled again, and every descriptor is affected.
func TestReplaceOfOtherPrincipalsAffectsAll(t *testing.T) {
	w := world{rand.New(rand.NewPCG(1, 3))}
	a, b := w.member(1), w.member(2)
	d := w.newDescriptor(worldUsers[0], sid.Everyone)
	for name, c := range map[string]struct {
		was, is []*token.Token
		affects bool
	}{
		"equal":             {[]*token.Token{a, b}, []*token.Token{a, b}, false},
		"one more":          {[]*token.Token{a}, []*token.Token{a, b}, true},
		"one fewer":         {[]*token.Token{a, b}, []*token.Token{a}, true},
		"shared tokens":     {[]*token.Token{a, a}, []*token.Token{a, b}, true},
		"shared, one fewer": {[]*token.Token{a, a}, []*token.Token{b}, true},
	} {
		p, difference := effective.Compile(c.was, effective.Config{}).Replace(c.is)
		check.That(t, p.Len() == len(c.is) && difference.Affects(d) == c.affects && !difference.Affects(nil) &&
			difference.Affects(sddl.MustParse("D:(A;;0x1;;;PS)")) == c.affects,
			"%s: Len %d, Affects(d) %t, Affects(nil) %t; want %d, %t, false", name, p.Len(), difference.Affects(d),
			difference.Affects(nil), len(c.is), c.affects)
	}
}

// A gained or lost group affects only descriptors that have it as their owner or in an entry, or an entry
// for PRINCIPAL SELF. Tokens that differ in more than groups or in Everyone, and any difference under a policy, affect
// every descriptor.
func TestReplaceAffectsDescriptorsOfItsSIDs(t *testing.T) {
	spec := token.NetworkUser(worldDomain.WithRID(1000))
	trusted, low := spec, spec
	trusted.TrustLevel = sid.MustParse("S-1-19-512-4096")
	low.Groups = slices.DeleteFunc(slices.Clone(spec.Groups), func(g token.Group) bool { return g.SID == sid.Everyone })
	levelled, obeying, holding := spec, spec, spec
	levelled.Integrity, obeying.MandatoryPolicy = sid.LowLevel, winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN
	holding.EnabledPrivileges = 0
	boxed, restricted := spec, spec
	boxed.Package, restricted.IsRestricted = worldPkg, true
	joined := spec
	joined.Groups = append(slices.Clone(spec.Groups), token.Group{SID: sid.Administrators, Attributes: token.GroupDefault})
	const users = "O:BUG:BUD:(A;;0x1;;;BU)"
	policy, callback := effective.Config{Policies: &access.PolicySet{}}, effective.Config{}
	callback.Options.Callback = func(sd.ACE, *token.Token) claims.Truth { return claims.True }
	for name, c := range map[string]struct {
		is   token.Spec
		cfg  effective.Config
		d    string
		want bool
	}{
		"another group":      {joined, effective.Config{}, users, false},
		"no DACL":            {joined, effective.Config{}, "O:BUG:BU", false},
		"the owner's group":  {joined, effective.Config{}, "O:BAG:BUD:(A;;0x1;;;BU)", true},
		"the object's group": {joined, effective.Config{}, "O:BUG:BAD:(A;;0x1;;;BU)", false},
		"an entry's group":   {joined, effective.Config{}, "O:BUG:BUD:(A;;0x1;;;BU)(D;;0x1;;;BA)", true},
		"a trust level":      {trusted, effective.Config{}, users, true},
		"an integrity level": {levelled, effective.Config{}, users, true},
		"a mandatory policy": {obeying, effective.Config{}, users, true},
		"a privilege":        {holding, effective.Config{}, users, true},
		"no Everyone":        {low, effective.Config{}, users, true},
		"a policy":           {joined, policy, users, true},
		"a callback":         {joined, callback, users, true},
		"an AppContainer":    {boxed, effective.Config{}, users, true},
		"a restriction":      {restricted, effective.Config{}, users, true},
		"PRINCIPAL SELF":     {joined, effective.Config{}, "O:BUG:BUD:(A;;0x1;;;PS)", true},
	} {
		// The first token stays. The tokens are exchanged, and exchanged back.
		other, was, is := check.Must(token.New(token.NetworkUser(worldDomain.WithRID(1001)))), check.Must(token.New(spec)),
			check.Must(token.New(c.is))
		before, after := []*token.Token{other, was}, []*token.Token{other, is}
		old := effective.Compile(before, c.cfg)
		p, difference := old.Replace(after)
		before[0], after[0] = nil, nil // the principals have copies
		check.That(t, old.Token(0) == other && p.Token(0) == other, "%s: principals follow the caller's slice", name)
		_, back := p.Replace([]*token.Token{other, was})
		for _, f := range []*effective.Difference{difference, back} {
			check.Equal(t, f.Affects(sddl.MustParse(c.d)), c.want, "%s: Affects", name)
		}
	}
}

// After Replace the principals give the results of their new tokens. The group Administrators is the only difference:
// absent, disabled, for deny only (it matches only entries that deny, A-2) or enabled.
func TestReplaceGivesResultsOfNewTokens(t *testing.T) {
	with := func(attributes ...uint32) *token.Token {
		spec := token.NetworkUser(worldDomain.WithRID(1000))
		for _, a := range attributes {
			spec.Groups = append(spec.Groups, token.Group{SID: sid.Administrators, Attributes: a})
		}
		return check.Must(token.New(spec))
	}
	absent, disabled := with(), with(token.GroupDisabled)
	denyOnly, enabled := with(winnt.SE_GROUP_USE_FOR_DENY_ONLY), with(token.GroupDefault)
	allows, denies := map[*token.Token]bool{enabled: true}, map[*token.Token]bool{enabled: true, denyOnly: true}
	allow, deny := sddl.MustParse("O:SYG:SYD:(A;;0x1;;;BA)"), sddl.MustParse("O:SYG:SYD:(D;;0x1;;;BA)(A;;0x1;;;WD)")
	member := sddl.MustParse("O:SYG:SYD:(XA;;0x1;;;WD;(Member_of {SID(BA)}))")
	q := effective.Question{Type: winnt.FileObject, Rights: []winnt.AccessMask{1}}
	all := []*token.Token{absent, disabled, denyOnly, enabled}
	for i, was := range all {
		for k, is := range all {
			old := effective.Compile([]*token.Token{was}, effective.Config{})
			p, difference := old.Replace([]*token.Token{is})
			e, before := check.Must(effective.NewEvaluator(p, q)), check.Must(effective.NewEvaluator(old, q))
			check.That(t, e.Allowed(member)[0].Has(0) == allows[is] && before.Allowed(member)[0].Has(0) == allows[was],
				"%d replaced by %d: a condition, after Replace and of the replaced principals", i, k)
			check.Equal(t, e.Allowed(allow)[0].Has(0), allows[is], "A-1: %d replaced by %d: an entry that allows", i, k)
			check.Equal(t, e.Allowed(deny)[0].Has(0), !denies[is], "A-2: %d replaced by %d: an entry that denies", i, k)
			check.Equal(t, difference.Affects(deny), denies[was] != denies[is] || allows[was] != allows[is],
				"%d replaced by %d: Affects", i, k)
		}
	}
}
