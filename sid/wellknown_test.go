package sid_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// accounts lists the well-known SIDs with their authorities and names, from [MS-DTYP] 2.4.2.4, [MS-LSAT] 3.1.1.1 and
// the pages "Well-known SIDs" and "SID Strings": an authority, then its SIDs and names.
const accounts = "\nS-1-0-0 Nobody" + `
S-1-1-0 Everyone
S-1-2-0 LOCAL
S-1-2-1 CONSOLE LOGON
S-1-3-0 CREATOR OWNER
S-1-3-1 CREATOR GROUP
S-1-3-2 CREATOR OWNER SERVER
S-1-3-3 CREATOR GROUP SERVER
S-1-3-4 OWNER RIGHTS
S-1-5-84-0-0-0-0-0 User-mode drivers
S-1-5-21-0-0-0-496 Compounded Authentication
S-1-5-21-0-0-0-497 Claims Valid
S-1-18-1 Authentication authority asserted identity
S-1-18-2 Service asserted identity
S-1-18-3 Key trust identity
S-1-18-4 Key property MFA
S-1-18-5 Key property attestation
S-1-18-6 Fresh public key identity
=NT AUTHORITY
S-1-5-1 DIALUP
S-1-5-2 NETWORK
S-1-5-3 BATCH
S-1-5-4 INTERACTIVE
S-1-5-6 SERVICE
S-1-5-7 ANONYMOUS LOGON
S-1-5-8 PROXY
S-1-5-9 Enterprise Domain Controllers
S-1-5-10 SELF
S-1-5-11 Authenticated Users
S-1-5-12 RESTRICTED
S-1-5-13 TERMINAL SERVER USER
S-1-5-14 REMOTE INTERACTIVE LOGON
S-1-5-15 This Organization
S-1-5-17 IUSR
S-1-5-18 SYSTEM
S-1-5-19 LOCAL SERVICE
S-1-5-20 NETWORK SERVICE
S-1-5-33 WRITE RESTRICTED CODE
S-1-5-64-10 NTLM Authentication
S-1-5-64-14 SChannel Authentication
S-1-5-64-21 Digest Authentication
S-1-5-65-1 This Organization Certificate
S-1-5-113 Local account
S-1-5-114 Local account and member of Administrators group
S-1-5-1000 Other Organization
=BUILTIN
S-1-5-32-544 Administrators
S-1-5-32-545 Users
S-1-5-32-546 Guests
S-1-5-32-547 Power Users
S-1-5-32-548 Account Operators
S-1-5-32-549 Server Operators
S-1-5-32-550 Print Operators
S-1-5-32-551 Backup Operators
S-1-5-32-552 Replicator
S-1-5-32-553 RAS Servers
S-1-5-32-554 Pre-Windows 2000 Compatible Access
S-1-5-32-555 Remote Desktop Users
S-1-5-32-556 Network Configuration Operators
S-1-5-32-557 Incoming Forest Trust Builders
S-1-5-32-558 Performance Monitor Users
S-1-5-32-559 Performance Log Users
S-1-5-32-560 Windows Authorization Access Group
S-1-5-32-561 Terminal Server License Servers
S-1-5-32-562 Distributed COM Users
S-1-5-32-568 IIS_IUSRS
S-1-5-32-569 Cryptographic Operators
S-1-5-32-573 Event Log Readers
S-1-5-32-574 Certificate Service DCOM Access
S-1-5-32-575 RDS Remote Access Servers
S-1-5-32-576 RDS Endpoint Servers
S-1-5-32-577 RDS Management Servers
S-1-5-32-578 Hyper-V Administrators
S-1-5-32-579 Access Control Assistance Operators
S-1-5-32-580 Remote Management Users
S-1-5-32-581 System Managed Accounts Group
S-1-5-32-582 Storage Replica Administrators
S-1-5-32-583 Device Owners
S-1-5-32-584 User Mode Hardware Operators
S-1-5-32-585 OpenSSH Users
=NT SERVICE
S-1-5-80-0 ALL SERVICES
=NT VIRTUAL MACHINE
S-1-5-83-0 Virtual Machines
=APPLICATION PACKAGE AUTHORITY
S-1-15-2-1 ALL APPLICATION PACKAGES
S-1-15-2-2 ALL RESTRICTED APPLICATION PACKAGES
=Mandatory Label
S-1-16-0 Untrusted Mandatory Level
S-1-16-4096 Low Mandatory Level
S-1-16-8192 Medium Mandatory Level
S-1-16-8448 Medium Plus Mandatory Level
S-1-16-12288 High Mandatory Level
S-1-16-16384 System Mandatory Level
S-1-16-20480 Protected Process Mandatory Level
S-1-16-28672 Secure Process Mandatory Level
`

