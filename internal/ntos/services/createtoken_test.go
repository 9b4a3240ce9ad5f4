package services_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A token that is created without an integrity level gets Medium, unless its mandatory policy is off (T-10, T-12).
func TestNewTokenHasMediumIntegrity(t *testing.T) {
	th := newThread(t, winnt.SeCreateTokenPrivilege)
	low := []token.Group{{SID: sid.LowLevel, Attributes: winnt.SE_GROUP_INTEGRITY | winnt.SE_GROUP_INTEGRITY_ENABLED}}
	users := []token.Group{{SID: sid.Users, Attributes: winnt.SE_GROUP_ENABLED}}
	number := func(n uint32) *uint32 { return &n }
	for _, c := range []struct {
		policy *uint32
		groups []token.Group
		want   sid.SID
		is     uint32
	}{
		{nil, nil, sid.MediumLevel, 3}, {number(1), nil, sid.MediumLevel, 1}, {number(2), nil, sid.MediumLevel, 2},
		{number(3), nil, sid.MediumLevel, 3}, {nil, low, sid.LowLevel, 3}, {number(1), low, sid.LowLevel, 1},
		{number(0), low, sid.LowLevel, 0}, {nil, users, sid.MediumLevel, 3},
	} {
		in := plainTokenEx(winnt.TokenPrimary, c.policy)
		if c.groups != nil {
			in.Groups = nt.Cap(c.groups)
		}
		out, st := th.Services().NtCreateTokenEx(in)
		if want(t, "make a token", st, ntstatus.Success); st != ntstatus.Success {
			continue
		}
		got := class[token.Group](t, th, out.TokenHandle, winnt.TokenIntegrityLevel)
		if policy := class[uint32](t, th, out.TokenHandle, winnt.TokenMandatoryPolicy); got.SID != c.want || policy != c.is {
			t.Errorf("%+v: token has integrity %v and policy %d, want %v and %d", c, got.SID, policy, c.want, c.is)
		}
	}
}

// Invalid requested rights are refused with and without a security descriptor, and before errors in the descriptor
// (O-20, O-21, O-30).
func TestInvalidRightsOfNewTokenAreRefused(t *testing.T) {
	_, th, k := newProcess(t, winnt.SeCreateTokenPrivilege)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_DUPLICATE))
	for text, sacl := range map[string]bool{"": false, "D:(A;;GA;;;WD)": false, "D:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)": true} {
		for requested, wanted := range map[winnt.AccessMask]ntstatus.Status{winnt.TOKEN_QUERY: ntstatus.Success,
			0: ntstatus.Success, winnt.RESERVED_RIGHTS: ntstatus.AccessDenied, 0x8000: ntstatus.AccessDenied,
			0x8000 | winnt.MAXIMUM_ALLOWED: ntstatus.Success, winnt.ACCESS_SYSTEM_SECURITY: ntstatus.PrivilegeNotHeld} {
			if sacl && wanted == ntstatus.Success {
				wanted = ntstatus.PrivilegeNotHeld
			}
			plain := plainToken(winnt.TokenPrimary)
			object := *plain.ObjectAttributes.V
			if text != "" {
				object.SecurityDescriptor = sddl.MustParse(text)
			}
			plain.DesiredAccess, plain.ObjectAttributes = requested, nt.Cap(&object)
			before := len(handles(t, th))
			made, st := th.Services().NtCreateToken(plain)
			want(t, "make a token of "+text, st, wanted)
			boxed, st := th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: own,
				DesiredAccess: requested, ObjectAttributes: nt.Cap(&object),
				PackageSID: nt.Cap(sid.MustParse("S-1-15-2-1-2-3-4-5-6-7"))})
			want(t, "make a package's token of "+text, st, wanted)
			if now := len(handles(t, th)); wanted != ntstatus.Success && (now != before || made.TokenHandle != 0 ||
				boxed.TokenHandle != 0) {
				t.Errorf("descriptor %q: %d handles after a refused call, %d before, outputs %v and %v, want "+
					"the same number and no handle",
					text, now, before, made, boxed)
			}
			inKernel, st := k.Zw().Services().NtCreateToken(plain)
			if wanted = ntstatus.Success; requested&winnt.RESERVED_RIGHTS != 0 {
				wanted = ntstatus.AccessDenied
			}
			if want(t, "from kernel mode", st, wanted); st == ntstatus.Success {
				check.Success(t, k.ZwClose(inKernel.TokenHandle))
			}
		}
	}
}

