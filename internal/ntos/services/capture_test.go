package services_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Each service rejects an unknown flag, alone and together with known flags (I-89, I-95, L-45, O-22,
// O-29, O-163, T-60, T-90, U-95).
func TestServicesRejectUnknownFlags(t *testing.T) {
	_, th, k := newProcess(t)
	s := th.Services()
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	policy := check.Result(s.LsaOpenPolicy(nt.LsaOpenPolicyIn{DesiredAccess: winnt.POLICY_LOOKUP_NAMES}))
	var job winnt.Handle
	newJob := func() {
		out := check.Result(s.NtCreateJobObject(nt.CreateJobObjectIn{DesiredAccess: winnt.JOB_OBJECT_ALL_ACCESS}))
		job = out.JobHandle
	}
	for name, c := range map[string]struct {
		known   uint32 // accepted together
		special uint32 // known, but the flag alone is not enough
		call    func(uint32) ntstatus.Status
	}{
		"NtFilterToken": {winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.WRITE_RESTRICTED, winnt.LUA_TOKEN,
			func(flags uint32) ntstatus.Status {
				return check.Status(s.NtFilterToken(nt.FilterTokenIn{ExistingTokenHandle: own, Flags: flags}))
			}},
		"SeFilterToken": {winnt.DISABLE_MAX_PRIVILEGE | winnt.SANDBOX_INERT | winnt.WRITE_RESTRICTED, winnt.LUA_TOKEN,
			func(flags uint32) ntstatus.Status {
				primary := k.PsReferencePrimaryToken(k.Thread().Process())
				defer k.PsDereferencePrimaryToken(primary)
				tok, st := k.SeFilterToken(kernel.SeFilterTokenIn{ExistingToken: primary, Flags: flags})
				if st == ntstatus.Success {
					k.PsDereferencePrimaryToken(tok)
				}
				return st
			}},
		"NtSetInformationJobObject": {winnt.JOB_OBJECT_SECURITY_NO_ADMIN | winnt.JOB_OBJECT_SECURITY_RESTRICTED_TOKEN,
			winnt.JOB_OBJECT_SECURITY_ONLY_TOKEN | winnt.JOB_OBJECT_SECURITY_FILTER_TOKENS,
			func(flags uint32) ntstatus.Status {
				newJob()
				return check.Status(s.NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job,
					JobObjectInformationClass:  nt.JobObjectSecurityLimitInformation,
					JobObjectInformation:       nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: flags}),
					JobObjectInformationLength: nt.JobSecurityLimitSize}))
			}},
		"the process of NtCreateUserProcess": {winnt.PROCESS_CREATE_FLAGS_INHERIT_HANDLES, 0,
			func(flags uint32) ntstatus.Status {
				in := children()
				in.ProcessFlags = flags
				return check.Status(th.NtCreateUserProcess(in))
			}},
		"the thread of NtCreateUserProcess": {winnt.THREAD_CREATE_FLAGS_CREATE_SUSPENDED, 0,
			func(flags uint32) ntstatus.Status {
				in := children()
				in.ThreadFlags = flags
				return check.Status(th.NtCreateUserProcess(in))
			}},
		"NtGetNextProcess": {0, 0, func(flags uint32) ntstatus.Status {
			return check.Status(th.NtGetNextProcess(0, 1, 0, flags))
		}},
		"handles of NtGetNextProcess": {winnt.OBJ_VALID_ATTRIBUTES &^ winnt.ProcessObject.Invalid,
			winnt.ProcessObject.Invalid, func(flags uint32) ntstatus.Status {
				return check.Status(th.NtGetNextProcess(0, 1, flags, 0))
			}},
		"NtGetNextThread": {nt.NextThreadBackward, 0, func(flags uint32) ntstatus.Status {
			return check.Status(th.NtGetNextThread(winnt.NtCurrentProcess, 0, 1, 0, flags))
		}},
		"handles of NtGetNextThread": {winnt.OBJ_VALID_ATTRIBUTES &^ winnt.ThreadObject.Invalid,
			winnt.ThreadObject.Invalid, func(flags uint32) ntstatus.Status {
				return check.Status(th.NtGetNextThread(winnt.NtCurrentProcess, 0, 1, flags, 0))
			}},
		"LsaLookupNames2": {winnt.LSA_LOOKUP_ISOLATED_AS_LOCAL, 0, func(flags uint32) ntstatus.Status {
			_, st := s.LsaLookupNames2(nt.LsaLookupNames2In{PolicyHandle: policy.PolicyHandle, Flags: flags})
			return st
		}},
		"NtOpenProcessTokenEx": {winnt.OBJ_INHERIT | winnt.OBJ_KERNEL_HANDLE, 0, func(flags uint32) ntstatus.Status {
			return check.Status(th.NtOpenProcessTokenEx(winnt.NtCurrentProcess, winnt.TOKEN_QUERY, flags))
		}},
		"an object's attributes": {winnt.OBJ_INHERIT | winnt.OBJ_CASE_INSENSITIVE, winnt.OBJ_VALID_ATTRIBUTES,
			func(flags uint32) ntstatus.Status {
				_, st := th.NtCreateEvent(1, &nt.ObjectAttributes{Attributes: flags}, nt.NotificationEvent, false)
				return st
			}},
		"TokenChildProcessFlags": {nt.ChildProcessNone | nt.ChildProcessAudit | nt.ChildProcessSecureToo, 0,
			func(flags uint32) ntstatus.Status {
				return th.NtSetInformationToken(own, winnt.TokenChildProcessFlags, flags)
			}},
	} {
		want(t, name+", all known flags", c.call(c.known), ntstatus.Success)
		for bit := range 32 {
			flag := uint32(1) << bit
			if flag&(c.known|c.special) != 0 {
				continue
			}
			for _, flags := range []uint32{flag, flag | c.known} {
				want(t, fmt.Sprintf("%s, %#x", name, flags), c.call(flags), ntstatus.InvalidParameter)
			}
		}
	}
}