// TestWellKnownSIDsHaveTheirNames checks the authority and name of each well-known SID, and that there is no other
// well-known SID.
func TestWellKnownSIDsHaveTheirNames(t *testing.T) {
	authority, n := "", 0
	for line := range strings.Lines(strings.TrimPrefix(accounts, "\n")) {
		line = strings.TrimSuffix(line, "\n")
		if after, ok := strings.CutPrefix(line, "="); ok {
			authority = after
			continue
		}
		n++
		text, name, _ := strings.Cut(line, " ")
		s := sid.MustParse(text)
		if a, got := sid.Account(s); a != authority || got != name || sid.Name(s) != name {
			t.Errorf("Account(%s) = %q %q, want %q %q", text, a, got, authority, name)
		}
	}
	listed := map[sid.SID]bool{}
	for s := range sid.WellKnown {
		listed[s] = true
		if len(listed) > n {
			break
		}
	}
	check.That(t, len(listed) == n, "All returned %d well-known SIDs, want %d", len(listed), n)
	first := 0
	for range sid.WellKnown {
		if first++; first == 2 {
			break
		}
	}
	check.That(t, first == 2, "iteration continued to %d SIDs after break, want 2", first)
}

// The accounts that every domain has are named by their RID ([MS-DTYP] 2.4.2.4).
func TestDomainAccountsHaveTheirNames(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-7-8-9")
	for rid, name := range map[uint32]string{498: "Enterprise Read-only DCs", 500: "Administrator", 501: "Guest",
		512: "Domain Admins", 513: "Domain Users", 514: "Domain Guests", 515: "Domain Computers",
		516: "Domain Controllers", 517: "Cert Publishers", 518: "Schema Admins", 519: "Enterprise Admins",
		522: "Cloneable Domain Controllers", 525: "Protected Users", 526: "Key Admins", 527: "Enterprise Key Admins",
		553: "RAS and IAS Servers", 499: "", 511: "", 554: ""} {
		a, got := sid.Account(domain.WithRID(rid))
		check.That(t, a == "" && got == name, "Account of RID %d = %q %q, want %q", rid, a, got, name)
	}
}

