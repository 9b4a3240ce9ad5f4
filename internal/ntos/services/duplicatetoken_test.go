package services_test

import (
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/inject"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// TestNtDuplicateTokenOrderOfChecks runs each check of NtDuplicateToken in its order. A call with several errors
// fails with the status of the first check (T-40, O-20, S-61).
func TestNtDuplicateTokenOrderOfChecks(t *testing.T) {
	var memory inject.Injector
	w := newWorld(t, kernel.Config{Faults: memory.Point})
	th, _ := w.thread(w.process("p"))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	// The source token has the level SecurityIdentification.
	identified := check.Result(th.NtDuplicateToken(own, winnt.TOKEN_DUPLICATE, &nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityIdentification}}, false,
		winnt.TokenImpersonation))
	unrelated := check.Result(th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, nil, nt.NotificationEvent, false))
	queried := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_QUERY))
	type call struct {
		nt.DuplicateTokenIn
		full string // the point that is out of memory
	}
	// A spoilt call has attributes of its own.
	attributes := func(in *call, change func(*nt.ObjectAttributes)) {
		oa := *in.ObjectAttributes.V
		change(&oa)
		in.ObjectAttributes.V = &oa
	}
	for name, c := range map[string]struct {
		handle winnt.Handle
		want   ntstatus.Status
	}{"no handle": {0xDEAD0, ntstatus.InvalidHandle}, "an event": {unrelated, ntstatus.ObjectTypeMismatch},
		"a handle without TOKEN_DUPLICATE": {queried, ntstatus.AccessDenied}} {
		checkOrder(t, name, call{DuplicateTokenIn: nt.DuplicateTokenIn{ExistingTokenHandle: identified,
			TokenType: winnt.TokenImpersonation, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{})}},
			func(in call) ntstatus.Status {
				memory.Fail(ntstatus.InsufficientResources.Err(), inject.Kind(in.full))
				defer memory.Fail(nil)
				return check.Status(th.Services().NtDuplicateToken(in.DuplicateTokenIn))
			}, []rung[call]{
				{"the token type", ntstatus.InvalidParameter, func(in *call) { in.TokenType = 3 }},
				{"the attributes' pointer", unread(1), func(in *call) { in.ObjectAttributes.Status = unread(1) }},
				{"the handle", c.want, func(in *call) { in.ExistingTokenHandle = c.handle }},
				{"the level", ntstatus.BadImpersonationLevel, func(in *call) {
					attributes(in, func(oa *nt.ObjectAttributes) {
						oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}
					})
				}},
				{"memory for the token", ntstatus.InsufficientResources, func(in *call) { in.full = "se: duplicate token" }},
				{"the access", ntstatus.AccessDenied, func(in *call) { in.DesiredAccess = winnt.RESERVED_RIGHTS }},
				{"the owner", ntstatus.InvalidOwner, func(in *call) {
					attributes(in, func(oa *nt.ObjectAttributes) {
						oa.SecurityDescriptor = sddl.MustParse("O:S-1-5-21-9-9-9-1D:(A;;GA;;;WD)")
					})
				}},
			})
	}
}

// The requested rights of a duplicate are checked in this order: reserved bits, bits that a token does not have, the
// level of the client. An empty request is not checked (O-20, O-21, T-44, T-45, I-2).
func TestDuplicateChecksReservedBitsFirst(t *testing.T) {
	w, th, k := newProcess(t, winnt.SeImpersonatePrivilege)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE|winnt.TOKEN_QUERY_SOURCE))
	tok := w.token(k, svc, winnt.SecurityImpersonation)
	const unknown, most = winnt.AccessMask(0x8000), winnt.MAXIMUM_ALLOWED
	const denied, level = ntstatus.AccessDenied, ntstatus.BadImpersonationLevel
	for _, c := range []struct {
		requested winnt.AccessMask
		at        winnt.SecurityImpersonationLevel // of the client; SecurityAnonymous means none
		want      ntstatus.Status
		granted   winnt.AccessMask
	}{
		{0, 0, 0, 0x12}, {0, winnt.SecurityIdentification, 0, 0x12},
		{winnt.TOKEN_QUERY, 0, 0, 8}, {winnt.TOKEN_QUERY, winnt.SecurityImpersonation, 0, 8},
		{winnt.TOKEN_QUERY, winnt.SecurityIdentification, level, 0},
		{most, 0, 0, 0xf00fe}, {most, winnt.SecurityIdentification, level, 0},
		{most | winnt.TOKEN_QUERY, winnt.SecurityIdentification, level, 0},
		{unknown, 0, denied, 0}, {most | unknown, 0, denied, 0},
		{winnt.TOKEN_QUERY | unknown, 0, denied, 0},
		{most | unknown, winnt.SecurityIdentification, denied, 0},
		{winnt.RESERVED_RIGHTS, 0, denied, 0}, {most | winnt.RESERVED_RIGHTS, winnt.SecurityIdentification, denied, 0},
		{winnt.SYNCHRONIZE | winnt.TOKEN_QUERY, 0, 0, 8},
		{winnt.SYNCHRONIZE | winnt.TOKEN_ASSIGN_PRIMARY, 0, 0, 0}, // the one right needs a privilege
	} {
		if c.at != winnt.SecurityAnonymous {
			check.Success(t, k.PsImpersonateClient(k.Thread(), tok, false, false, c.at))
		}
		h, st := th.NtDuplicateToken(own, c.requested, nil, false, winnt.TokenPrimary)
		k.PsRevertToSelf()
		check.Equal(t, st, c.want, "duplicate with access %#x at level %v", c.requested, c.at)
		if st != ntstatus.Success {
			continue
		}
		v := check.Result(th.NtQueryObject(h, nt.ObjectBasicInformation))
		check.Equal(t, v.(nt.BasicInformation).GrantedAccess, c.granted,
			"duplicate with access %#x at level %v grants", c.requested, c.at)
	}
}