// A LUID identifies a privilege by all of its 64 bits. Services reject a LUID whose low byte or low half equals a
// privilege's number (T-10, T-62, T-71, T-101).
func TestPrivilegeLUIDsAreCompared64Bits(t *testing.T) {
	th := newThread(t, winnt.SeBackupPrivilege, winnt.SeCreateTokenPrivilege)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	held := func(h winnt.Handle) bool {
		set, all, st := th.NtPrivilegeCheck(h, &nt.PrivilegeSet{Control: winnt.PRIVILEGE_SET_ALL_NECESSARY,
			Privilege: []nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}}})
		want(t, "check", st, ntstatus.Success)
		return all && set.Privilege[0].Attributes == winnt.SE_PRIVILEGE_USED_FOR_ACCESS
	}
	check.RequireThat(t, held(own), "NtPrivilegeCheck(SeBackupPrivilege) = false at the start, want true")
	for _, high := range []winnt.LUID{1 << 8, 1 << 16, 1 << 32, 1 << 62} {
		list := []nt.LUIDAndAttributes{{LUID: high | winnt.SeBackupPrivilege.LUID()}}
		set, found, st := th.NtPrivilegeCheck(own, &nt.PrivilegeSet{Privilege: list})
		check.That(t, st == ntstatus.Success && !found && set.Privilege[0].Attributes == 0,
			"T-101: NtPrivilegeCheck(LUID %#x) = found, %v, %+v, want not found and no mark", uint64(list[0].LUID), st,
			set)
		want(t, "T-71: adjust", check.Status(th.NtAdjustPrivilegesToken(own, false, list, false)),
			ntstatus.NotAllAssigned)
		in := nt.FilterTokenExIn{ExistingTokenHandle: own, PrivilegesToDelete: nt.Cap(list)}
		filtered := check.Result(th.NtFilterTokenEx(in))
		check.That(t, held(filtered) && held(own),
			"T-62: filtering LUID %#x removed SeBackupPrivilege, want it kept", uint64(list[0].LUID))
		create := nt.CreateTokenIn{TokenType: winnt.TokenPrimary, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
			User: nt.Cap(&token.Group{SID: sid.LocalSystem}), Groups: nt.Cap([]token.Group{}),
			PrimaryGroup: nt.Cap(sid.LocalSystem), Source: nt.Cap(&token.Source{Name: "test"})}
		create.Privileges = nt.Cap(list)
		want(t, "T-10: create", check.Status(th.NtCreateToken(create)), ntstatus.NoSuchPrivilege)
		create.Privileges = nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeBackupPrivilege.LUID()}})
		want(t, "T-10: create", check.Status(th.NtCreateToken(create)), ntstatus.Success)
	}
}