// TestVariablesHaveTheirSIDs compares each variable with the SID of its name ([MS-DTYP] 2.4.2.4).
func TestVariablesHaveTheirSIDs(t *testing.T) {
	for text, s := range map[string]sid.SID{"S-1-0-0": sid.Nobody, "S-1-1-0": sid.Everyone, "S-1-2-0": sid.Local,
		"S-1-2-1": sid.ConsoleLogon, "S-1-3-0": sid.CreatorOwner, "S-1-3-1": sid.CreatorGroup,
		"S-1-3-2": sid.CreatorOwnerServer, "S-1-3-3": sid.CreatorGroupServer, "S-1-3-4": sid.OwnerRights,
		"S-1-5-1": sid.Dialup, "S-1-5-2": sid.Network, "S-1-5-3": sid.Batch, "S-1-5-4": sid.Interactive,
		"S-1-5-6": sid.Service, "S-1-5-7": sid.Anonymous, "S-1-5-8": sid.Proxy, "S-1-5-9": sid.EnterpriseDCs,
		"S-1-5-10": sid.PrincipalSelf, "S-1-5-11": sid.AuthenticatedUsers, "S-1-5-12": sid.Restricted,
		"S-1-5-13": sid.TerminalServerUser, "S-1-5-14": sid.RemoteInteractive, "S-1-5-15": sid.ThisOrganization,
		"S-1-5-17": sid.IUSR, "S-1-5-18": sid.LocalSystem, "S-1-5-19": sid.LocalService,
		"S-1-5-20": sid.NetworkService, "S-1-5-33": sid.WriteRestricted,
		"S-1-5-21-0-0-0-496": sid.CompoundedAuthentication, "S-1-5-21-0-0-0-497": sid.ClaimsValid,
		"S-1-5-32-544": sid.Administrators, "S-1-5-32-545": sid.Users, "S-1-5-32-546": sid.Guests,
		"S-1-5-32-547": sid.PowerUsers, "S-1-5-32-548": sid.AccountOperators, "S-1-5-32-549": sid.ServerOperators,
		"S-1-5-32-550": sid.PrintOperators, "S-1-5-32-551": sid.BackupOperators, "S-1-5-32-552": sid.Replicator,
		"S-1-5-32-554": sid.PreWindows2000, "S-1-5-32-555": sid.RemoteDesktopUsers, "S-1-5-113": sid.LocalAccount,
		"S-1-5-114": sid.LocalAccountAdministrator, "S-1-5-1000": sid.OtherOrganization,
		"S-1-5-64-10": sid.NTLMAuthentication, "S-1-5-64-14": sid.SChannelAuthentication,
		"S-1-5-64-21": sid.DigestAuthentication, "S-1-15-2-1": sid.AllAppPackages,
		"S-1-15-2-2": sid.AllRestrictedAppPackages, "S-1-16-0": sid.UntrustedLevel, "S-1-16-4096": sid.LowLevel,
		"S-1-16-8192": sid.MediumLevel, "S-1-16-8448": sid.MediumPlusLevel, "S-1-16-12288": sid.HighLevel,
		"S-1-16-16384": sid.SystemLevel, "S-1-16-20480": sid.ProtectedProcessLevel,
		"S-1-16-28672": sid.SecureProcessLevel, "S-1-18-1": sid.AuthorityAsserted, "S-1-18-2": sid.ServiceAsserted,
		"S-1-5-5-7-9": sid.Logon(7, 9), "S-1-16-77": sid.IntegrityLevel(77)} {
		check.That(t, s.String() == text, "variable has the SID %s, want %s", s, text)
	}
}

// TestResolveStrictNeedsCanonicalForm checks that an alias of a domain needs the domain, and that the error for a
// text in another form names the canonical form (S-10, S-80).
func TestResolveStrictNeedsCanonicalForm(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-7-8-9")
	for text, want := range map[string]string{"DA": "S-1-5-21-7-8-9-512", "BA": "S-1-5-32-544",
		"S-1-5-21-7-8-9-512": "S-1-5-21-7-8-9-512", "S-1-5-32-544": "S-1-5-32-544"} {
		if s, err := sid.ResolveStrict(text, domain); err != nil || s.String() != want {
			t.Errorf("ResolveStrict(%s) = %v, %v, want %v, nil", text, s, err, want)
		}
	}
	for text, want := range map[string]string{"da": "the canonical form S-1-5-21-7-8-9-512",
		"s-1-5-32-544": "the canonical form S-1-5-32-544", "S-1-5-1A": "the end of the SID",
		"S-1-5-1a": "the end of the SID", "S-1-5-18 ": "the end of the SID"} {
		s, err := sid.ResolveStrict(text, domain)
		if e, ok := err.(*sid.SyntaxError); !ok || e.Text != text || e.Want != want || !s.IsZero() {
			t.Errorf("ResolveStrict(%s) = %v, %v, want an error that suggests %s", text, s, err, want)
		}
	}
	check.That(t, check.Err(sid.ResolveStrict("DA", sid.SID{})) != nil,
		`ResolveStrict("DA") without a domain succeeded, want an error`)
}

