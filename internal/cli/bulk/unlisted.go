package bulk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
)

// unlisted finds accounts that have a right of the run but are not among its principals, such as a deleted user or an
// account of another domain (B-117). It belongs to one goroutine.
type unlisted struct {
	run   *Run
	known map[sid.SID]standIn
}

// standIn is a simulated user for an account that no principal has, with the decider of its token.
type standIn struct {
	name    string
	decider *decider // of its token; nil: nobody logs on as this account
}

const (
	maxStandIns      = 1 << 10 // stand-ins that an unlisted keeps
	maxUnlistedInRow = 50      // names in the note of a row
)

// newUnlisted returns the unlisted of a run. It returns nil if Run.Unlisted is false, and if a share limits principals
// by name, because the limits of any other account are not known.
func newUnlisted(r *Run) *unlisted {
	if !r.Unlisted || r.guarded != nil {
		return nil
	}
	return &unlisted{r, map[sid.SID]standIn{}}
}

// of returns the sorted names of unlisted accounts in a descriptor that have a right of the run. It returns nil for a
// nil receiver and for a descriptor without a DACL. Inherit-only entries are ignored. An account that cannot be
// decided is left out.
func (u *unlisted) of(x place) (names []string) {
	if u == nil || x.d.DACL() == nil { // without a DACL everyone has every right
		return nil
	}
	var seen []sid.SID
	add := func(s sid.SID) {
		if !u.nameable(s) || slices.Contains(seen, s) {
			return
		}
		seen = append(seen, s.Clone())
		if a := u.standIn(s); a.decider != nil && a.allowed(x, s) {
			names = append(names, a.name)
		}
	}
	add(x.d.Owner())
	for _, e := range x.d.DACL().Entries() {
		if e.Flags&sd.InheritOnly == 0 && allows(e.Kind) {
			add(e.SID)
		}
	}
	slices.Sort(names)
	return names
}

// allows reports whether an entry of this type allows access.
func allows(kind sd.Type) bool {
	switch kind {
	case sd.AccessAllowed, sd.AccessAllowedObject, sd.AccessAllowedCallback, sd.AccessAllowedCallbackObject:
		return true
	}
	return false
}

// nameable reports whether a SID deserves a note: it is an account or group of a domain, a computer or Entra ID that
// no principal has. Accounts with a fixed number in the directory's own domain do not.
func (u *unlisted) nameable(s sid.SID) bool {
	n := s.SubAuthorities()
	switch {
	case s.Authority() == 12 && n == 5 && s.Sub(0) == 1: // an Entra ID account
	case s.Authority() != 5 || n != 5 || s.Sub(0) != 21 || s.Sub(1)|s.Sub(2)|s.Sub(3) == 0:
		return false
	case s.RID() < 1000 && s.Prefix() == u.run.Directory.Domain:
		return false
	}
	return !u.run.tokens.Has(s)
}

// standIn returns the simulated user for the account s, whose answers show what the account could do. It has no
// decider if the account cannot have a token. The name of a disabled account says so. At maxStandIns the cache is
// emptied.
func (u *unlisted) standIn(s sid.SID) standIn {
	a, ok := u.known[s]
	if ok {
		return a
	}
	d := u.run.Directory
	a.name = s.String()
	if d.Listed(s) {
		a.name = d.Name(s)
	}
	p, disabled, err := d.StandIn(s)
	if err == nil {
		if disabled {
			a.name += " (disabled)"
		}
		a.decider = u.decider(&p)
	}
	if len(u.known) >= maxStandIns {
		clear(u.known)
	}
	u.known[s.Clone()] = a
	return a
}

// decider returns a decider of the run's question for a single principal p. It returns nil if the question cannot be
// compiled for p.
func (u *unlisted) decider(p *directory.Principal) *decider {
	r := *u.run
	r.Ask, r.guarded = Who, nil
	r.tokens = effective.Compile([]*token.Token{p.Token}, r.Config)
	d, err := newDecider(&r)
	if err != nil {
		return nil
	}
	return d
}

// allowed reports whether the account s has a right because of its own entries or ownership. They must grant the
// whole right, or the right must depend on them. Deny entries of all accounts count (B-117). Without the right the
// result is false.
func (a *standIn) allowed(x place, s sid.SID) bool {
	all := a.answer(x)
	switch {
	case !slices.Contains(all, true):
		return false
	case slices.Contains(a.rights(x, func(of sid.SID) bool { return of == s || of == sid.OwnerRights }), true):
		return true
	}
	others := a.rights(x, func(of sid.SID) bool { return of != s })
	for i := range all {
		if all[i] && !others[i] {
			return true
		}
	}
	return false
}

// rights returns which rights of the run the account has through the kept entries. These are all deny entries, and
// the allow entries of accounts for which keep is true. Any other owner is replaced, and a missing DACL becomes an
// empty one. If the check fails, every right is false.
func (a *standIn) rights(x place, keep func(s sid.SID) bool) []bool {
	p := x.d.Parts()
	var kept []sd.ACE
	entries := x.d.DACL().Entries()
	for i := range entries {
		if e := &entries[i]; !a.foreign(e) && (!allows(e.Kind) || keep(e.SID)) {
			kept = append(kept, x.d.DACL().At(i))
		}
	}
	var err error
	if p.DACL, err = sd.NewACL(kept...); err != nil {
		return make([]bool, len(a.decider.run.Rights))
	}
	if !keep(p.Owner) {
		p.Owner = sid.LocalSystem
	}
	x.d = sd.New(p)
	return a.answer(x)
}

// foreign reports whether an entry allows or denies another account that is not in the account's token, so that it has
// no effect. Without such entries a copy of a DACL that names thousands of accounts is short.
func (a *standIn) foreign(e *sd.Entry) bool {
	return (allows(e.Kind) || e.Kind.IsDeny()) && e.SID != sid.OwnerRights && e.SID != sid.PrincipalSelf &&
		!a.decider.run.tokens.Has(e.SID)
}

// answer returns which rights of the run the account has on x. If the check fails, every right is false.
func (a *standIn) answer(x place) []bool {
	out := make([]bool, len(a.decider.run.Rights))
	sets, _, err := a.decider.sets(x)
	if err != nil {
		return out
	}
	for i, s := range sets {
		out[i] = s.Has(0)
	}
	return out
}

// UnlistedText returns a sentence about accounts that are allowed a right and that no listed user has. It names the
// first most of them. names must not be empty.
func UnlistedText(names []string, most int) string {
	text := "1 account that no listed user has is allowed too: "
	if len(names) > 1 {
		text = fmt.Sprintf("%d accounts that no listed user has are allowed too: ", len(names))
	}
	if len(names) > most {
		return fmt.Sprintf("%s%s and %d more", text, strings.Join(names[:most], ", "), len(names)-most)
	}
	return text + strings.Join(names, ", ")
}
