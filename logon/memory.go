package logon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Settings has the data of a [Memory] in addition to the well-known names. The
// zero value is a computer named REFMON without accounts.
type Settings struct {
	Computer string  // "" for REFMON
	Machine  sid.SID // S-1-5-21-x-y-z; zero for S-1-5-21-1-2-3
	// Members are the accounts and groups of the computer. Their SIDs must be
	// Machine and one RID.
	Members []Member
}

// Member is one account or group of a computer.
type Member struct {
	// Person's account needs SID, Use and Name. Only SidTypeUser can log on.
	Person
	// Password is the password of the account. With "" no password is right.
	Password Secret
}

// Memory is an [Authority] with fixed data. It is immutable and does not count
// failed logons.
type Memory struct {
	computer Account
	bySID    map[sid.SID]Member
	byName   map[string]sid.SID
}

// NewMemory returns an authority. It fails for an empty name, for a SID that does not belong to the machine, and if a
// name or SID occurs twice. Names ignore case. An empty Computer is REFMON, and a zero Machine S-1-5-21-1-2-3.
func NewMemory(s Settings) (*Memory, error) {
	if s.Computer == "" {
		s.Computer = "REFMON"
	}
	if s.Machine.IsZero() {
		s.Machine, _ = sid.New(5, 21, 1, 2, 3)
	}
	m := &Memory{
		computer: Account{SID: s.Machine, Use: winnt.SidTypeDomain, DomainSID: s.Machine,
			Domain: strings.ToUpper(s.Computer)},
		bySID: map[sid.SID]Member{}, byName: map[string]sid.SID{},
	}
	for _, x := range s.Members {
		a := &x.Account
		key := strings.ToUpper(a.Name)
		_, twice := m.bySID[a.SID]
		if _, named := m.byName[key]; named || twice || a.Name == "" || a.SID.Prefix() != s.Machine {
			return nil, fmt.Errorf("account %q with %v: want a name and a SID of %v, each once", a.Name, a.SID, s.Machine)
		}
		a.Domain, a.DomainSID = m.computer.Domain, s.Machine
		m.bySID[a.SID], m.byName[key] = x, a.SID
	}
	return m, nil
}

// Computer implements [Authority].
func (m *Memory) Computer() Account { return m.computer }

// LookupName implements [Authority]. It ignores case. An empty or too long name is not found. Well-known names come
// first, then the computer's domain. A name of another domain is not found; the domain "." is this computer's.
func (m *Memory) LookupName(full string) (Account, bool) {
	if full == "" || len(full) > MaxName {
		return Account{}, false
	}
	if a, ok := WellKnownName(full); ok {
		return a, true
	}
	domain, name, qualified := Split(full)
	if !qualified && strings.EqualFold(name, m.computer.Domain) {
		return m.computer, true
	}
	if qualified && domain != "." && !strings.EqualFold(domain, m.computer.Domain) {
		// A name with a domain is the name of that domain only (L-12).
		return Account{}, false
	}
	x, ok := m.bySID[m.byName[strings.ToUpper(name)]]
	return x.Account, ok
}

// LookupSID implements [Authority]. Well-known SIDs come first. The SID of the computer's domain gives the domain. A
// zero or unknown SID is not found.
func (m *Memory) LookupSID(s sid.SID) (Account, bool) {
	if a, ok := WellKnownSID(s); ok {
		return a, true
	}
	if s.IsZero() {
		return Account{}, false
	}
	if s == m.computer.SID {
		return m.computer, true
	}
	x, ok := m.bySID[s]
	return x.Account, ok
}

// AccountRights implements [Authority]. A Memory stores no rights of groups, so the rights
// that a person has through a group count as the account's.
func (m *Memory) AccountRights(s sid.SID) (winnt.PrivilegeSet, Rights) {
	x := m.bySID[s]
	return x.Privileges, x.Rights
}

// LogOn implements [Authority]: it checks a password, or for package S4U trusts the caller, and returns the data of
// the token. Groups without r.Tcb are STATUS_PRIVILEGE_NOT_HELD. The anonymous logon needs no account. An account
// without a password never matches. An unknown name and a wrong password are both STATUS_LOGON_FAILURE, and
// Result.Reason tells them apart. Without r.Tcb the token of S4U has level Identification. For S4U an unknown user is
// STATUS_NO_SUCH_USER, and then another type than a network logon STATUS_INVALID_LOGON_TYPE. Other packages are
// STATUS_NO_SUCH_PACKAGE. A name without a domain may be qualified by r.Domain.
func (m *Memory) LogOn(r Request) (Result, ntstatus.Status) {
	if len(r.Groups) > 0 && !r.Tcb {
		// Only a caller with SeTcbPrivilege adds groups to a token (L-33).
		return Result{Unchecked: true}, ntstatus.PrivilegeNotHeld
	}
	if r.IsAnonymous() {
		return AnonymousLogon(), ntstatus.Success
	}
	full := r.Name
	if r.Domain != "" && !strings.ContainsAny(r.Name, `\@`) {
		full = r.Domain + `\` + r.Name
	}
	a, ok := m.LookupName(full)
	x := m.bySID[a.SID]
	if ok = ok && x.Account.Use == winnt.SidTypeUser; !ok && r.Package == S4U {
		return Result{}, ntstatus.NoSuchUser
	}
	switch {
	case r.Package == S4U && r.Type != winnt.LOGON32_LOGON_NETWORK:
		return Result{}, ntstatus.InvalidLogonType
	case r.Package == S4U:
	case r.Package != Password:
		return Result{Unchecked: true}, ntstatus.NoSuchPackage
	case !ok:
		// An unknown name and a wrong password return the same status (L-32).
		return Result{Reason: ntstatus.NoSuchUser}, ntstatus.LogonFailure
	case x.Password == "" || x.Password != r.Password:
		return Result{Account: a, Reason: ntstatus.WrongPassword}, ntstatus.LogonFailure
	}
	p := x.Person
	p.Groups = slices.Clone(p.Groups)
	// A password of this computer is NTLM's, and S4U is the word of a service (L-82).
	if p.Proof = ProvedByNTLM; r.Package == S4U {
		p.Proof = ByServiceOnly
	}
	out, st := Compose(p, r.Type, r.Groups...)
	if st == ntstatus.Success && r.Package == S4U && !r.Tcb {
		// Without SeTcbPrivilege, S4U returns a token at level Identification (L-36).
		out.Token.Level = winnt.SecurityIdentification
	}
	return out, st
}
