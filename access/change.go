package access

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Change is one or more steps that together turn a denial into a grant. The
// zero value changes nothing.
type Change struct {
	Steps []string // what to do, an English clause each
}

// String joins the steps.
func (c Change) String() string { return strings.Join(c.Steps, ", and ") }

// Limits of the search for changes.
const (
	maxMoves    = 48 // single steps that are tried
	maxGroups   = 16 // of them memberships
	maxTogether = 3  // steps of one change
	maxChanges  = 12 // changes that are returned
)

// move is a single step: what it does, and how. It may return false where it
// cannot be made.
type move struct {
	what  string
	apply func(s *token.Spec, p *sd.Parts) bool
}

// Changes are the smallest changes that grant a request that is denied: of the
// token (membership of a group, a privilege, the integrity level, no
// restriction, no AppContainer) or of the descriptor (an entry more or less, or a
// label). Each was tried: the request with the change is granted. All have the
// same number of steps, at most three, and no change of fewer was found; of a
// very long list only some entries are tried. There are none if the request is
// granted already, or if the rules of the call refuse it whatever the token and
// the descriptor are.
//
// A change says what would grant, not what is wise. The error is that of
// [SeAccessCheck].
func Changes(r *Request) ([]Change, error) {
	d, err := SeAccessCheck(r)
	if err != nil || d.Allowed() || r.Descriptor == nil || r.Desired == 0 {
		return nil, err
	}
	moves := movesFor(r)
	if len(moves) > maxMoves {
		moves = moves[:maxMoves]
	}
	var out []Change
	for n := 1; n <= maxTogether && len(out) == 0; n++ {
		if n == maxTogether && len(moves) > maxMoves/2 { // a few thousand checks at most
			moves = moves[:maxMoves/2]
		}
		out = combinations(r, moves, nil, n, out)
	}
	return out, nil
}

// combinations tries every choice of n more moves after those chosen.
func combinations(r *Request, moves, chosen []move, n int, out []Change) []Change {
	if n == 0 {
		if len(out) < maxChanges && grants(r, chosen) {
			c := Change{}
			for _, m := range chosen {
				c.Steps = append(c.Steps, m.what)
			}
			out = append(out, c)
		}
		return out
	}
	for i := range moves {
		out = combinations(r, moves[i+1:], append(chosen[:len(chosen):len(chosen)], moves[i]), n-1, out)
	}
	return out
}

// grants makes the changes and asks again.
func grants(r *Request, moves []move) bool {
	t := r.Subject.Effective()
	spec, parts := t.Spec(), r.Descriptor.Parts()
	for _, m := range moves {
		if !m.apply(&spec, &parts) {
			return false
		}
	}
	changed, err := token.New(spec)
	if err != nil {
		return false
	}
	q := *r
	q.Descriptor = sd.New(parts)
	if q.Subject.Client != nil {
		q.Subject.Client = changed
	} else {
		q.Subject.Primary = changed
	}
	d, err := SeAccessCheck(&q)
	return err == nil && d.Allowed()
}

// movesFor lists the single steps that bear on a request.
func movesFor(r *Request) []move {
	moves := append(groupMoves(r), privilegeMoves(r)...)
	t := r.Subject.Effective()
	q := query{r: r, who: &identity{token: t}}
	q.sacl.set(r.Descriptor.SACL())
	if rid, _, _ := q.label(); t.Integrity() < rid {
		moves = append(moves, move{"raise the token's integrity level to " + token.IntegrityName(rid),
			func(s *token.Spec, _ *sd.Parts) bool {
				for i, g := range s.Groups {
					if g.Attributes&winnt.SE_GROUP_INTEGRITY != 0 {
						s.Groups = append(s.Groups[:i], s.Groups[i+1:]...)
						break
					}
				}
				s.Integrity = sid.IntegrityLevel(rid)
				return true
			}})
	}
	if t.IsRestricted() {
		moves = append(moves, move{"use a token that is not restricted", func(s *token.Spec, _ *sd.Parts) bool {
			s.Restricted, s.IsRestricted, s.WriteRestricted = nil, false, false
			return true
		}})
	}
	if t.IsAppContainer() {
		moves = append(moves, move{"leave the AppContainer", func(s *token.Spec, _ *sd.Parts) bool {
			s.Package, s.Capabilities, s.LowPrivilege, s.LowBoxNumber = sid.SID{}, nil, false, 0
			return true
		}})
	}
	return append(moves, entryMoves(r)...)
}