// TestMustParsePanics checks that MustParse panics for text that is not a SID.
func TestMustParsePanics(t *testing.T) {
	defer func() { check.That(t, recover() != nil, "MustParse did not panic, want a panic") }()
	t.Errorf("MustParse = %q, want a panic", sid.MustParse("no SID"))
}

// TestEqualSIDsHaveEqualHashes checks that the zero value has hash 0, and that equal SIDs in separate memory have
// equal hashes.
func TestEqualSIDsHaveEqualHashes(t *testing.T) {
	check.Equal(t, (sid.SID{}).Hash(), 0, "hash of the zero SID")
	hashes := map[uint32]string{}
	for n := range 16 {
		s, _ := sid.New(5)
		for i := range n {
			s = s.WithRID(uint32(i))
		}
		check.That(t, s.Hash() == s.Clone().Hash(), "%s and its clone have different hashes, want equal ones", s)
		for i := range n + 1 { // each sub-authority counts
			subs := make([]uint32, n)
			if i < n {
				subs[i] = 7
			}
			other, _ := sid.New(5, subs...)
			if was := hashes[other.Hash()]; was != "" && was != other.String() {
				t.Errorf("%s has the hash of %s, want different hashes", other, was)
			}
			hashes[other.Hash()] = other.String()
		}
	}
}

// Logon types and other SIDs about a user's logon.
func ExampleAccount() {
	for _, s := range []sid.SID{
		sid.Dialup, sid.Batch, sid.Proxy, sid.TerminalServerUser, sid.RemoteInteractive, sid.IUSR, sid.ConsoleLogon,
		sid.OtherOrganization, sid.NTLMAuthentication, sid.SChannelAuthentication, sid.DigestAuthentication,
		sid.AuthorityAsserted, sid.ServiceAsserted, sid.CompoundedAuthentication, sid.ClaimsValid,
		sid.LocalAccount, sid.LocalAccountAdministrator, sid.EnterpriseDCs,
	} {
		fmt.Println(sid.Account(s))
	}
	// Output:
	// NT AUTHORITY DIALUP
	// NT AUTHORITY BATCH
	// NT AUTHORITY PROXY
	// NT AUTHORITY TERMINAL SERVER USER
	// NT AUTHORITY REMOTE INTERACTIVE LOGON
	// NT AUTHORITY IUSR
	//  CONSOLE LOGON
	// NT AUTHORITY Other Organization
	// NT AUTHORITY NTLM Authentication
	// NT AUTHORITY SChannel Authentication
	// NT AUTHORITY Digest Authentication
	//  Authentication authority asserted identity
	//  Service asserted identity
	//  Compounded Authentication
	//  Claims Valid
	// NT AUTHORITY Local account
	// NT AUTHORITY Local account and member of Administrators group
	// NT AUTHORITY Enterprise Domain Controllers
}

// The groups that a machine or a domain has from the start.
func ExampleAlias() {
	for _, s := range []sid.SID{
		sid.PowerUsers, sid.AccountOperators, sid.ServerOperators, sid.PrintOperators, sid.BackupOperators,
		sid.PreWindows2000, sid.RemoteDesktopUsers,
	} {
		fmt.Println(s, sid.Alias(s, sid.SID{}), sid.Name(s))
	}
	fmt.Println(sid.ProtectedProcessLevel, sid.SecureProcessLevel)
	// Output:
	// S-1-5-32-547 PU Power Users
	// S-1-5-32-548 AO Account Operators
	// S-1-5-32-549 SO Server Operators
	// S-1-5-32-550 PO Print Operators
	// S-1-5-32-551 BO Backup Operators
	// S-1-5-32-554 RU Pre-Windows 2000 Compatible Access
	// S-1-5-32-555 RD Remote Desktop Users
	// S-1-16-20480 S-1-16-28672
}

