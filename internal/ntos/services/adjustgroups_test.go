package services_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// If one of the three buffers is too small, the call changes nothing and returns all three required lengths (T-74,
// T-75).
func TestClaimsReturnAllRequiredLengths(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	set := check.Must(claims.NewSet([]claims.Attribute{{Name: "c", Type: claims.Uint64, Uints: []uint64{1}},
		{Name: "m", Type: claims.Uint64, Flags: claims.FlagMandatory, Uints: []uint64{1}}}))
	device := sid.MustParse("S-1-5-21-1-2-3-1200")
	spec.UserClaims, spec.DeviceClaims = set, set
	spec.DeviceGroups = []token.Group{{SID: device, Attributes: winnt.SE_GROUP_ENABLED},
		{SID: sid.Users, Attributes: winnt.SE_GROUP_ENABLED | winnt.SE_GROUP_MANDATORY}}
	p := w.of("p", spec)
	th, _ := w.thread(p)
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	off := nt.Cap([]claims.Attribute{{Name: "c", Type: claims.Uint64, Flags: claims.FlagDisabled}})
	in := nt.AdjustTokenClaimsIn{TokenHandle: own, NewUserState: off, NewDeviceState: off,
		NewDeviceGroupsState: nt.Cap([]token.Group{{SID: device}}), UserBufferLength: 1000, DeviceBufferLength: 1000,
		DeviceGroupsBufferLength: 1000, WantPreviousUser: true, WantPreviousDevice: true,
		WantPreviousDeviceGroups: true}
	before := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics)
	th.Services().RecordWhy(true)
	for name, small := range map[string]func(*nt.AdjustTokenClaimsIn){
		"user":          func(in *nt.AdjustTokenClaimsIn) { in.UserBufferLength = 0 },
		"device":        func(in *nt.AdjustTokenClaimsIn) { in.DeviceBufferLength = 0 },
		"device groups": func(in *nt.AdjustTokenClaimsIn) { in.DeviceGroupsBufferLength = 0 },
	} {
		one := in
		small(&one)
		out, st := th.Services().NtAdjustTokenClaimsAndDeviceGroups(one)
		want(t, "no room for "+name, st, ntstatus.BufferTooSmall)
		check.Equal(t, th.Services().TakeWhy().Rule, "T-74", "the rule without room for %s", name)
		if out.PreviousUserState != nil || out.PreviousDeviceState != nil || out.PreviousDeviceGroups != nil ||
			out.UserReturnLength == 0 || out.DeviceReturnLength == 0 || out.DeviceGroupsReturnBufferLength == 0 {
			t.Errorf("no room for %s: %+v, want no previous state and three required lengths", name, out)
		}
		if after := class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics); !reflect.DeepEqual(before, after) {
			t.Errorf("no room for %s: token statistics %+v, want %+v unchanged", name, after, before)
		}
	}
	adjust := func(in nt.AdjustTokenClaimsIn) ntstatus.Status {
		return check.Status(th.Services().NtAdjustTokenClaimsAndDeviceGroups(in))
	}
	refused := in
	refused.NewDeviceGroupsState = nt.Cap([]token.Group{{SID: sid.Users}})
	want(t, "a mandatory device group", adjust(refused), ntstatus.CantDisableMandatory)
	check.Equal(t, class[nt.TokenStatistics](t, th, own, winnt.TokenStatistics), before, "statistics after a refusal")
	refused = in
	refused.NewDeviceState = nt.Cap([]claims.Attribute{{Name: "m", Type: claims.Uint64, Flags: claims.FlagDisabled}})
	want(t, "a mandatory device claim", adjust(refused), ntstatus.CantDisableMandatory)
	refused = nt.AdjustTokenClaimsIn{}
	refused.NewDeviceGroupsState.Status = ntstatus.AccessViolation
	want(t, "unreadable device groups before the handle", adjust(refused), ntstatus.AccessViolation)
	out := check.Result(th.Services().NtAdjustTokenClaimsAndDeviceGroups(in))
	if len(out.PreviousUserState) != 1 || len(out.PreviousDeviceState) != 1 || len(out.PreviousDeviceGroups) != 1 {
		t.Errorf("previous state: %+v, want one user claim, one device claim and one device group", out)
	}
}

