package logon

import (
	"fmt"
	"slices"
	"strings"

	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Settings say what a [Memory] knows beside the well-known names. The zero value
// is a computer named REFMON without accounts.
type Settings struct {
	Computer string  // "" for REFMON
	Machine  sid.SID // S-1-5-21-x-y-z; zero for S-1-5-21-1-2-3
	// Members are accounts and groups of the computer. Their SIDs are of Machine,
	// or well-known.
	Members []Member
}

// Member is one account or group of a computer.
type Member struct {
	// Person's account needs SID, Use and Name; only SidTypeUser logs on.
	Person
	// Password is the one that logs on; with "" none does.
	Password Secret
}

// Memory is an [Authority] that knows what it was given, and keeps nothing: no
// failures are counted. It is immutable.
type Memory struct {
	computer Account
	bySID    map[sid.SID]Member
	byName   map[string]sid.SID
}

// NewMemory makes an authority. It refuses a name or SID that is there twice.
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

// LookupName implements [Authority].
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
		// A name with a domain is the name of that domain only. L-12
		return Account{}, false
	}
	x, ok := m.bySID[m.byName[strings.ToUpper(name)]]
	return x.Account, ok
}

// LookupSID implements [Authority].
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

// LogOn implements [Authority].
func (m *Memory) LogOn(r Request) (Result, ntstatus.Status) {
	if len(r.Groups) > 0 && !r.Tcb {
		// Only a caller with SeTcbPrivilege adds groups to a token. L-33
		return Result{}, ntstatus.PrivilegeNotHeld
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
		return Result{}, ntstatus.NoSuchPackage
	case !ok:
		// An unknown name and a wrong password are one and the same answer. L-32
		return Result{Reason: ntstatus.NoSuchUser}, ntstatus.LogonFailure
	case x.Password == "" || x.Password != r.Password:
		return Result{Account: a, Reason: ntstatus.WrongPassword}, ntstatus.LogonFailure
	}
	p := x.Person
	p.Groups = slices.Clone(p.Groups)
	out, st := Compose(p, r.Type, r.Groups...)
	if st == ntstatus.Success && r.Package == S4U && !r.Tcb {
		// Without SeTcbPrivilege the token of a client by name alone only identifies. L-36
		out.Token.Level = winnt.SecurityIdentification
	}
	return out, st
}
