package winnt_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/winnt"
)

// privilegeNames are the privileges from number 2 on, in the order of wdm.h.
const privilegeNames = "CreateToken AssignPrimaryToken LockMemory IncreaseQuota MachineAccount Tcb Security " +
	"TakeOwnership LoadDriver SystemProfile Systemtime ProfileSingleProcess IncreaseBasePriority CreatePagefile " +
	"CreatePermanent Backup Restore Shutdown Debug Audit SystemEnvironment ChangeNotify RemoteShutdown Undock " +
	"SyncAgent EnableDelegation ManageVolume Impersonate CreateGlobal TrustedCredManAccess Relabel " +
	"IncreaseWorkingSet TimeZone CreateSymbolicLink DelegateSessionUserImpersonate"

// TestPrivileges: each privilege has its number and its name, and a set has each as a bit of its own.
func TestPrivileges(t *testing.T) {
	names := strings.Fields(privilegeNames)
	if len(names) != 35 || winnt.FirstPrivilege != 2 || winnt.LastPrivilege != 36 {
		t.Fatalf("%d names, from %d to %d", len(names), winnt.FirstPrivilege, winnt.LastPrivilege)
	}
	every := winnt.PrivilegeSet(0)
	for i, short := range names {
		p, name := winnt.Privilege(i+2), "Se"+short+"Privilege"
		got, err := winnt.ParsePrivilege(name)
		if err != nil || got != p || p.String() != name || !p.Valid() || p.LUID() != winnt.LUID(i+2) {
			t.Errorf("%d is %v, %s is %d, %v", p, p, name, got, err)
		}
		if _, err := winnt.ParsePrivilege(strings.ToLower(name)); err == nil {
			t.Errorf("%s was read in small letters", name)
		}
		if p.Bit() != 1<<(i+2) || winnt.Privileges(p) != p.Bit() || every.Has(p) {
			t.Errorf("%v is bit %#x", p, uint64(p.Bit()))
		}
		if every |= p.Bit(); !every.Has(p) || len(every.Names()) != i+1 {
			t.Errorf("%v is not in %v", p, every.Names())
		}
	}
	for _, p := range []winnt.Privilege{0, 1, 37, 63, 255} {
		if p.Valid() || !strings.HasPrefix(p.String(), "Privilege(") {
			t.Errorf("%d is a privilege: %v", uint8(p), p)
		}
	}
	set := winnt.Privileges(winnt.SeDebugPrivilege, winnt.SeCreateTokenPrivilege,
		winnt.SeDelegateSessionUserImpersonatePrivilege)
	if want := []string{"SeCreateTokenPrivilege", "SeDebugPrivilege",
		"SeDelegateSessionUserImpersonatePrivilege"}; !slices.Equal(set.Names(), want) {
		t.Errorf("%v, want %v", set.Names(), want)
	}
	for p := range set.All {
		if p != winnt.SeCreateTokenPrivilege {
			t.Errorf("%v after the first", p)
		}
		break
	}
	if winnt.PrivilegeSet(0).Names() != nil {
		t.Error("an empty set has names")
	}
}