// An adjustment of groups returns the previous attributes (T-75). The DACL of a package's token grants the package
// everything (T-131). Job limits need their exact length (I-89).
func TestAdjustGroupsReturnsPreviousState(t *testing.T) {
	w := newWorld(t, kernel.Config{})
	spec := token.StandardUser(sid.MustParse(svc))
	extra := token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1200"), Attributes: winnt.SE_GROUP_ENABLED |
		winnt.SE_GROUP_ENABLED_BY_DEFAULT}
	spec.Groups = append(spec.Groups, extra)
	th, _ := w.thread(w.of("p", spec))
	own := check.Result(th.NtOpenProcessToken(winnt.NtCurrentProcess, winnt.TOKEN_ALL_ACCESS))
	out, st := th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own, WantPrevious: true,
		BufferLength: 1000, NewState: nt.Cap([]token.Group{{SID: extra.SID}})})
	if want(t, "adjust", st, ntstatus.Success); len(out.PreviousState) != 1 || out.PreviousState[0] != extra {
		t.Errorf("previous groups = %+v, want %+v", out.PreviousState, extra)
	}
	want(t, "a reset without room", check.Status(th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{
		TokenHandle: own, WantPrevious: true, ResetToDefault: true})), ntstatus.BufferTooSmall)
	// A reset ignores the list, and enables the groups that are enabled by default.
	out, st = th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own, WantPrevious: true,
		BufferLength: 1000, ResetToDefault: true, NewState: nt.Captured[[]token.Group]{Status: unread(1)}})
	if want(t, "reset", st, ntstatus.Success); len(out.PreviousState) != 1 || out.PreviousState[0].SID != extra.SID {
		t.Errorf("previous groups of a reset = %+v, want %v", out.PreviousState, extra.SID)
	}
	want(t, "no list", check.Status(th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own})),
		ntstatus.InvalidParameter)
	th.Services().RecordWhy(true)
	_, st = th.Services().NtAdjustGroupsToken(nt.AdjustGroupsTokenIn{TokenHandle: own,
		NewState: nt.Cap([]token.Group{{SID: sid.Everyone}})})
	want(t, "disable a mandatory group", st, ntstatus.CantDisableMandatory)
	check.Equal(t, th.Services().TakeWhy().Rule, "T-75", "the rule about a mandatory group")
	const pkg = "S-1-15-2-1-2-3-4-5-6-7"
	boxed := check.Result(th.Services().NtCreateLowBoxToken(nt.CreateLowBoxTokenIn{ExistingTokenHandle: own,
		DesiredAccess: winnt.READ_CONTROL, PackageSID: nt.Cap(sid.MustParse(pkg))}))
	if got := ownerDACL(t, th, boxed.TokenHandle); !strings.Contains(got, "(A;;"+full+";;;"+pkg+")") {
		t.Errorf("DACL of the package's token = %s, want %q in it", got, "(A;;"+full+";;;"+pkg+")")
	}
	job := check.Result(th.NtCreateJobObject(winnt.JOB_OBJECT_ALL_ACCESS, nil))
	_, st = th.Services().NtSetInformationJobObject(nt.SetInformationJobObjectIn{
		JobObjectInformationClass:  nt.JobObjectSecurityLimitInformation,
		JobObjectInformation:       nt.Cap(&nt.JobSecurityLimitInformation{SecurityLimitFlags: 0x80}),
		JobObjectInformationLength: nt.JobSecurityLimitSize})
	want(t, "unknown limits, and the handle", st, ntstatus.InvalidHandle)
	for by, wanted := range map[uint32]ntstatus.Status{nt.JobSecurityLimitSize - 1: ntstatus.InfoLengthMismatch,
		nt.JobSecurityLimitSize: 0, nt.JobSecurityLimitSize + 1: ntstatus.InfoLengthMismatch} {
		_, st := th.Services().NtSetInformationJobObject(nt.SetInformationJobObjectIn{JobHandle: job,
			JobObjectInformationClass: nt.JobObjectSecurityLimitInformation,
			JobObjectInformation:      nt.Cap(&nt.JobSecurityLimitInformation{}), JobObjectInformationLength: by})
		want(t, "limits", st, wanted)
	}
}
