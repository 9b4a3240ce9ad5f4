package refusals

import (
	"github.com/refmon/refmon/internal/ntos/se"
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/winnt"
)

// oaOf returns the object attributes of a call. It creates them if necessary.
func oaOf(c *nt.Captured[*nt.ObjectAttributes]) *nt.ObjectAttributes {
	if c.V == nil {
		c.V = &nt.ObjectAttributes{}
	}
	return c.V
}

// atLevel returns object attributes with a quality of service of a level.
func atLevel(level winnt.SecurityImpersonationLevel) nt.Captured[*nt.ObjectAttributes] {
	return nt.Cap(&nt.ObjectAttributes{
		SecurityQualityOfService: &nt.SecurityQualityOfService{ImpersonationLevel: level}})
}

var _ = define(setup[*nt.DuplicateTokenIn]{
	names: []string{"NtDuplicateToken", "ZwDuplicateToken"},
	base: func(w *world) *nt.DuplicateTokenIn {
		return &nt.DuplicateTokenIn{ExistingTokenHandle: w.handle(w.existing(winnt.SecurityImpersonation),
			winnt.TOKEN_ALL_ACCESS), DesiredAccess: winnt.TOKEN_QUERY,
			ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), TokenType: winnt.TokenImpersonation}
	},
	refusals: join(
		handles("T-40", "ExistingTokenHandle", "ExistingTokenHandle",
			func(in *nt.DuplicateTokenIn) *winnt.Handle { return &in.ExistingTokenHandle }, func(w *world) winnt.Handle {
				return w.handle(w.existing(winnt.SecurityImpersonation), winnt.TOKEN_ALL_ACCESS&^winnt.TOKEN_DUPLICATE)
			}),
		[]refusal[*nt.DuplicateTokenIn]{
			{rule: "T-40", want: ntstatus.InvalidParameter, when: "TokenType", name: "TokenType 3", takes: "TokenType",
				inject: func(_ *world, in *nt.DuplicateTokenIn) { in.TokenType = 3 }},
			{rule: "T-40", want: ntstatus.AccessViolation, name: "ObjectAttributes unreadable", takes: "ObjectAttributes",
				needs: pointers, inject: func(_ *world, in *nt.DuplicateTokenIn) {
					in.ObjectAttributes.Status = ntstatus.AccessViolation
				}},
			exclusiveInherited("ObjectAttributes", func(in *nt.DuplicateTokenIn) *uint32 {
				return &oaOf(&in.ObjectAttributes).Attributes
			}),
			{rule: "T-40", want: ntstatus.InvalidParameter, when: "Length", name: "SQOS level 4", takes: "ObjectAttributes.sqos",
				inject: func(_ *world, in *nt.DuplicateTokenIn) {
					oaOf(&in.ObjectAttributes).SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
				}},
			{rule: "T-40", want: ntstatus.InvalidParameter, when: "Length", name: "ObjectAttributes of a wrong Length",
				takes: "ObjectAttributes", needs: pointers, inject: func(_ *world, in *nt.DuplicateTokenIn) {
					in.ObjectAttributes.Status = ntstatus.InvalidParameter
				}},
			{rule: "T-41", want: ntstatus.BadImpersonationLevel, name: "a level above the existing token's",
				takes: "ObjectAttributes.sqos", inject: func(_ *world, in *nt.DuplicateTokenIn) {
					oa := oaOf(&in.ObjectAttributes)
					oa.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: winnt.SecurityDelegation}
				}},
			{rule: "T-42", want: ntstatus.BadImpersonationLevel, name: "a primary token of an Identification token",
				takes: "ExistingTokenHandle TokenType", inject: func(w *world, in *nt.DuplicateTokenIn) {
					in.ExistingTokenHandle = w.handle(w.existing(winnt.SecurityIdentification), winnt.TOKEN_ALL_ACCESS)
					in.TokenType = winnt.TokenPrimary
				}},
			{rule: "T-53", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
				inject: func(w *world, _ *nt.DuplicateTokenIn) { w.failing["se: duplicate token"] = true }},
			{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
				inject: func(_ *world, in *nt.DuplicateTokenIn) { in.DesiredAccess |= 0x00400000 }},
			{rule: "O-21", want: ntstatus.AccessDenied, name: "bits a token does not know", takes: "desired.unknown",
				needs: userOnly, only: documented, inject: func(_ *world, in *nt.DuplicateTokenIn) { in.DesiredAccess |= 0x200 }},
			{rule: "T-45", want: ntstatus.PrivilegeNotHeld, when: "ACCESS_SYSTEM_SECURITY",
				name: "ACCESS_SYSTEM_SECURITY without privilege", takes: "desired.security", needs: userOnly, inject: func(_ *world,
					in *nt.DuplicateTokenIn) {
					in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			{rule: "T-52", want: ntstatus.PrivilegeNotHeld, name: "a SACL without privilege", takes: "ObjectAttributes.sd",
				needs: userOnly, inject: func(_ *world, in *nt.DuplicateTokenIn) {
					oaOf(&in.ObjectAttributes).SecurityDescriptor = withSACL()
				}},
			{rule: "S-61", want: ntstatus.InvalidOwner, name: "an owner it may not assign", takes: "ObjectAttributes.sd",
				needs: userOnly, inject: func(_ *world, in *nt.DuplicateTokenIn) {
					oaOf(&in.ObjectAttributes).SecurityDescriptor = open()
				}},
			{rule: "T-45", want: ntstatus.BadImpersonationLevel, name: "caller at SecurityIdentification", takes: "caller",
				needs: userOnly, only: documented, inject: func(w *world, _ *nt.DuplicateTokenIn) {
					w.callerAt(winnt.SecurityIdentification)
				}},
			{rule: "T-45", want: ntstatus.AccessDenied, of: ofCheck, when: "DACL", name: "the existing token's DACL refuses",
				takes: "sd", needs: userOnly, only: documented, inject: func(w *world, _ *nt.DuplicateTokenIn) {
					w.closing = true
					for _, t := range w.owned {
						t.SetSecurity(closed())
					}
				}},
		}),
	absent: []absence{{"T-40", "NewTokenHandle", cFace}, longSACL},
})

// existing returns a new impersonation token of the client, for calls that open or duplicate a token. Its descriptor
// grants everyone everything, or nothing if closing is set; if naked is set, it has none.
func (w *world) existing(level winnt.SecurityImpersonationLevel) *se.TokenObject {
	d := open()
	if w.closing {
		d = closed()
	}
	if w.naked {
		d = nil
	}
	return w.token(clientSpec(level), d)
}