// groupMoves make the token a member of whom an entry allows, or of the owner.
func groupMoves(r *Request) (out []move) {
	t, seen := r.Subject.Effective(), map[sid.SID]bool{sid.OwnerRights: true, sid.PrincipalSelf: true}
	candidates := []sid.SID{}
	for _, a := range r.Descriptor.DACL().All() {
		if a.Type().IsAllow() && a.Flags()&sd.InheritOnly == 0 {
			candidates = append(candidates, a.SID())
		}
	}
	for _, s := range append(candidates, r.Descriptor.Owner()) {
		if s.IsZero() || seen[s] || t.Member(s, false) || len(out) == maxGroups {
			continue
		}
		seen[s] = true
		what := "make the user a member of " + named(s)
		if t.SIDs().Find(s.Hash(), s) >= 0 {
			what = "enable " + named(s) + ", which the token holds disabled or for deny only"
		}
		out = append(out, move{what, func(spec *token.Spec, _ *sd.Parts) bool {
			if spec.User.SID == s {
				spec.User.Attributes = 0
				return true
			}
			for i := range spec.Groups {
				if g := &spec.Groups[i]; g.SID == s && g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 {
					g.Attributes = token.GroupDefault
					return true
				}
			}
			spec.Groups = append(spec.Groups, token.Group{SID: s, Attributes: token.GroupDefault})
			return true
		}})
	}
	return out
}

// privilegeMoves enable the privileges that the check looks at.
func privilegeMoves(r *Request) (out []move) {
	t := r.Subject.Effective()
	looked := []winnt.Privilege{winnt.SeSecurityPrivilege, winnt.SeTakeOwnershipPrivilege, winnt.SeRelabelPrivilege}
	if r.Intent.Backup {
		looked = append(looked, winnt.SeBackupPrivilege)
	}
	if r.Intent.Restore {
		looked = append(looked, winnt.SeRestorePrivilege)
	}
	for _, p := range looked {
		if t.Has(p) {
			continue
		}
		what := "give the token " + p.String() + ", enabled"
		if t.Present().Has(p) {
			what = "enable " + p.String() + ", which the token holds disabled"
		}
		out = append(out, move{what, func(s *token.Spec, _ *sd.Parts) bool {
			s.Privileges |= p.Bit()
			s.EnabledPrivileges |= p.Bit()
			return true
		}})
	}
	return out
}

// entryMoves take entries away that deny or limit, or put one before all others
// that allows what is asked for.
func entryMoves(r *Request) (out []move) {
	d := r.Descriptor
	for i, a := range d.DACL().All() {
		if a.Type().IsDeny() && a.Flags()&sd.InheritOnly == 0 {
			out = append(out, move{fmt.Sprintf("drop DACL %d %s", i, printed(a)),
				func(_ *token.Spec, p *sd.Parts) bool { return drop(&p.DACL, a) }})
		}
	}
	for i, a := range d.SACL().All() {
		switch a.Type() {
		case sd.SystemMandatoryLabel, sd.SystemProcessTrustLabel, sd.SystemAccessFilter, sd.SystemScopedPolicyID:
			if a.Flags()&sd.InheritOnly == 0 {
				out = append(out, move{fmt.Sprintf("drop SACL %d %s", i, printed(a)),
					func(_ *token.Spec, p *sd.Parts) bool { return drop(&p.SACL, a) }})
			}
		}
	}
	if !d.HasDACL() {
		return out
	}
	t := r.Subject.Effective()
	mask := r.mapping().Map(r.Desired) &^ ungranted
	if mask == 0 {
		mask = r.mapping().Read
	}
	whom := []sid.SID{t.User().SID}
	if t.IsRestricted() && t.RestrictedSet().Len() > 0 {
		whom = append(whom, t.RestrictedSet().At(0))
	}
	if t.IsAppContainer() {
		whom = append(whom, t.Package())
	}
	for _, s := range whom {
		a, err := sd.NewACE(sd.AccessAllowed, 0, mask, s)
		if err != nil {
			continue
		}
		out = append(out, move{"put " + printed(a) + " before the other entries",
			func(_ *token.Spec, p *sd.Parts) bool {
				l, err := sd.NewACL(append([]sd.ACE{a}, p.DACL.Slice()...)...)
				p.DACL = l
				return err == nil
			}})
	}
	return out
}

// drop takes the first entry equal to a out of a list.
func drop(list **sd.ACL, a sd.ACE) bool {
	entries := (*list).Slice()
	for i := range entries {
		if entries[i] == a {
			l, err := sd.NewACL(append(entries[:i], entries[i+1:]...)...)
			*list = l
			return err == nil
		}
	}
	return false
}

func printed(a sd.ACE) string {
	text, err := sddl.FormatACE(a, sddl.Options{Extended: true})
	if err != nil {
		return a.Type().String()
	}
	return text
}

func named(s sid.SID) string {
	if n := sid.Name(s); n != "" {
		return s.String() + " (" + n + ")"
	}
	return s.String()
}
