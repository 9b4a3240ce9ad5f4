package logon

import (
	"slices"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Person is the account of a logon with its data in the account database.
// Compose refuses the zero value.
type Person struct {
	Account Account
	// Groups are all of the person's groups, including groups that contain its
	// groups. The first is the primary group, or the user if there are none.
	Groups     []sid.SID
	Privileges winnt.PrivilegeSet
	Rights     Rights
	Claims     *claims.Set
	// Remote is true for an account of a domain and not of this computer. Its network
	// logon is not limited.
	Remote bool
	// Proof is how the person proved its identity in this logon.
	Proof Proof
}

// enabled are the privileges that a logon enables.
var enabled = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeImpersonatePrivilege,
	winnt.SeCreateGlobalPrivilege)

// kept are the privileges that the limited token of an administrator keeps.
var kept = winnt.Privileges(winnt.SeChangeNotifyPrivilege, winnt.SeShutdownPrivilege, winnt.SeUndockPrivilege,
	winnt.SeIncreaseWorkingSetPrivilege, winnt.SeTimeZonePrivilege)

// splitting are the groups whose members get a limited token.
var splitting = []sid.SID{sid.Administrators, sid.BackupOperators, sid.PowerUsers, sid.AccountOperators,
	sid.ServerOperators, sid.PrintOperators}

// limiting are the groups that match only deny entries of a limited token.
var limiting = append(splitting[:len(splitting):len(splitting)], sid.LocalAccountAdministrator)

// Compose builds the data of the token, or of an administrator's pair of tokens, that person p gets from a logon of
// type t. more is added to the groups. It fails with STATUS_LOGON_TYPE_NOT_GRANTED without the right for t, with
// STATUS_INVALID_LOGON_TYPE for an unknown t, and with STATUS_TOO_MANY_CONTEXT_IDS for more than token.MaxGroups
// groups. Above that number, a repeated group with the same attributes counts once.
func Compose(p Person, t winnt.LogonType, more ...token.Group) (Result, ntstatus.Status) {
	if st := p.Rights.permit(t); st != ntstatus.Success {
		return Result{}, st
	}
	full := p.spec(t, more)
	if len(full.Groups) > token.MaxGroups {
		full.Groups = withoutRepeats(full.Groups)
	}
	if len(full.Groups) > token.MaxGroups {
		// A token cannot hold more groups, and dropping some could drop denials (L-4).
		return Result{}, ntstatus.TooManyContextIDs
	}
	r := Result{Token: full, Account: p.Account}
	if !slices.ContainsFunc(p.Groups, func(s sid.SID) bool { return slices.Contains(splitting, s) }) {
		return r, ntstatus.Success
	}
	limited := Limit(full)
	network := t == winnt.LOGON32_LOGON_NETWORK || t == winnt.LOGON32_LOGON_NETWORK_CLEARTEXT
	switch {
	case t == winnt.LOGON32_LOGON_BATCH, t == winnt.LOGON32_LOGON_SERVICE:
		// A batch or service logon of an administrator is not limited (L-6).
	case network && p.Remote:
		// A domain user who is an administrator here is not limited over the network (L-58).
	case network:
		// A local administrator who logs on over the network is limited, without a linked token (L-7).
		limited.ElevationType = winnt.TokenElevationTypeDefault
		r.Token = limited
	default:
		// An administrator gets the limited token, and the full one is linked to it (L-5).
		full.ElevationType, limited.ElevationType = winnt.TokenElevationTypeFull, winnt.TokenElevationTypeLimited
		r.Token, r.Linked = limited, &full
	}
	return r, ntstatus.Success
}

// withoutRepeats returns the groups without those that repeat an earlier one with the same attributes. It changes list.
func withoutRepeats(list []token.Group) []token.Group {
	seen := make(map[token.Group]bool, len(list))
	return slices.DeleteFunc(list, func(g token.Group) bool {
		again := seen[g]
		seen[g] = true
		return again
	})
}

// spec returns the person's token for a logon of type t, before UAC limits it. more is added to the groups. Without
// groups the user is the primary group. An administrator has the owner Administrators and high integrity.
func (p *Person) spec(t winnt.LogonType, more []token.Group) token.Spec {
	user := p.Account.SID
	s := token.Spec{
		User: token.Group{SID: user}, Integrity: sid.MediumLevel, Type: winnt.TokenPrimary,
		MandatoryPolicy: winnt.TOKEN_MANDATORY_POLICY_NO_WRITE_UP | winnt.TOKEN_MANDATORY_POLICY_NEW_PROCESS_MIN,
		Privileges:      p.Privileges, EnabledPrivileges: p.Privileges & enabled,
		DefaultPrivileges: p.Privileges & enabled, UserClaims: p.Claims, Source: token.Source{Name: "refmon"},
	}
	if len(p.Groups) == 0 {
		s.PrimaryGroup = user
	}
	s.Groups = make([]token.Group, 0, len(p.Groups)+10+len(more))
	add := func(all ...sid.SID) {
		for _, g := range all {
			s.Groups = append(s.Groups, token.Group{SID: g, Attributes: token.GroupDefault})
		}
	}
	add(p.Groups...)
	for i, g := range s.Groups {
		if g.SID == sid.Administrators {
			s.Groups[i].Attributes |= winnt.SE_GROUP_OWNER
			s.Owner, s.Integrity = sid.Administrators, sid.HighLevel
		}
	}
	// Everyone, the SIDs of the way to log on and Authenticated Users are in every logon's token (L-8).
	add(sid.Everyone)
	Add(&s, t, p.Proof, !p.Remote)
	add(sid.AuthenticatedUsers, sid.ThisOrganization)
	// The groups that a caller adds have the caller's attributes (T-144).
	s.Groups = append(s.Groups, token.AsGiven(more)...)
	if t == winnt.LOGON32_LOGON_NETWORK {
		// A network logon gives an impersonation token, every other a primary one (L-9).
		s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	}
	return s
}

