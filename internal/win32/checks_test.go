package win32_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/win32"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestAccessChecksReturnDecision checks that the three checks succeed whether they grant or deny. A denial is the last
// error, or the code of each object type.
func TestAccessChecksReturnDecision(t *testing.T) {
	w, _ := thread(t)
	client := duplicate(t, w, ownToken(t, w), winnt.SecurityIdentification)
	in := win32.AccessCheckByTypeIn{ClientToken: client, PrivilegeSetLength: 1 << 10,
		SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;CC;;;PS)")),
		PrincipalSelfSid:   nt.Cap(sid.AuthenticatedUsers),
		GenericMapping:     nt.Cap(winnt.FileObject.Mapping),
		ObjectTypeList:     nt.Cap([]access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}})}
	for desired, want := range map[winnt.AccessMask]win32.AccessCheckOut{
		1: {GrantedAccess: 1, AccessStatus: true}, 4: {}, winnt.MAXIMUM_ALLOWED: {GrantedAccess: 1, AccessStatus: true},
	} {
		in.DesiredAccess = desired
		want.PrivilegeSet, want.PrivilegeSetLength = &nt.PrivilegeSet{}, 1<<10
		code, each := win32.Code(4242), win32.Code(0)
		if !want.AccessStatus {
			code, each = 5, 5
		}
		plain := win32.AccessCheckIn{ClientToken: client,
			SecurityDescriptor: nt.Cap(sddl.MustParse("O:BAG:BAD:(A;;CC;;;AU)")),
			DesiredAccess:      desired, GenericMapping: in.GenericMapping, PrivilegeSetLength: 1 << 10}
		for row, params := range map[string]any{"AccessCheck": plain, "AccessCheckByType": in} {
			w.CallRow(win32.Table.Find("SetLastError"), win32.SetLastErrorIn{Code: 4242})
			out, ok, set, _ := w.CallRow(win32.Table.Find(row), params)
			check.DeepEqual(t, out, want, "%s for %#x", row, uint32(desired))
			check.That(t, ok && w.LastError() == code && set == each, "%s for %#x: %t, %v set to %v, want %v, %v", row,
				uint32(desired), ok, w.LastError(), set, code, each)
		}
		list, ok := w.AccessCheckByTypeResultList(in)
		check.That(t, ok, "AccessCheckByTypeResultList for %#x: %v", uint32(desired), w.LastError())
		check.DeepEqual(t, list, win32.AccessCheckByTypeResultListOut{PrivilegeSet: &nt.PrivilegeSet{},
			PrivilegeSetLength: 1 << 10, GrantedAccessList: []winnt.AccessMask{want.GrantedAccess, want.GrantedAccess},
			AccessStatusList: []win32.Code{each, each}}, "AccessCheckByTypeResultList for %#x", uint32(desired))
	}
}