// The omitted parts of a created token have defaults: medium integrity, no write-up and the lower level for new
// processes, the session of the creator's process (not of the impersonated client), new token and modified ids, and
// no parent (T-11, T-12).
func TestOmittedPartsOfNewTokenHaveDefaults(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	spec.SessionID, spec.Privileges = 5, spec.Privileges|winnt.SeImpersonatePrivilege.Bit()
	spec.EnabledPrivileges = spec.Privileges
	p := w.of("maker", spec)
	th, k := w.thread(p)
	w.impersonate(k, acting, winnt.SecurityImpersonation, winnt.SeCreateTokenPrivilege)
	defer k.PsRevertToSelf()
	make := func(typ winnt.TokenType) winnt.Handle {
		t.Helper()
		return check.Result(th.Services().NtCreateToken(plainToken(typ))).TokenHandle
	}
	for typ, level := range map[winnt.TokenType]winnt.SecurityImpersonationLevel{winnt.TokenPrimary: 0,
		winnt.TokenImpersonation: winnt.SecurityDelegation} {
		h := make(typ)
		check.Equal(t, class[uint32](t, th, h, winnt.TokenMandatoryPolicy), 3, "mandatory policy of the token")
		check.Equal(t, class[uint32](t, th, h, winnt.TokenSessionId), 5, "session of the token")
		got := class[token.Group](t, th, h, winnt.TokenIntegrityLevel)
		check.That(t, got.SID == sid.MustParse("S-1-16-8192"), "integrity of the token = %v, want S-1-16-8192", got)
		one, other := class[nt.TokenStatistics](t, th, h, winnt.TokenStatistics),
			class[nt.TokenStatistics](t, th, make(typ), winnt.TokenStatistics)
		check.That(t, one.TokenID != other.TokenID && one.ModifiedID != other.ModifiedID &&
			one.ImpersonationLevel == level && one.ExpirationTime == 1<<50,
			"statistics of two tokens: %+v and %+v, want different ids, level %v and the given end", one, other, level)
	}
	in := plainTokenEx(winnt.TokenPrimary, new(uint32))
	out := check.Result(th.Services().NtCreateTokenEx(in))
	got := class[token.Group](t, th, out.TokenHandle, winnt.TokenIntegrityLevel)
	check.That(t, got.SID != sid.MustParse("S-1-16-8192"),
		"T-12: integrity of a token without mandatory policy = %v, want another than S-1-16-8192", got)
	double := []claims.Attribute{{Name: "a", Type: claims.Uint64, Uints: []uint64{1, 1}}}
	for name, change := range map[string]func(*nt.CreateTokenExIn){
		"user claims":   func(in *nt.CreateTokenExIn) { in.UserAttributes = nt.Cap(double) },
		"device claims": func(in *nt.CreateTokenExIn) { in.DeviceAttributes = nt.Cap(double) },
	} {
		twice := in
		change(&twice)
		_, st := th.Services().NtCreateTokenEx(twice)
		want(t, "S-32: a value twice in the "+name, st, ntstatus.InvalidParameter)
	}
	in.User = nt.Cap(&token.Group{})
	want(t, "T-10: a user without a SID", check.Status(th.Services().NtCreateTokenEx(in)), ntstatus.InvalidSID)
	in.TokenType, in.ObjectAttributes = winnt.TokenImpersonation, nt.Cap(&nt.ObjectAttributes{})
	want(t, "T-10: before the level that is missing", check.Status(th.Services().NtCreateTokenEx(in)), ntstatus.InvalidSID)
}

