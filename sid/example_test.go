package sid_test

import (
	"fmt"

	"github.com/refmon/refmon/sid"
)

func ExampleSID_EqualPrefix() {
	alice, bob := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	fmt.Println(alice.EqualPrefix(bob), alice.EqualPrefix(sid.MustParse("S-1-5-21-1-2-4-1107")))
	// Output: true false
}

func ExampleSID_RtlString() {
	s := sid.MustParse("S-1-0x100000000-5")
	fmt.Println(s, s.RtlString())
	// Output: S-1-0x100000000-5 S-1-0x000100000000-5
}

// Logon types, and what a token says of how its user logged on.
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