// Setting a SACL on a duplicate needs SeSecurityPrivilege in the effective token: the client's while impersonating,
// not that of the process (T-52).
func TestDuplicateSACLAsksTheClient(t *testing.T) {
	with := sddl.MustParse("D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)")
	for name, c := range map[string]struct{ server, client, want bool }{
		"both": {true, true, true}, "the client": {false, true, true}, "the server": {true, false, false},
	} {
		held := func(holds bool) []winnt.Privilege {
			if holds {
				return []winnt.Privilege{winnt.SeImpersonatePrivilege, winnt.SeSecurityPrivilege}
			}
			return []winnt.Privilege{winnt.SeImpersonatePrivilege}
		}
		w := newWorld(t, kernel.Config{})
		th, k := w.thread(w.process("p", held(c.server)...))
		own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
		w.impersonate(k, client, winnt.SecurityImpersonation, held(c.client)...)
		h, st := th.NtDuplicateToken(own, 0, &nt.ObjectAttributes{SecurityDescriptor: with}, false, winnt.TokenPrimary)
		k.PsRevertToSelf()
		if st == ntstatus.Success {
			v := check.Result(th.NtQueryObject(h, nt.ObjectBasicInformation))
			check.Equal(t, v.(nt.BasicInformation).GrantedAccess, winnt.TOKEN_ALL_ACCESS|winnt.ACCESS_SYSTEM_SECURITY,
				"T-52: rights of the duplicate's handle")
		}
		if want := map[bool]ntstatus.Status{true: ntstatus.Success, false: ntstatus.PrivilegeNotHeld}[c.want]; st != want {
			t.Errorf("T-52: duplicate with a SACL, %s holds the privilege: %v, want %v", name, st, want)
		}
	}
}

// The level of a duplicate depends on the token, the request and the profile. Without a request it is the token's own
// (T-41, T-42, T-43, T-54).
func TestDuplicateGetsLevel(t *testing.T) {
	const primary, impersonation, none = winnt.TokenPrimary, winnt.TokenImpersonation, winnt.SecurityImpersonationLevel(9)
	const anonymous, identify = winnt.SecurityAnonymous, winnt.SecurityIdentification
	const act, delegate = winnt.SecurityImpersonation, winnt.SecurityDelegation
	refused := ntstatus.BadImpersonationLevel
	for _, c := range []struct {
		level     winnt.SecurityImpersonationLevel // of the token; none: it is primary
		requested winnt.SecurityImpersonationLevel // none: without a quality of service
		typ       winnt.TokenType
		want      winnt.SecurityImpersonationLevel
		st        ntstatus.Status
	}{
		{none, none, primary, anonymous, 0}, {none, delegate, primary, delegate, 0},
		{none, delegate, impersonation, delegate, 0},
		{act, none, primary, anonymous, 0}, {act, identify, primary, identify, 0},
		{act, delegate, primary, 0, refused}, {act, act, impersonation, act, 0},
		{act, delegate, impersonation, 0, refused}, {act, none, impersonation, act, 0},
		{identify, none, primary, 0, refused}, {identify, identify, primary, 0, refused},
		{identify, none, impersonation, identify, 0}, {identify, anonymous, impersonation, anonymous, 0},
	} {
		th := newThread(t)
		h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
		qos := func(level winnt.SecurityImpersonationLevel) *nt.ObjectAttributes {
			if level == none {
				return nil
			}
			return &nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: level}}
		}
		if c.level != none {
			h = check.Result(th.NtDuplicateToken(h, 0, qos(c.level), false, impersonation))
		}
		dup, st := th.NtDuplicateToken(h, 0, qos(c.requested), false, c.typ)
		if check.Equal(t, st, c.st, "%+v", c); st == ntstatus.Success {
			check.Equal(t, class[nt.TokenStatistics](t, th, dup, winnt.TokenStatistics).ImpersonationLevel, c.want, "%+v", c)
		}
	}
	th := newThread(t, winnt.SeBackupPrivilege)
	h := openOwnToken(t, th)
	check.Success(t, check.Status(th.NtAdjustPrivilegesToken(h, true, nil, false)))
	all := len(class[[]nt.LUIDAndAttributes](t, th, h, winnt.TokenPrivileges))
	for only, n := range map[bool]int{false: all, true: 0} {
		dup := check.Result(th.NtDuplicateToken(h, 0, nil, only, primary))
		check.Equal(t, len(class[[]nt.LUIDAndAttributes](t, th, dup, winnt.TokenPrivileges)), n,
			"T-48: disabled privileges of a duplicate, EffectiveOnly %t", only)
	}
	for profile, level := range map[nt.Profile]winnt.SecurityImpersonationLevel{nt.Documented: act,
		nt.Observed: anonymous} {
		w := newWorld(t, kernel.Config{Profile: profile})
		th, _ := w.thread(w.process("p"))
		h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
		dup := check.Result(th.NtDuplicateToken(h, 0, nil, false, impersonation))
		check.Equal(t, class[nt.TokenStatistics](t, th, dup, winnt.TokenStatistics).ImpersonationLevel, level,
			"T-43: no request, profile %v", profile)
	}
}