// Each parameter of NtCreateTokenEx changes exactly the information classes that report it (T-10, T-12).
func TestEachParameterChangesItsClasses(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	h := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.MAXIMUM_ALLOWED))
	th.NtAdjustPrivilegesToken(h, false, []nt.LUIDAndAttributes{{LUID: winnt.SeCreateTokenPrivilege.LUID(),
		Attributes: winnt.SE_PRIVILEGE_ENABLED}}, false)
	list := func(mask winnt.AccessMask) *sd.ACL {
		a, _ := sd.NewACE(sd.AccessAllowed, 0, mask, sid.Users)
		l, _ := sd.NewACL(a)
		return l
	}
	attribute := func(name string) []claims.Attribute {
		return []claims.Attribute{{Name: name, Type: claims.Uint64, Uints: []uint64{1}}}
	}
	account := func(rid uint32) sid.SID { return sid.MustParse("S-1-5-21-1-2-3-1000").Prefix().WithRID(rid) }
	policy := func(p uint32) *uint32 { return &p }
	base := func() nt.CreateTokenExIn {
		return nt.CreateTokenExIn{DesiredAccess: winnt.TOKEN_ALL_ACCESS, TokenType: winnt.TokenImpersonation,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{SecurityQualityOfService: &nt.SecurityQualityOfService{
				ImpersonationLevel: winnt.SecurityImpersonation}}),
			AuthenticationID: nt.Cap(winnt.SYSTEM_LUID), ExpirationTime: nt.Cap(int64(1000)),
			User: nt.Cap(&token.Group{SID: account(1)}),
			Groups: nt.Cap([]token.Group{{SID: account(2), Attributes: token.GroupDefault | winnt.SE_GROUP_OWNER},
				{SID: account(3), Attributes: token.GroupDefault}}),
			Privileges:     nt.Cap([]nt.LUIDAndAttributes{{LUID: winnt.SeShutdownPrivilege.LUID()}}),
			UserAttributes: nt.Cap(attribute("u")), DeviceAttributes: nt.Cap(attribute("d")),
			DeviceGroups:    nt.Cap([]token.Group{{SID: account(4), Attributes: token.GroupDefault}}),
			MandatoryPolicy: nt.Cap(policy(1)), Owner: nt.Cap(account(2)), PrimaryGroup: nt.Cap(account(2)),
			DefaultDACL: nt.Cap(list(1)), Source: nt.Cap(&token.Source{Name: "a", ID: 1})}
	}
	create := func(in nt.CreateTokenExIn) map[string]string {
		t.Helper()
		out := check.Result(th.CallRow(nt.NtTable.Find("NtCreateTokenEx"), in))
		return tokenValues(t, th, winnt.Handle(reflect.ValueOf(out).FieldByName("TokenHandle").Int()))
	}
	whole := create(base())
	for _, c := range []struct {
		change func(*nt.CreateTokenExIn)
		want   string
	}{
		{func(in *nt.CreateTokenExIn) {
			in.ObjectAttributes.V.SecurityQualityOfService.ImpersonationLevel = winnt.SecurityDelegation
		}, "TokenImpersonationLevel TokenStatistics"},
		{func(in *nt.CreateTokenExIn) { in.TokenType = winnt.TokenPrimary },
			"TokenImpersonationLevel TokenStatistics TokenType"},
		{func(in *nt.CreateTokenExIn) { in.AuthenticationID.V = winnt.ANONYMOUS_LOGON_LUID }, "TokenStatistics"},
		{func(in *nt.CreateTokenExIn) { in.ExpirationTime.V = 1001 }, "TokenStatistics"},
		{func(in *nt.CreateTokenExIn) { in.User.V.SID = account(11) }, "TokenUser"},
		{func(in *nt.CreateTokenExIn) { in.Groups.V[1].SID = account(13) }, "TokenGroups"},
		{func(in *nt.CreateTokenExIn) { in.Groups.V[1].Attributes = winnt.SE_GROUP_ENABLED }, "TokenGroups"},
		{func(in *nt.CreateTokenExIn) { in.Privileges.V[0].LUID = winnt.SeUndockPrivilege.LUID() }, "TokenPrivileges"},
		{func(in *nt.CreateTokenExIn) { in.Privileges.V[0].Attributes = winnt.SE_PRIVILEGE_ENABLED }, "TokenPrivileges"},
		{func(in *nt.CreateTokenExIn) { in.Privileges.V[0].Attributes = winnt.SE_PRIVILEGE_ENABLED_BY_DEFAULT },
			"TokenPrivileges"},
		{func(in *nt.CreateTokenExIn) { in.UserAttributes.V = attribute("x") }, "TokenUserClaimAttributes"},
		{func(in *nt.CreateTokenExIn) { in.DeviceAttributes.V = attribute("x") }, "TokenDeviceClaimAttributes"},
		{func(in *nt.CreateTokenExIn) { in.DeviceGroups.V[0].SID = account(14) }, "TokenDeviceGroups"},
		{func(in *nt.CreateTokenExIn) { in.MandatoryPolicy.V = policy(3) }, "TokenMandatoryPolicy"},
		{func(in *nt.CreateTokenExIn) { in.Owner.V = account(1) }, "TokenOwner"},
		{func(in *nt.CreateTokenExIn) { in.PrimaryGroup.V = account(3) }, "TokenPrimaryGroup"},
		{func(in *nt.CreateTokenExIn) { in.DefaultDACL.V = list(2) }, "TokenDefaultDacl"},
		{func(in *nt.CreateTokenExIn) { in.Source.V.Name = "b" }, "TokenSource"},
		{func(in *nt.CreateTokenExIn) { in.Source.V.ID = 2 }, "TokenSource"},
	} {
		in := base()
		c.change(&in)
		var changed []string
		for class, v := range create(in) {
			if v != whole[class] {
				changed = append(changed, class)
			}
		}
		if slices.Sort(changed); strings.Join(changed, " ") != c.want {
			t.Errorf("changed information classes: %v, want %s", changed, c.want)
		}
	}
}

// TestAllocatedLUIDsAreUnique checks that no two calls return the same LUID, from any process, and that none is 0 or
// a documented one (0x3E4 to 0x3E7).
func TestAllocatedLUIDsAreUnique(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	seen := map[winnt.LUID]bool{0: true, 0x3E4: true, 0x3E5: true, 0x3E6: true, 0x3E7: true}
	for _, name := range []string{"p", "q"} {
		th, k := w.thread(w.process(name))
		for _, s := range []nt.Services{th.Services(), k.Zw().Services()} {
			for range 100 {
				out, st := s.NtAllocateLocallyUniqueId(nt.AllocateLocallyUniqueIDIn{})
				if st != ntstatus.Success || seen[out.LUID] {
					t.Fatalf("NtAllocateLocallyUniqueId = %#x, %v, want success and a value never returned before",
						uint64(out.LUID), st)
				}
				seen[out.LUID] = true
			}
		}
	}
}
