package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// A callback gets its own entry and the client. Deny-only device groups are members. Names of attributes are
// case-insensitive. A result list has as many results as types (U-12, U-13).
func TestAuditConditionsUseClientsClaims(t *testing.T) {
	opaque := func(mask winnt.AccessMask) sd.ACE {
		a := check.Must(sd.NewACE(sd.SystemAuditCallback, sd.SuccessfulAccess, mask, sid.Everyone,
			sd.ACEExtra{AppData: []byte("opaque data!")}))
		return a
	}
	list := check.Must(sd.NewACL(opaque(2), opaque(1)))
	subject := called(t).Subject
	calls := 0
	r := access.Request{Descriptor: sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, SACL: list,
		Control: sd.SACLPresent}), Subject: subject, Desired: 1, Type: winnt.FileObject,
		Options: access.Options{Callback: func(a sd.ACE, tok *token.Token) claims.Truth {
			calls++
			check.That(t, a.Mask() == 1 && tok == subject.Client,
				"U-12: the condition was evaluated for mask %v and user %v", a.Mask(), tok.User().SID)
			return claims.True
		}}}
	p := standardPolicy(t)
	if v := p.Evaluate("File", &r, access.Grant(1), nil); !v.Success || calls != 1 {
		t.Errorf("U-12: %+v after %d evaluations, want a record of success after one", v, calls)
	}
	spec := specU()
	spec.DeviceGroups = []token.Group{{SID: groupG, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}}
	for condition, want := range map[string]bool{
		"(Device_Member_of{SID(" + groupG.String() + ")})": true, "(Device_Member_of{SID(" + groupH.String() + ")})": false,
		`(@Resource.PROJECT == "x")`: true, `(@Resource.project == "y")`: false,
	} {
		r := access.Request{Subject: access.Subject{Primary: mustToken(t, spec)}, Desired: 1, Type: winnt.FileObject,
			Descriptor: sddl.MustParse(`O:SYG:SYD:S:(RA;;;;;WD;("Project",TS,0x0,"x"))(XU;SA;0x1;;;WD;` + condition + ")")}
		v := p.Evaluate("File", &r, access.Grant(1), nil)
		check.That(t, v.Success == want, "U-12: %s: verdict %+v, want a record of success: %v", condition, v, want)
	}
	two := []access.NodeResult{{Granted: 1, Verdict: ntstatus.Decided(ntstatus.Success)},
		{Granted: 1, Verdict: ntstatus.Decided(ntstatus.Success)}}
	types := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}}
	for _, c := range []struct {
		nodes []access.NodeResult
		dec   access.Decision
		want  []int
		mask  winnt.AccessMask
	}{{two, access.Refuse(ntstatus.AccessDenied), []int{0, 1}, 1}, {two[:1], access.Grant(3), []int{0}, 3}, {nil,
		access.Grant(3), []int{0}, 3}} {
		r := access.Request{Subject: subject, Desired: 3, Type: winnt.FileObject, ObjectTypes: types,
			Descriptor: sddl.MustParse("O:SYG:SYD:S:(AU;SAFA;0x1;;;WD)")}
		v := p.Evaluate("File", &r, c.dec, c.nodes)
		check.That(t, v.Success && !v.Failure && slices.Equal(v.Nodes, c.want) && v.Access == c.mask && v.Audited == 1,
			"U-13: %d answers: %+v, want %v", len(c.nodes), v, c.want)
	}
	// The request's own mapping takes precedence over that of its type.
	m := winnt.GenericMapping{Read: 0x40, Write: 0x40, Execute: 0x40, All: 0x40}
	r = access.Request{Subject: subject, Desired: 0x40, Type: winnt.FileObject, Mapping: &m,
		Descriptor: sddl.MustParse("O:SYG:SYD:S:(AU;SA;GR;;;WD)")}
	v := p.Evaluate("File", &r, access.Grant(0x40), nil)
	check.That(t, v.Success && v.Audited == 0x40, "U-12: %+v, want a record of success for 0x40", v)
}