// TestSDDLAliasesMatchTheirSIDs checks each alias of SDDL against the SID that [MS-DTYP] 2.4.2.4 and the page "SID
// Strings" name. The aliases of a domain come last.
func TestSDDLAliasesMatchTheirSIDs(t *testing.T) {
	const domain = "S-1-5-21-1-2-3"
	for alias, want := range map[string]string{"AA": "S-1-5-32-579", "AC": "S-1-15-2-1", "AN": "S-1-5-7",
		"AO": "S-1-5-32-548",
		"AS": "S-1-18-1", "AU": "S-1-5-11", "BA": "S-1-5-32-544", "BG": "S-1-5-32-546", "BO": "S-1-5-32-551",
		"BU": "S-1-5-32-545", "CD": "S-1-5-32-574", "CG": "S-1-3-1", "CO": "S-1-3-0", "CY": "S-1-5-32-569",
		"ED": "S-1-5-9",
		"ER": "S-1-5-32-573", "ES": "S-1-5-32-576", "HA": "S-1-5-32-578", "HI": "S-1-16-12288", "IS": "S-1-5-32-568",
		"IU": "S-1-5-4", "LS": "S-1-5-19", "LU": "S-1-5-32-559", "LW": "S-1-16-4096", "ME": "S-1-16-8192",
		"MP": "S-1-16-8448", "MS": "S-1-5-32-577", "MU": "S-1-5-32-558", "NO": "S-1-5-32-556", "NS": "S-1-5-20",
		"NU": "S-1-5-2", "OW": "S-1-3-4", "PO": "S-1-5-32-550", "PS": "S-1-5-10", "PU": "S-1-5-32-547",
		"RA": "S-1-5-32-575", "RC": "S-1-5-12", "RD": "S-1-5-32-555", "RE": "S-1-5-32-552", "RM": "S-1-5-32-580",
		"RU": "S-1-5-32-554", "SI": "S-1-16-16384", "SO": "S-1-5-32-549", "SS": "S-1-18-2", "SU": "S-1-5-6",
		"SY": "S-1-5-18",
		"UD": "S-1-5-84-0-0-0-0-0", "WD": "S-1-1-0", "WR": "S-1-5-33",
		"AP": domain + "-525", "CA": domain + "-517", "CN": domain + "-522", "DA": domain + "-512",
		"DC": domain + "-515",
		"DD": domain + "-516", "DG": domain + "-514", "DU": domain + "-513", "EA": domain + "-519",
		"EK": domain + "-527",
		"KA": domain + "-526", "LA": domain + "-500", "LG": domain + "-501", "PA": domain + "-520",
		"RO": domain + "-498",
		"RS": domain + "-553", "SA": domain + "-518",
	} {
		got, n, err := sid.Scan(alias, sid.MustParse(domain))
		check.That(t, err == nil && n == 2 && got.String() == want,
			"alias %s = %v, %d, %v, want %s", alias, got, n, err, want)
		check.Equal(t, sid.Alias(got, sid.MustParse(domain)), alias, "Alias(%s)", want)
	}
	for _, other := range []string{domain, domain + "-512-1", "S-1-5-21-1-2-4-512", "S-1-5-22-1-2-3-512",
		"S-1-6-21-1-2-3-512",
		"S-1-5-21-1-2-512", domain + "-511"} {
		if got := sid.Alias(sid.MustParse(other), sid.MustParse(domain)); got != "" {
			t.Errorf(`Alias(%s) = %q, want ""`, other, got)
		}
	}
	if got := sid.Alias(sid.MustParse(domain+"-512"), sid.SID{}); got != "" {
		t.Errorf(`Alias without a domain = %q, want ""`, got)
	}
}
