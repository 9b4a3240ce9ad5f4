package refusals

import (
	"github.com/refmon/refmon/nt"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

var packageSID = func() sid.SID { s, _ := sid.New(15, 2, 1, 2, 3); return s }()

var _ = define(setup[*nt.CreateLowBoxTokenIn]{
	names: []string{"NtCreateLowBoxToken", "ZwCreateLowBoxToken"},
	base: func(w *world) *nt.CreateLowBoxTokenIn {
		return &nt.CreateLowBoxTokenIn{ExistingTokenHandle: w.handle(w.existing(2), winnt.TOKEN_ALL_ACCESS),
			DesiredAccess: winnt.TOKEN_QUERY, ObjectAttributes: nt.Cap(&nt.ObjectAttributes{}), PackageSID: nt.Cap(packageSID)}
	},
	refusals: join(
		handles("O-31", "ExistingTokenHandle", "ExistingTokenHandle",
			func(in *nt.CreateLowBoxTokenIn) *winnt.Handle {
				return &in.ExistingTokenHandle
			}, func(*world) winnt.Handle { return 0 })[:2],
		[]refusal[*nt.CreateLowBoxTokenIn]{
			{rule: "T-69", want: ntstatus.AccessDenied, of: ofHandle, name: "ExistingTokenHandle without TOKEN_DUPLICATE",
				takes: "ExistingTokenHandle", needs: userOnly, inject: func(w *world, in *nt.CreateLowBoxTokenIn) {
					in.ExistingTokenHandle = w.handle(w.existing(2), winnt.TOKEN_QUERY)
				}},
			{rule: "O-3", want: ntstatus.AccessViolation, name: "PackageSid unreadable", takes: "package", needs: pointers,
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { unreadable(&in.PackageSID) }},
			{rule: "O-22", want: ntstatus.InvalidParameter, name: "unknown attribute bits", takes: "oa.attributes.unknown",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { in.ObjectAttributes.V.Attributes |= 0x8000 }},
			exclusiveInherited("oa.attributes", func(in *nt.CreateLowBoxTokenIn) *uint32 {
				return &oaOf(&in.ObjectAttributes).Attributes
			}),
			{rule: "T-40", want: ntstatus.InvalidParameter, name: "SQOS level 4", takes: "oa.sqos",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) {
					in.ObjectAttributes.V.SecurityQualityOfService = &nt.SecurityQualityOfService{ImpersonationLevel: 4}
				}},
			{rule: "T-69", want: ntstatus.InvalidSID, name: "a malformed PackageSid", takes: "package",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { in.PackageSID = malformed[sid.SID]() }},
			{rule: "T-42", want: ntstatus.BadImpersonationLevel, name: "an Identification token", takes: "ExistingTokenHandle",
				inject: func(w *world, in *nt.CreateLowBoxTokenIn) {
					in.ExistingTokenHandle = w.handle(w.existing(1), winnt.TOKEN_ALL_ACCESS)
				}},
			{rule: "T-69", want: ntstatus.InvalidParameter, name: "a PackageSid of no package", takes: "package",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { in.PackageSID = nt.Cap(sid.Users) }},
			{rule: "O-31", want: ntstatus.InvalidHandle, when: "one of Handles", name: "one of Handles names nothing",
				takes: "handles", inject: func(_ *world, in *nt.CreateLowBoxTokenIn) {
					in.Handles = nt.Cap([]winnt.Handle{noHandle})
				}},
			{rule: "T-69", want: ntstatus.ObjectTypeMismatch, name: "one of Handles is a process", takes: "handles",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) {
					in.Handles = nt.Cap([]winnt.Handle{winnt.NtCurrentProcess})
				}},
			{rule: "O-81", want: ntstatus.InsufficientResources, name: "memory runs out", takes: "memory",
				inject: func(w *world, _ *nt.CreateLowBoxTokenIn) { w.failing["*"] = true }},
			{rule: "O-20", want: ntstatus.AccessDenied, name: "reserved bits", takes: "desired.reserved",
				inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { in.DesiredAccess |= 0x00400000 }},
			{rule: "O-21", want: ntstatus.AccessDenied, name: "bits a token does not know", takes: "desired.unknown",
				needs: userOnly, inject: func(_ *world, in *nt.CreateLowBoxTokenIn) { in.DesiredAccess |= 0x200 }},
			{rule: "O-30", want: ntstatus.PrivilegeNotHeld, name: "ACCESS_SYSTEM_SECURITY without privilege",
				takes: "desired.security", needs: userOnly, inject: func(_ *world, in *nt.CreateLowBoxTokenIn) {
					in.DesiredAccess |= winnt.ACCESS_SYSTEM_SECURITY
				}},
			{rule: "S-61", want: ntstatus.InvalidOwner, name: "an owner it may not assign", takes: "ObjectAttributes.sd",
				needs: userOnly, inject: func(_ *world, in *nt.CreateLowBoxTokenIn) {
					oaOf(&in.ObjectAttributes).SecurityDescriptor = open()
				}},
		}),
	absent: []absence{longSACL},
})