// TestTokenInfoClasses: each class has the number of TOKEN_INFORMATION_CLASS in winnt.h.
func TestTokenInfoClasses(t *testing.T) {
	const names = "User Groups Privileges Owner PrimaryGroup DefaultDacl Source Type ImpersonationLevel Statistics " +
		"RestrictedSids SessionId GroupsAndPrivileges SessionReference SandBoxInert AuditPolicy Origin ElevationType " +
		"LinkedToken Elevation HasRestrictions AccessInformation VirtualizationAllowed VirtualizationEnabled " +
		"IntegrityLevel UIAccess MandatoryPolicy LogonSid IsAppContainer Capabilities AppContainerSid " +
		"AppContainerNumber UserClaimAttributes DeviceClaimAttributes RestrictedUserClaimAttributes " +
		"RestrictedDeviceClaimAttributes DeviceGroups RestrictedDeviceGroups SecurityAttributes IsRestricted " +
		"ProcessTrustLevel PrivateNameSpace SingletonAttributes BnoIsolation ChildProcessFlags " +
		"IsLessPrivilegedAppContainer IsSandboxed IsAppSilo LoggingInformation LearningMode"
	list := strings.Fields(names)
	for i, name := range list {
		if got := winnt.TokenInfoClass(i + 1).String(); got != "Token"+name {
			t.Errorf("class %d is %s, want Token%s", i+1, got, name)
		}
	}
	if len(list) != int(winnt.MaxTokenInfoClass) || winnt.MaxTokenInfoClass != 50 {
		t.Errorf("%d classes, the last is %d", len(list), winnt.MaxTokenInfoClass)
	}
	for class, want := range map[winnt.TokenInfoClass]string{0: "TOKEN_INFORMATION_CLASS(0)",
		51: "TOKEN_INFORMATION_CLASS(51)"} {
		if got := class.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for class, want := range map[winnt.TokenInfoClass]int{winnt.TokenUser: 1, winnt.TokenTypeInfo: 8,
		winnt.TokenSessionId: 12, winnt.TokenElevationType: 18, winnt.TokenIntegrityLevel: 25, winnt.TokenIsAppContainer: 29,
		winnt.TokenIsRestricted: 40, winnt.TokenIsSandboxed: 47, winnt.TokenLearningMode: 50} {
		if int(class) != want {
			t.Errorf("%v is %d, want %d", class, int(class), want)
		}
	}
}

// TestNamesOfValues: levels, types and handles print by their documented names, and other values as
// numbers.
func TestNamesOfValues(t *testing.T) {
	for got, want := range map[string]string{
		winnt.SecurityAnonymous.String():             "SecurityAnonymous",
		winnt.SecurityIdentification.String():        "SecurityIdentification",
		winnt.SecurityImpersonation.String():         "SecurityImpersonation",
		winnt.SecurityDelegation.String():            "SecurityDelegation",
		winnt.SecurityImpersonationLevel(4).String(): "SECURITY_IMPERSONATION_LEVEL(4)",
		winnt.TokenPrimary.String():                  "TokenPrimary", winnt.TokenImpersonation.String(): "TokenImpersonation",
		winnt.TokenType(0).String(): "TOKEN_TYPE(0)", winnt.TokenType(3).String(): "TOKEN_TYPE(3)",
		winnt.NtCurrentProcess.String(): "NtCurrentProcess()", winnt.NtCurrentThread.String(): "NtCurrentThread()",
		winnt.NtCurrentProcessToken.String():   "NtCurrentProcessToken()",
		winnt.NtCurrentThreadToken.String():    "NtCurrentThreadToken()",
		winnt.NtCurrentEffectiveToken.String(): "NtCurrentEffectiveToken()", winnt.Handle(0x1c).String(): "0x1c",
		winnt.Handle(-3).String(): "0xfffffffffffffffd", winnt.SYSTEM_LUID.String(): "0x3e7",
		winnt.LUID(0xFFFFFFFFFFFFFFFF).String(): "0xffffffffffffffff",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for i, level := range []winnt.SecurityImpersonationLevel{winnt.SecurityAnonymous, winnt.SecurityIdentification,
		winnt.SecurityImpersonation, winnt.SecurityDelegation} {
		if int(level) != i {
			t.Errorf("%v is %d, want %d", level, int(level), i)
		}
	}
}

// TestParse: what is no GUID and no LUID is refused, wherever it is wrong.
func TestParse(t *testing.T) {
	const guid = "00112233-4455-6677-8899-aabbccddeeff"
	if g, err := winnt.ParseGUID(strings.ToUpper(guid)); err != nil || g.String() != guid {
		t.Errorf("in capitals: %v, %v", g, err)
	}
	for i := range len(guid) {
		for _, c := range []string{"g", " ", "", "00"} {
			text := guid[:i] + c + guid[i+1:]
			if g, err := winnt.ParseGUID(text); err == nil || g != (winnt.GUID{}) {
				t.Errorf("%q is read as %v", text, g)
			}
		}
		if guid[i] == '-' { // a digit for a dash, and a dash for another digit
			for _, text := range []string{guid[:i] + "0" + guid[i+1:35] + "-", "-" + guid[1:i] + "0" + guid[i+1:]} {
				if g, err := winnt.ParseGUID(text); err == nil {
					t.Errorf("%q is read as %v", text, g)
				}
			}
		}
	}
	for text, want := range map[string]winnt.LUID{"0x3e7": winnt.SYSTEM_LUID, "999": 999, "0": 0,
		"0xFFFFFFFFFFFFFFFF": 1<<64 - 1} {
		if got, err := winnt.ParseLUID(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "3e7", "0x10000000000000000"} {
		if got, err := winnt.ParseLUID(text); err == nil || got != 0 {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
