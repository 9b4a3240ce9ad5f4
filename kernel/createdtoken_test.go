package kernel_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// told returns what each class tells of a token, by the class's name; the ids that each
// token has of its own are left out.
func told(t *testing.T, th *nt.Thread, h winnt.Handle) map[string]string {
	t.Helper()
	all := map[string]string{}
	for class := winnt.TokenUser; class <= winnt.MaxTokenInfoClass; class++ {
		v, st := th.NtQueryInformationToken(h, class)
		if st != ntstatus.Success {
			all[class.String()] = st.String()
			continue
		}
		if s, ok := v.(nt.TokenStatistics); ok {
			s.TokenID, s.ModifiedID = 0, 0
			v = s
		}
		if f := reflect.ValueOf(v); class == winnt.TokenAccessInformation || class == winnt.TokenGroupsAndPrivileges ||
			f.Kind() == reflect.Pointer && f.IsNil() {
			continue // what other classes tell, together
		}
		if list, ok := v.(*sd.ACL); ok {
			v = fmt.Sprintf("%x", list.Binary())
		}
		all[class.String()] = fmt.Sprintf("%+v", v)
	}
	return all
}

// TestEachPartOfACreatedToken: what NtCreateTokenEx is given, the token has: each
// parameter changes what the classes for it tell and nothing else (T-10, T-12).
func TestEachPartOfACreatedToken(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	h, st := th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.MAXIMUM_ALLOWED)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
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
		out, st := th.CallRow(nt.NtTable.Find("NtCreateTokenEx"), in)
		if st != ntstatus.Success {
			t.Fatal(st)
		}
		return told(t, th, winnt.Handle(reflect.ValueOf(out).FieldByName("TokenHandle").Int()))
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
			t.Errorf("changed are %v, want %s", changed, c.want)
		}
	}
}

// TestSizesOfNames: a name has two bytes a character, four beyond the first plane, and two
// for its end, behind the 16 of its UNICODE_STRING; the length may not be a byte less (O-61).
func TestSizesOfNames(t *testing.T) {
	_, th := userThread(t, token.LocalSystem())
	for name, units := range map[string]uint32{`\a`: 2, `\é`: 2, "\\\uFFFF": 2, "\\\uE000\uD7FF": 3, "\\\U00010000": 3,
		"\\\U0010FFFFx": 4} {
		h, st := th.NtCreateEvent(winnt.EVENT_ALL_ACCESS, &nt.ObjectAttributes{ObjectName: name}, nt.NotificationEvent,
			false)
		if st != ntstatus.Success {
			t.Fatalf("%+q: %v", name, st)
		}
		want := 16 + 2*units + 2
		for length, st := range map[uint32]ntstatus.Status{want: ntstatus.Success, want + 1: ntstatus.Success,
			want - 1: ntstatus.InfoLengthMismatch} {
			out, got := th.Services().NtQueryObject(nt.QueryObjectIn{Handle: h,
				ObjectInformationClass: nt.ObjectNameInformation, ObjectInformationLength: length})
			if got != st || out.ReturnLength != want {
				t.Errorf("O-61: %+q with %d bytes: %v, %d bytes wanted, want %v, %d", name, length, got, out.ReturnLength, st,
					want)
			}
		}
	}
}

// TestSizesOfTypes: what a type needs is enough, and more is taken too; a byte less is
// refused (O-61).
func TestSizesOfTypes(t *testing.T) {
	w := newRightsWorld(t)
	for name, h := range w.all {
		ask := func(length uint32) (nt.QueryObjectOut, ntstatus.Status) {
			return w.th.Services().NtQueryObject(nt.QueryObjectIn{Handle: h, ObjectInformationClass: nt.ObjectTypeInformation,
				ObjectInformationLength: length})
		}
		out, _ := ask(0)
		need := out.ReturnLength
		if need <= 104 || need > 200 {
			t.Errorf("%s: %d bytes", name, need)
		}
		for length, want := range map[uint32]ntstatus.Status{need - 1: ntstatus.InfoLengthMismatch, need: ntstatus.Success,
			need + 1: ntstatus.Success} {
			if out, st := ask(length); st != want || out.ReturnLength != need || (out.ObjectInformation != nil) != (st == 0) {
				t.Errorf("O-61: %s with %d bytes: %v, %+v, want %v", name, length, st, out, want)
			}
		}
	}
}