// Limit returns the limited (UAC) form of an administrator's token. Administrative groups are deny-only, few
// privileges remain, and the integrity is Medium (L-5).
func Limit(full token.Spec) token.Spec {
	s := full
	s.Groups = slices.Clone(full.Groups)
	for i, g := range s.Groups {
		if slices.Contains(limiting, g.SID) {
			s.Groups[i].Attributes = winnt.SE_GROUP_USE_FOR_DENY_ONLY
		}
	}
	s.Privileges &= kept
	s.EnabledPrivileges &= kept
	s.DefaultPrivileges &= kept
	s.Integrity, s.Owner = sid.MediumLevel, sid.SID{}
	s.Flags |= winnt.TOKEN_IS_FILTERED
	return s
}

// Administrator reports whether one of the tokens of the result is LocalSystem's
// or has Administrators enabled.
func (r *Result) Administrator() bool {
	has := func(s *token.Spec) bool {
		return s != nil && (s.User.SID == sid.LocalSystem || slices.ContainsFunc(s.Groups, func(g token.Group) bool {
			// A group without attributes becomes an ordinary, enabled one (T-143).
			return g.SID == sid.Administrators && (g.Attributes == 0 || g.Attributes&winnt.SE_GROUP_ENABLED != 0)
		}))
	}
	return has(&r.Token) || has(r.Linked)
}

// Full returns the result of an elevated logon: the full token of an administrator's pair comes first, and the
// limited one is linked to it. It returns a result without a pair unchanged.
func (r Result) Full() Result {
	if r.Linked != nil && r.Linked.ElevationType == winnt.TokenElevationTypeFull {
		limited := r.Token
		r.Token, r.Linked = *r.Linked, &limited
	}
	return r
}

// AnonymousLogon returns the result of a network logon without a name: an impersonation token for ANONYMOUS LOGON.
func AnonymousLogon() Result {
	s := token.Anonymous(false)
	s.Type, s.Level = winnt.TokenImpersonation, winnt.SecurityImpersonation
	a, _ := WellKnownSID(sid.Anonymous)
	return Result{Token: s, Account: a}
}

// InSession puts the tokens of a logon into logon sessions with the given ids, and returns them. They share one logon
// SID, and a default DACL that grants access to the owner and the system, and reading and executing to the logon
// session. A token that already has a session stays unchanged (L-10). other is nil for such a token and for a result
// without a pair.
func (r *Result) InSession(id, linked winnt.LUID) (spec token.Spec, other *token.Spec) {
	spec = r.Token
	if spec.AuthenticationID != 0 {
		// The sessions that are always there have no logon SID (L-10).
		return spec, nil
	}
	session := sid.Logon(uint32(id>>32), uint32(id))
	join(&spec, id, session)
	if r.Linked != nil {
		full := *r.Linked
		join(&full, linked, session)
		other = &full
	}
	return spec, other
}

// join puts a token into a logon session: it gets the session's id, the logon SID and a default DACL for its owner.
func join(s *token.Spec, id winnt.LUID, session sid.SID) {
	s.AuthenticationID = id
	s.Groups = append(slices.Clone(s.Groups),
		token.Group{SID: session, Attributes: token.GroupDefault | winnt.SE_GROUP_LOGON_ID})
	owner := s.Owner
	if owner.IsZero() {
		owner = s.User.SID
	}
	s.DefaultDACL = defaultDACL(owner, session)
}

// defaultDACL returns the default DACL of a logon: all rights for the owner and LocalSystem, and reading for the logon
// SID. It returns nil for a zero owner.
func defaultDACL(owner, session sid.SID) *sd.ACL {
	var aces []sd.ACE
	for _, g := range []struct {
		to   sid.SID
		mask winnt.AccessMask
	}{{owner, winnt.GENERIC_ALL}, {sid.LocalSystem, winnt.GENERIC_ALL},
		{session, winnt.GENERIC_READ | winnt.GENERIC_EXECUTE}} {
		a, err := sd.NewACE(sd.AccessAllowed, 0, g.mask, g.to)
		if err != nil {
			return nil // of a zero user, whom token.New refuses
		}
		aces = append(aces, a)
	}
	list, _ := sd.NewACL(aces...) // three entries always fit
	return list
}