// A service does not modify its input, and its output does not share memory with the input (O-4).
func TestServicesDoNotModifyInputs(t *testing.T) {
	th := newThread(t, winnt.SeShutdownPrivilege)
	h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	state := []nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}
	if _, st := th.NtAdjustPrivilegesToken(h, false, state, true); st != ntstatus.Success || state[0].Attributes != 0 {
		t.Errorf("NtAdjustPrivilegesToken = %s, input now %+v, want %s and attributes 0", st, state, ntstatus.Success)
	}
	q := &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}
	oa := &nt.ObjectAttributes{Attributes: winnt.OBJ_INHERIT, SecurityQualityOfService: q}
	if _, st := th.NtDuplicateToken(h, 0, oa, false, winnt.TokenImpersonation); st != ntstatus.Success ||
		oa.Attributes != winnt.OBJ_INHERIT || oa.SecurityQualityOfService != q ||
		*q != (nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}) {
		t.Errorf("NtDuplicateToken = %s, object attributes now %+v, want success and unchanged attributes", st, oa)
	}
}

// A caller's group with attributes 0 is a disabled group, although 0 means something else in a Spec. The Spec's own
// mark for a disabled group is an invalid attribute in a call (T-144).
func TestGroupWithoutAttributesIsDisabled(t *testing.T) {
	spec := token.LocalSystem()
	spec.Privileges |= winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeTcbPrivilege)
	spec.EnabledPrivileges |= winnt.Privileges(winnt.SeCreateTokenPrivilege, winnt.SeTcbPrivilege)
	_, th := threadOf(t, kernel.Config{LSA: logon.Example(sid.SID{})}, spec)
	group := sid.MustParse("S-1-5-21-9-9-9-3001")
	makers := map[string]func(attributes uint32) (winnt.Handle, ntstatus.Status){
		"NtCreateToken": func(attributes uint32) (winnt.Handle, ntstatus.Status) {
			return th.NtCreateToken(nt.CreateTokenIn{DesiredAccess: winnt.TOKEN_QUERY, TokenType: winnt.TokenPrimary,
				AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), User: nt.Cap(&token.Group{SID: sid.LocalSystem}),
				Groups:     nt.Cap([]token.Group{{SID: group, Attributes: attributes}}),
				Privileges: nt.Cap([]nt.LUIDAndAttributes{}), PrimaryGroup: nt.Cap(sid.LocalSystem),
				Source: nt.Cap(&token.Source{Name: "test"})})
		},
		"LsaLogonUser": func(attributes uint32) (winnt.Handle, ntstatus.Status) {
			out, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK,
				LocalGroups: nt.Cap([]token.Group{{SID: group, Attributes: attributes}}),
				AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "User",
					Password: logon.ExamplePassword}})
			return out.Token, st
		},
	}
	for name, do := range makers {
		for given, want := range map[uint32]uint32{0: 0, winnt.SE_GROUP_ENABLED: winnt.SE_GROUP_ENABLED,
			winnt.SE_GROUP_MANDATORY:         token.GroupDefault,
			winnt.SE_GROUP_USE_FOR_DENY_ONLY: winnt.SE_GROUP_USE_FOR_DENY_ONLY} {
			h, st := do(given)
			check.Require(t, st, ntstatus.Success, "%s with group attributes %#x", name, given)
			groups, st := th.NtQueryInformationToken(h, winnt.TokenGroups)
			list, ok := groups.([]token.Group)
			at := slices.IndexFunc(list, func(g token.Group) bool { return g.SID == group })
			check.That(t, ok && at >= 0 && list[at].Attributes == want,
				"T-144: %s: group given with attributes %#x: %v, groups %v, want attributes %#x", name, given, st,
				list, want)
		}
		for _, beside := range []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_OWNER} {
			if h, st := do(token.GroupDisabled | beside); h != 0 || st != ntstatus.InvalidParameter {
				t.Errorf("T-144: %s with the Spec's disabled mark and %#x: %v, want %v and no handle", name, beside, st,
					ntstatus.InvalidParameter)
			}
		}
	}
}

