package sid

import "strings"

// mustNew returns a SID for the tables of this package. It panics if [New] refuses the numbers.
func mustNew(authority uint64, subs ...uint32) SID {
	s, ok := New(authority, subs...)
	if !ok {
		panic("sid: bad well-known SID")
	}
	return s
}

// Well-known SIDs (MS-DTYP 2.4.2.4).
var (
	Nobody                    = mustNew(0, 0)
	Everyone                  = mustNew(1, 0)
	Local                     = mustNew(2, 0)
	ConsoleLogon              = mustNew(2, 1)
	CreatorOwner              = mustNew(3, 0)
	CreatorGroup              = mustNew(3, 1)
	CreatorOwnerServer        = mustNew(3, 2)
	CreatorGroupServer        = mustNew(3, 3)
	OwnerRights               = mustNew(3, 4)
	Dialup                    = mustNew(5, 1)
	Network                   = mustNew(5, 2)
	Batch                     = mustNew(5, 3)
	Interactive               = mustNew(5, 4)
	Service                   = mustNew(5, 6)
	Anonymous                 = mustNew(5, 7)
	Proxy                     = mustNew(5, 8)
	EnterpriseDCs             = mustNew(5, 9)
	PrincipalSelf             = mustNew(5, 10)
	AuthenticatedUsers        = mustNew(5, 11)
	Restricted                = mustNew(5, 12)
	TerminalServerUser        = mustNew(5, 13)
	RemoteInteractive         = mustNew(5, 14)
	ThisOrganization          = mustNew(5, 15)
	IUSR                      = mustNew(5, 17)
	LocalSystem               = mustNew(5, 18)
	LocalService              = mustNew(5, 19)
	NetworkService            = mustNew(5, 20)
	WriteRestricted           = mustNew(5, 33)
	CompoundedAuthentication  = mustNew(5, 21, 0, 0, 0, 496)
	ClaimsValid               = mustNew(5, 21, 0, 0, 0, 497)
	Administrators            = mustNew(5, 32, 544)
	Users                     = mustNew(5, 32, 545)
	Guests                    = mustNew(5, 32, 546)
	PowerUsers                = mustNew(5, 32, 547)
	AccountOperators          = mustNew(5, 32, 548)
	ServerOperators           = mustNew(5, 32, 549)
	PrintOperators            = mustNew(5, 32, 550)
	BackupOperators           = mustNew(5, 32, 551)
	Replicator                = mustNew(5, 32, 552)
	PreWindows2000            = mustNew(5, 32, 554)
	RemoteDesktopUsers        = mustNew(5, 32, 555)
	LocalAccount              = mustNew(5, 113)
	LocalAccountAdministrator = mustNew(5, 114)
	OtherOrganization         = mustNew(5, 1000)
	NTLMAuthentication        = mustNew(5, 64, 10)
	SChannelAuthentication    = mustNew(5, 64, 14)
	DigestAuthentication      = mustNew(5, 64, 21)
	AllAppPackages            = mustNew(15, 2, 1)
	AllRestrictedAppPackages  = mustNew(15, 2, 2)
	UntrustedLevel            = mustNew(16, 0)
	LowLevel                  = mustNew(16, 0x1000)
	MediumLevel               = mustNew(16, 0x2000)
	MediumPlusLevel           = mustNew(16, 0x2100)
	HighLevel                 = mustNew(16, 0x3000)
	SystemLevel               = mustNew(16, 0x4000)
	ProtectedProcessLevel     = mustNew(16, 0x5000)
	SecureProcessLevel        = mustNew(16, 0x7000)
	AuthorityAsserted         = mustNew(18, 1)
	ServiceAsserted           = mustNew(18, 2)
)

// known describes one well-known SID: its alias and names. It is either a whole SID or, for accounts of any domain, a
// RID.
type known struct {
	alias  string // SDDL alias, "" without one
	sid    SID    // zero for a row relative to a domain
	rid    uint32 // of a relative row
	domain string // name of the authority or domain, "" without one
	name   string // English account name
}

var (
	byAlias = map[string]*known{}
	bySID   = map[SID]*known{}
	byRID   = map[uint32]*known{}
)

// init fills the indexes of the table of well-known SIDs: by alias, by SID, and by RID for accounts of a domain.
func init() {
	for i := range table {
		k := &table[i]
		if k.alias != "" {
			byAlias[k.alias] = k
		}
		if k.sid.IsZero() {
			byRID[k.rid] = k
		} else {
			bySID[k.sid] = k
		}
	}
}

// ParseAlias parses a two-letter SDDL alias, ignoring case. A relative alias
// needs the SID of its domain, machine or forest root (S-10). The error is a
// [*SyntaxError]. It is [ErrNoDomain] for a relative alias if domain is zero.
func ParseAlias(alias string, domain SID) (SID, error) {
	k := byAlias[alias]
	if k == nil {
		k = byAlias[strings.ToUpper(alias)]
	}
	if k == nil {
		return SID{}, &SyntaxError{Text: alias, Want: "S-1-… or a two-letter alias such as BA"}
	}
	if !k.sid.IsZero() {
		return k.sid, nil
	}
	s := domain.WithRID(k.rid)
	// An alias relative to a domain is accepted only if the domain is known
	// (S-10).
	if s.IsZero() {
		want := "an alias that needs no domain (" + k.alias + " does, and none was given)"
		return SID{}, &SyntaxError{Text: alias, Want: want, noDomain: true}
	}
	return s, nil
}

// Alias returns the upper-case SDDL alias of s, or "" for a SID without an alias. It returns an alias relative to a
// domain only for accounts of the given domain (S-10).
func Alias(s, domain SID) string {
	if k := bySID[s]; k != nil {
		return k.alias
	}
	if k := relative(s, domain); k != nil {
		return k.alias
	}
	return ""
}

// relative returns the description of a well-known account of this domain, such as Domain Admins. It returns nil if s
// is in another domain, if its RID is not in the table, and if domain is zero.
func relative(s, domain SID) *known {
	if domain.IsZero() || s.Len() != domain.Len()+4 || s.b[8:s.Len()-4] != domain.b[8:] || s.b[2:8] != domain.b[2:8] {
		return nil
	}
	return byRID[s.RID()]
}

// Name returns the English name of a well-known SID without its authority, such
// as "Everyone" or "Administrators"; "" if s is not well known. This includes
// well-known accounts of any domain S-1-5-21-x-y-z.
func Name(s SID) string { _, name := Account(s); return name }

// Account returns the authority and the name of a well-known SID, such as
// "BUILTIN", "Administrators". The authority is "" for SIDs without one, such
// as Everyone, and for accounts of a domain, because a SID does not contain the
// domain's name.
func Account(s SID) (authority, name string) {
	if k := bySID[s]; k != nil {
		return k.domain, k.name
	}
	if s.SubAuthorities() == 5 && s.Authority() == 5 && s.Sub(0) == 21 {
		if k := byRID[s.RID()]; k != nil {
			return "", k.name
		}
	}
	return "", ""
}

// WellKnown yields every well-known SID that needs no domain with its name.
func WellKnown(yield func(s SID, name string) bool) {
	for i := range table {
		if k := &table[i]; !k.sid.IsZero() && !yield(k.sid, k.name) {
			return
		}
	}
}

// Logon returns S-1-5-5-high-low, the SID of the logon session whose LUID has these two halves.
func Logon(high, low uint32) SID { return mustNew(5, 5, high, low) }

// IntegrityLevel returns S-1-16-rid, the SID of an integrity level. It accepts any rid, also one without a name.
func IntegrityLevel(rid uint32) SID { return mustNew(16, rid) }