// Each service refuses a list of SIDs if any of its entries is invalid (T-10, T-60, T-74, L-33).
func TestListsRejectInvalidSIDs(t *testing.T) {
	th, h := systemToken(t)
	is := token.Group{SID: sid.MustParse("S-1-5-21-9-9-9-9"), Attributes: token.GroupDefault}
	type list = nt.Captured[[]token.Group]
	bare := func(l list) list { // restricting SIDs have no attributes (T-63)
		for i := range l.V {
			l.V[i].Attributes = 0
		}
		return l
	}
	filter := func(set func(*nt.FilterTokenExIn, list)) func(list) ntstatus.Status {
		return func(l list) ntstatus.Status {
			in := nt.FilterTokenExIn{ExistingTokenHandle: h}
			set(&in, l)
			out, st := th.Services().NtFilterTokenEx(in)
			if st == ntstatus.Success {
				th.NtClose(out.NewTokenHandle)
			}
			return st
		}
	}
	create := func(set func(*nt.CreateTokenExIn, list)) func(list) ntstatus.Status {
		return func(l list) ntstatus.Status {
			in := nt.CreateTokenExIn{TokenType: winnt.TokenPrimary, AuthenticationID: nt.Cap(winnt.SYSTEM_LUID),
				User: nt.Cap(&token.Group{SID: sid.LocalSystem}), Groups: nt.Cap([]token.Group{is}),
				Privileges:   nt.Cap([]nt.LUIDAndAttributes{}),
				PrimaryGroup: nt.Cap(is.SID), Source: nt.Cap(&token.Source{Name: "test"})}
			set(&in, l)
			out, st := th.Services().NtCreateTokenEx(in)
			if st == ntstatus.Success {
				th.NtClose(out.TokenHandle)
			}
			return st
		}
	}
	for name, call := range map[string]func(list) ntstatus.Status{
		"SidsToDisable":          filter(func(in *nt.FilterTokenExIn, l list) { in.SIDsToDisable = l }),
		"RestrictedSids":         filter(func(in *nt.FilterTokenExIn, l list) { in.RestrictedSIDs = bare(l) }),
		"DeviceGroupsToDisable":  filter(func(in *nt.FilterTokenExIn, l list) { in.DeviceGroupsToDisable = l }),
		"RestrictedDeviceGroups": filter(func(in *nt.FilterTokenExIn, l list) { in.RestrictedDeviceGroups = bare(l) }),
		"Groups":                 create(func(in *nt.CreateTokenExIn, l list) { in.Groups = l }),
		"DeviceGroups":           create(func(in *nt.CreateTokenExIn, l list) { in.DeviceGroups = l }),
		"User":                   create(func(in *nt.CreateTokenExIn, l list) { in.User = nt.Cap(&l.V[len(l.V)-1]) }),
		"LocalGroups": func(l list) ntstatus.Status {
			_, st := th.LsaLogonUser(nt.LsaLogonUserIn{LogonType: winnt.LOGON32_LOGON_NETWORK, LocalGroups: l,
				AuthenticationInformation: nt.LogonInformation{MessageType: nt.InteractiveLogon, UserName: "x"}})
			if st == ntstatus.LogonFailure {
				st = ntstatus.Success // the kernel has no accounts
			}
			return st
		},
		"NewState": func(l list) ntstatus.Status {
			_, st := th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: h, NewState: l})
			if st == ntstatus.NotAllAssigned {
				st = ntstatus.Success // the token has no such groups
			}
			return st
		},
		"NewDeviceGroupsState": func(l list) ntstatus.Status {
			_, st := th.Services().NtAdjustTokenClaimsAndDeviceGroups(
				nt.AdjustTokenClaimsIn{TokenHandle: h, NewDeviceGroupsState: l})
			if st == ntstatus.NotAllAssigned {
				st = ntstatus.Success
			}
			return st
		},
	} {
		for what, c := range map[string]struct {
			l    []token.Group
			want ntstatus.Status
		}{
			"a SID": {[]token.Group{is}, ntstatus.Success}, "no SID": {[]token.Group{{}}, ntstatus.InvalidSID},
			"a SID, then none": {[]token.Group{is, {}}, ntstatus.InvalidSID},
		} {
			check.Equal(t, call(nt.Cap(c.l)), c.want, "%s: %s", name, what)
		}
	}
}
