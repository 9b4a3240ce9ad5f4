package sd_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// The creation algorithm of S-61 to S-70 gives the descriptors of the conformance cases. One case splits an entry
// (S-67).
func TestAssignFollowsTheCreationAlgorithm(t *testing.T) {
	file := winnt.FileObject.Mapping
	mapping := winnt.GenericMapping{Read: 0x21001, Write: 0x20002, Execute: 0x20004, All: 0x1F800F}
	user, _ := winnt.ParseGUID("bf967aba-0de6-11d0-a285-00aa003049e2")
	for _, c := range []struct {
		id, parent, creator, want string
		container                 bool
		flags                     sd.AutoInherit
		change                    func(*sd.AssignRequest)
	}{
		{id: "C-63 leaf", parent: "D:(A;OI;RC;;;WD)", want: og + "D:(A;;RC;;;WD)"},
		{id: "C-63 container", parent: "D:(A;OI;RC;;;WD)", container: true, want: og + "D:(A;OIIO;RC;;;WD)"},
		{id: "C-64 leaf", parent: "D:(A;CI;RC;;;WD)", want: og + "D:(A;;FA;;;SY)(A;;0x1200a9;;;BA)"},
		{id: "C-64 container", parent: "D:(A;CI;RC;;;WD)", container: true, want: og + "D:(A;CI;RC;;;WD)"},
		{id: "C-65 leaf", parent: "D:(A;OICI;RC;;;WD)", want: og + "D:(A;;RC;;;WD)"},
		{id: "C-65 container", parent: "D:(A;OICI;RC;;;WD)", container: true, want: og + "D:(A;OICI;RC;;;WD)"},
		{id: "C-66", parent: "D:(A;OICINP;RC;;;WD)", container: true, want: og + "D:(A;;RC;;;WD)"},
		{id: "C-67", parent: "D:(A;OICI;GR;;;CO)", creator: "O:BA", container: true,
			want:   "O:BAG:BUD:(A;;0x21001;;;BA)(A;OICIIO;GR;;;CO)",
			change: func(r *sd.AssignRequest) { r.Mapping, r.Subject.Restore = &mapping, true }},
		{id: "C-67 kernel object", parent: "D:(A;OICI;GR;;;CO)", creator: "O:BA", container: true,
			want:   "O:BAG:BUD:(A;;CCRC;;;BA)(A;OICIIO;GR;;;CO)",
			change: func(r *sd.AssignRequest) { r.Mapping, r.Subject.Restore, r.KernelObject = &mapping, true, true }},
		{id: "C-68", parent: "D:(A;OICI;RC;;;WD)", creator: "D:NO_ACCESS_CONTROL", want: og + "D:NO_ACCESS_CONTROL"},
		{id: "C-69", parent: "D:(A;OICI;RC;;;WD)", creator: "D:", want: og + "D:"},
		{id: "C-70", want: og + "D:(A;;FA;;;SY)(A;;0x1200a9;;;BA)"},
		{id: "C-75", parent: "D:(A;OI;CC;;;SY)", creator: "D:(A;;RC;;;BA)(A;ID;GA;;;WD)", flags: sd.DACLAutoInherit,
			want: og + "D:AI(A;;RC;;;BA)(A;ID;CC;;;SY)"},
		{id: "C-76", parent: "D:(A;OI;CC;;;SY)", creator: "D:P(A;;RC;;;BA)(A;ID;GA;;;WD)", flags: sd.DACLAutoInherit,
			want: og + "D:P(A;;RC;;;BA)(A;;FA;;;WD)"},
		{id: "C-77 user", parent: "D:(OA;CI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;SY)", container: true, want: og +
			"D:(A;;RP;;;SY)(OA;CIIO;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;SY)",
			change: func(r *sd.AssignRequest) { r.ObjectTypes = []winnt.GUID{user} }},
		{id: "C-77 computer", parent: "D:(OA;CI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;SY)", container: true,
			want: og + "D:(OA;CIIO;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;SY)"},
		{id: "S-69 property kept",
			parent: "D:(OA;OI;RP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;SY)",
			want:   og + "D:(OA;;RP;4c164200-20c0-11d0-a768-00aa006e0529;;SY)",
			change: func(r *sd.AssignRequest) { r.ObjectTypes = []winnt.GUID{user} }},
		{id: "S-69 the condition stays where the class goes",
			parent: "D:(ZA;OI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;WD;(@USER.x == 1))",
			want:   og + "D:(XA;;RP;;;WD;(@USER.x == 1))",
			change: func(r *sd.AssignRequest) { r.ObjectTypes = []winnt.GUID{user} }},
		{id: "S-69 leaf of another class", parent: "D:(OA;OI;RP;;bf967aba-0de6-11d0-a285-00aa003049e2;SY)", want: og +
			"D:(A;;FA;;;SY)(A;;0x1200a9;;;BA)"},
		{id: "C-82 AI", parent: "D:PAI(A;OI;RC;;;WD)", flags: sd.DACLAutoInherit, want: og + "D:AI(A;ID;RC;;;WD)"},
		{id: "C-82", parent: "D:P(A;OI;RC;;;WD)", want: og + "D:(A;;RC;;;WD)"},
		{id: "S-63 defaulted yields to the parent", parent: "D:(A;OI;RC;;;WD)", creator: "D:(A;;GA;;;BA)",
			flags: sd.DefaultDescriptor, want: og + "D:(A;;RC;;;WD)"},
		{id: "S-63 defaulted, nothing inheritable", parent: "D:(A;;RC;;;WD)", creator: "D:(A;;GA;;;BA)",
			flags: sd.DefaultDescriptor, want: og + "D:(A;;FA;;;BA)"},
		{id: "S-63 defaulted, nothing inheritable, marks of inheritance", parent: "D:(A;;RC;;;WD)",
			creator: "D:(A;ID;GA;;;BA)", flags: sd.DefaultDescriptor | sd.DACLAutoInherit, want: og + "D:AI(A;;FA;;;BA)"},
		{id: "S-63 lists that the creator marks as defaulted yield", parent: "D:(A;OI;RC;;;WD)S:(AU;OISA;CC;;;SY)",
			flags: sd.AvoidPrivilegeCheck, change: func(r *sd.AssignRequest) {
				p := sddl.MustParse("D:(A;;GA;;;BA)S:(AU;SA;RC;;;BA)").Parts()
				p.Control |= sd.DACLDefaulted | sd.SACLDefaulted
				r.Creator = sd.New(p)
			}, want: og + "D:(A;;RC;;;WD)S:(AU;SA;CC;;;SY)"},
		{id: "S-63 creator wins", parent: "D:(A;OI;RC;;;WD)", creator: "D:(A;ID;GA;;;BA)", want: og + "D:(A;;FA;;;BA)"},
		{id: "S-63 defaulted, nothing inheritable, split with auto-inherit", parent: "D:(A;;RC;;;WD)",
			creator: "D:(A;OICI;GA;;;CO)", container: true, flags: sd.DefaultDescriptor | sd.DACLAutoInherit,
			want: og + "D:AI(A;;FA;;;S-1-5-21-1-2-3-1107)(A;OICIIO;GA;;;CO)"},
		{id: "S-62 the creator's group", parent: "G:BAD:(A;OI;RC;;;WD)", creator: "G:SY",
			want: "O:S-1-5-21-1-2-3-1107G:SYD:(A;;RC;;;WD)"},
		{id: "S-64 request kept", creator: "D:AR(A;;GA;;;BA)", want: og + "D:AR(A;;FA;;;BA)"},
		{id: "S-65 inherit-only without heirs kept", creator: "D:(A;IO;GA;;;BA)(A;OIIO;GA;;;BA)", want: og +
			"D:(A;IO;GA;;;BA)(A;OIIO;GA;;;BA)"},
		{id: "S-65 inherit-only without heirs kept, auto-inherit", creator: "D:(A;IO;GA;;;CO)(A;;RC;;;BA)", container: true,
			flags: sd.DACLAutoInherit, want: og + "D:AI(A;IO;GA;;;CO)(A;;RC;;;BA)"},
		{id: "S-65 inherit-only without heirs kept in a SACL", creator: "D:S:(AU;IOSA;GA;;;BA)",
			flags: sd.AvoidPrivilegeCheck, want: og + "D:S:(AU;IOSA;GA;;;BA)"},
		{id: "S-65 kernel object, explicit", creator: "D:(A;;GRGX;;;BA)(D;;0x5000;;;BU)(A;IO;GR;;;SY)",
			want: og + "D:(A;;CCLCRC;;;BA)(D;;;;;BU)(A;IO;GR;;;SY)", change: kernelObject},
		{id: "S-65 kernel object, default list", want: og + "D:(A;;0x1f800f;;;SY)(A;;CCLCRC;;;BA)", change: kernelObject},
		{id: "S-65 kernel object, inherited", parent: "D:(A;OI;GRGX;;;WD)(A;OI;0x5001;;;BU)", want: og +
			"D:(A;;CCLCRC;;;WD)(A;;CC;;;BU)", change: kernelObject},
		{id: "S-65 kernel object, audit", creator: "D:S:(AU;SA;GRGX;;;WD)", flags: sd.AvoidPrivilegeCheck,
			want: og + "D:S:(AU;SA;CCLCRC;;;WD)", change: kernelObject},
		{id: "S-65 kernel object, what is not an access mask stays", flags: sd.AvoidPrivilegeCheck,
			parent: "S:(SP;OI;0x5001;;;S-1-17-1)", creator: "D:S:(ML;;0x5007;;;HI)",
			want: og + "D:S:(ML;;0x5007;;;HI)(SP;;0x5001;;;S-1-17-1)", change: kernelObject},
		{id: "S-65 no substitution", creator: "D:(A;OICI;GA;;;CO)", container: true, want: og + "D:(A;OICI;FA;;;CO)"},
		{id: "S-65 split with auto-inherit", creator: "D:(A;OICI;GA;;;CO)", container: true, flags: sd.DACLAutoInherit,
			want: og + "D:AI(A;;FA;;;S-1-5-21-1-2-3-1107)(A;OICIIO;GA;;;CO)"},
		{id: "S-65, S-67 a split entry that goes one level", creator: "D:(A;OICINP;GA;;;CO)", container: true,
			flags: sd.DACLAutoInherit, want: og + "D:AI(A;;FA;;;S-1-5-21-1-2-3-1107)(A;OICINPIO;GA;;;CO)"},
		{id: "S-65, S-67 the same in a SACL", creator: "D:S:(AU;OICINPSA;GA;;;WD)", container: true,
			flags: sd.SACLAutoInherit | sd.AvoidPrivilegeCheck, want: og + "D:S:AI(AU;SA;FA;;;WD)(AU;OICINPIOSA;GA;;;WD)"},
		{id: "S-64 the SACL alone is protected", parent: "D:(A;OI;CC;;;SY)S:(AU;OISA;CC;;;SY)",
			creator: "D:(A;;RC;;;BA)S:P(AU;SA;RC;;;BA)",
			flags:   sd.DACLAutoInherit | sd.SACLAutoInherit | sd.AvoidPrivilegeCheck, want: og +
				"D:AI(A;;RC;;;BA)(A;ID;CC;;;SY)S:P(AU;SA;RC;;;BA)"},
		{id: "S-64 the DACL alone is protected", parent: "D:(A;OI;CC;;;SY)S:(AU;OISA;CC;;;SY)",
			creator: "D:P(A;;RC;;;BA)S:(AU;SA;RC;;;BA)",
			flags:   sd.DACLAutoInherit | sd.SACLAutoInherit | sd.AvoidPrivilegeCheck, want: og +
				"D:P(A;;RC;;;BA)S:AI(AU;SA;RC;;;BA)(AU;IDSA;CC;;;SY)"},
		{id: "S-63 auto-inheritance of the SACL alone", parent: "D:(A;OI;CC;;;SY)S:(AU;OISA;CC;;;SY)",
			creator: "D:(A;;RC;;;BA)S:(AU;SA;RC;;;BA)", flags: sd.SACLAutoInherit | sd.AvoidPrivilegeCheck,
			want: og + "D:(A;;RC;;;BA)S:AI(AU;SA;RC;;;BA)(AU;IDSA;CC;;;SY)"},
		{id: "S-63 defaulted SACL yields", parent: "S:(AU;OISA;CC;;;SY)", creator: "D:S:(AU;SA;RC;;;BA)",
			flags: sd.DefaultDescriptor | sd.AvoidPrivilegeCheck, want: og + "D:S:(AU;SA;CC;;;SY)"},
		{id: "S-63 a NULL SACL stays", parent: "S:(AU;OISA;CC;;;SY)", creator: "D:S:NO_ACCESS_CONTROL",
			flags: sd.AvoidPrivilegeCheck, want: og + "D:S:NO_ACCESS_CONTROL"},
		{id: "S-64 protected without a list", parent: "D:(A;OI;CC;;;SY)", change: func(r *sd.AssignRequest) {
			r.Creator = sd.New(sd.Parts{Control: sd.DACLProtected})
		}, want: og + "D:P(A;;FA;;;SY)(A;;0x1200a9;;;BA)"},
		{id: "S-63 marks of inheritance without auto-inherit", parent: "D:(A;OI;CC;;;SY)", creator: "D:(A;ID;RC;;;BA)",
			want: og + "D:(A;;RC;;;BA)"},
		{id: "S-64 requests of both lists kept", creator: "D:AR(A;;GA;;;BA)S:AR(AU;SA;GA;;;BA)",
			flags: sd.AvoidPrivilegeCheck, want: og + "D:AR(A;;FA;;;BA)S:AR(AU;SA;FA;;;BA)"},
		{id: "S-68 group and server", parent: "D:(A;OI;CC;;;CG)(A;OI;CC;;;S-1-3-2)(A;OI;CC;;;S-1-3-3)(A;OI;CC;;;OW)",
			want: og + "D:(A;;CC;;;BU)(A;;CC;;;SY)(A;;CC;;;BA)(A;;CC;;;OW)",
			change: func(r *sd.AssignRequest) {
				r.Subject.ServerOwner, r.Subject.ServerGroup = sid.LocalSystem, sid.Administrators
			}},
		{id: "S-70 attributes pass a protected list",
			parent:  `S:(AU;OISA;FA;;;WD)(RA;OI;;;;WD;("a",TI,0x2,1))(RA;OI;;;;WD;("b",TI,0x3,1))(SP;OI;;;;S-1-17-1)`,
			creator: "D:S:P(AU;SA;CC;;;WD)", flags: sd.SACLAutoInherit | sd.AvoidPrivilegeCheck,
			want: og + `D:S:P(AU;SA;CC;;;WD)(RA;ID;;;;WD;("a",TI,0x2,1))(SP;ID;;;;S-1-17-1)`},
		{id: "S-70 audit and label", parent: "S:(AU;OISAFA;FA;;;WD)(ML;OICI;NW;;;HI)", creator: "D:", want: og +
			"D:S:(AU;SAFA;FA;;;WD)(ML;;NW;;;HI)"},
		{id: "S-70 low token", creator: "D:", want: og + "D:S:(ML;;NW;;;LW)",
			change: func(r *sd.AssignRequest) { r.Subject.Integrity = sid.LowLevel }},
		{id: "S-70 label by flags", creator: "D:", flags: sd.LabelNoReadUp | sd.LabelNoExecuteUp, want: og +
			"D:S:(ML;;NRNX;;;ME)"},
		{id: "S-77 a label that is added stands first", parent: "S:(AU;OISAFA;FA;;;WD)", creator: "D:",
			flags: sd.LabelNoWriteUp, want: og + "D:S:(ML;;NW;;;ME)(AU;SAFA;FA;;;WD)"},
		{id: "S-63 marked entries of a protected SACL stay, beside what passes it",
			parent:  `S:(AU;OISA;FA;;;WD)(RA;OI;;;;WD;("a",TI,0x0,1))`,
			creator: "D:S:P(AU;IDSA;CC;;;WD)", flags: sd.SACLAutoInherit | sd.AvoidPrivilegeCheck,
			want: og + `D:S:P(AU;SA;CC;;;WD)(RA;ID;;;;WD;("a",TI,0x0,1))`},
		{id: "S-67 on a leaf there is one form", creator: "D:(A;OICI;GA;;;CO)", flags: sd.DACLAutoInherit,
			want: og + "D:AI(A;OICI;FA;;;S-1-5-21-1-2-3-1107)"},
		{id: "S-72 a leaf inherits nothing", parent: "D:(A;CI;CC;;;SY)", creator: "D:(A;;GA;;;BA)",
			flags: sd.DefaultDescriptor, want: og + "D:(A;;FA;;;BA)"},
		{id: "S-63, S-65 entries of the token's default list, marked as inherited and with a placeholder", container: true,
			flags: sd.DACLAutoInherit, want: og + "D:AI(A;;FA;;;SY)(A;OICI;FA;;;CO)", change: func(r *sd.AssignRequest) {
				r.Subject.DefaultDACL = sddl.MustParse("D:(A;ID;GA;;;SY)(A;OICI;GA;;;CO)").DACL()
			}},
		{id: "S-72", parent: "D:NO_ACCESS_CONTROL", want: og + "D:(A;;FA;;;SY)(A;;0x1200a9;;;BA)"},
	} {
		t.Run(c.id, func(t *testing.T) {
			r := &sd.AssignRequest{Parent: parse(c.parent), Creator: parse(c.creator), IsContainer: c.container,
				Flags: c.flags, Subject: caller(), Mapping: &file}
			if c.change != nil {
				c.change(r)
			}
			d := check.Result(sd.Assign(r))
			got := text(t, d)
			check.That(t, got == c.want, "descriptor %s\nwant %s", got, c.want)
		})
	}
}

// Each reason to refuse the creation has its own status (S-60, S-61, S-62, S-71).
func TestAssignRefusesWithStatusOfRule(t *testing.T) {
	for _, c := range []struct {
		id, parent, creator string
		flags               sd.AutoInherit
		change              func(*sd.AssignRequest)
		want                ntstatus.Status
	}{
		{"C-71", "", "", 0, func(r *sd.AssignRequest) { r.Subject = nil }, ntstatus.NoToken},
		{"S-60 with an owner", "", "O:BAG:BA", sd.AvoidOwnerCheck, func(r *sd.AssignRequest) { r.Subject = nil },
			ntstatus.NoToken},
		{"S-60 with a parent", "O:BAG:BA", "", sd.DefaultOwnerFromParent | sd.DefaultGroupFromParent,
			func(r *sd.AssignRequest) { r.Subject = nil }, ntstatus.NoToken},
		{"C-72 no parent", "", "", sd.DefaultOwnerFromParent, nil, ntstatus.InvalidOwner},
		{"C-72 parent without owner", "G:BU", "", sd.DefaultOwnerFromParent, nil, ntstatus.InvalidOwner},
		{"C-73", "O:BA", "", sd.DefaultGroupFromParent, nil, ntstatus.InvalidPrimaryGroup},
		{"C-74", "", "O:BA", 0, nil, ntstatus.InvalidOwner},
		{"C-74 with the privilege", "", "O:BA", 0, func(r *sd.AssignRequest) { r.Subject.Restore = true }, ntstatus.Success},
		{"S-61 owner group", "", "O:BA", 0, func(r *sd.AssignRequest) {
			r.Subject.MayOwn = func(s sid.SID) bool { return s == sid.Administrators }
		}, ntstatus.Success},
		{"S-61 not checked", "", "O:BA", sd.AvoidOwnerCheck, nil, ntstatus.Success},
		{"S-61 kernel", "", "O:BA", 0, func(r *sd.AssignRequest) { r.Subject.Kernel = true }, ntstatus.Success},
		{"S-61 parent's owner", "O:S-1-5-21-1-2-3-1107", "", sd.DefaultOwnerFromParent, nil, ntstatus.Success},
		{"S-61 the owner of another's parent", "O:BA", "", sd.DefaultOwnerFromParent, nil, ntstatus.InvalidOwner},
		{"S-62 none", "", "", 0, func(r *sd.AssignRequest) { r.Subject.Group = sid.SID{} }, ntstatus.InvalidPrimaryGroup},
		{"S-62 group of the parent", "G:BA", "", sd.DefaultGroupFromParent, nil, ntstatus.Success},
		{"S-71", "", "S:(AU;SA;FA;;;WD)", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 with the privilege", "", "S:(AU;SA;FA;;;WD)", 0, func(r *sd.AssignRequest) { r.Subject.Security = true },
			ntstatus.Success},
		{"S-71 not checked", "", "S:(AU;SA;FA;;;WD)", sd.AvoidPrivilegeCheck, nil, ntstatus.Success},
		{"S-71 avoiding the owner check only", "", "S:(AU;SA;FA;;;WD)", sd.AvoidOwnerCheck, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 an empty list", "", "D:S:", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 a NULL list", "", "D:S:NO_ACCESS_CONTROL", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 own label", "", "S:(ML;;NW;;;ME)", 0, nil, ntstatus.Success},
		{"S-71 higher label", "", "S:(ML;;NW;;;HI)", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 higher label for children only", "", "S:(ML;OICIIO;NW;;;HI)", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 higher label after another", "", "S:(ML;;NW;;;ME)(ML;;NW;;;HI)", 0, nil, ntstatus.PrivilegeNotHeld},
		{"S-71 kernel", "", "S:(ML;;NW;;;HI)", 0, func(r *sd.AssignRequest) { r.Subject.Kernel = true }, ntstatus.Success},
		{"S-71 relabel", "", "S:(ML;;NW;;;HI)", 0, func(r *sd.AssignRequest) { r.Subject.Relabel = true }, ntstatus.Success},
		{"S-71 relabel, no label", "", "S:(AU;SA;FA;;;WD)", 0, func(r *sd.AssignRequest) { r.Subject.Relabel = true },
			ntstatus.PrivilegeNotHeld},
		{"S-71 security privilege and a label", "", "S:(ML;;NW;;;HI)", 0,
			func(r *sd.AssignRequest) { r.Subject.Security = true }, ntstatus.PrivilegeNotHeld},
		{"S-71 a label, then another entry", "", "S:(ML;;NW;;;ME)(AU;SA;FA;;;WD)", 0, nil, ntstatus.PrivilegeNotHeld},
	} {
		t.Run(c.id, func(t *testing.T) {
			r := &sd.AssignRequest{Parent: parse(c.parent), Creator: parse(c.creator), Flags: c.flags, Subject: caller()}
			if c.change != nil {
				c.change(r)
			}
			check.Equal(t, check.Status(sd.Assign(r)), c.want, "Assign")
		})
	}
}

// The new descriptor is never marked as defaulted. It keeps the creator's resource manager control byte (S-64).
func TestAssignKeepsResourceManagerControl(t *testing.T) {
	p := parse("O:S-1-5-21-1-2-3-1107G:BUD:(A;;GA;;;BA)").Parts()
	p.Control |= sd.OwnerDefaulted | sd.GroupDefaulted | sd.DACLDefaulted | sd.RMControlValid
	p.RMControl = 7
	d, st := sd.Assign(&sd.AssignRequest{Creator: sd.New(p), Subject: caller()})
	if st != ntstatus.Success || d.Control() != sd.SelfRelative|sd.DACLPresent|sd.RMControlValid || d.RMControl() != 7 {
		t.Errorf("Assign = %v with control %#x and byte %d, want %v, %#x, 7", st, d.Control(), d.RMControl(),
			ntstatus.Success, sd.SelfRelative|sd.DACLPresent|sd.RMControlValid)
	}
}

func ExampleAssign() {
	parent := sddl.MustParse("D:AI(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)")
	d, st := sd.Assign(&sd.AssignRequest{
		Parent:      parent,
		IsContainer: true,
		Flags:       sd.DACLAutoInherit,
		Subject:     &sd.Caller{Owner: sid.LocalService, Group: sid.Users},
		Mapping:     &winnt.FileObject.Mapping,
	})
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(st, text)
	// Output: STATUS_SUCCESS O:LSG:BUD:AI(A;OICIID;FA;;;BA)(A;ID;FA;;;LS)(A;OICIIOID;GA;;;CO)
}

// TestAssignReportsFirstError starts with every error and corrects one after the other. The status is always that of
// the first remaining error: subject, owner, group, SACL, length of the lists (S-60, S-61, S-62, S-71).
func TestAssignReportsFirstError(t *testing.T) {
	r := &sd.AssignRequest{
		Parent: with(parse("D:S:"), func(p *sd.Parts) {
			p.DACL = filler(t, sd.AccessAllowed, sd.ObjectInherit, 5)
			p.SACL = filler(t, sd.SystemAudit, sd.ObjectInherit|sd.SuccessfulAccess, 5)
		}),
		Creator: with(parse("D:S:"), func(p *sd.Parts) {
			p.DACL = filler(t, sd.AccessAllowed, 0, most-20)
			p.SACL = filler(t, sd.SystemAudit, sd.SuccessfulAccess, most-20)
		}),
		Flags: sd.DACLAutoInherit | sd.SACLAutoInherit | sd.DefaultOwnerFromParent | sd.DefaultGroupFromParent,
	}
	for _, m := range []struct {
		what string
		mend func()
		want ntstatus.Status
	}{
		{"S-60", func() {}, ntstatus.NoToken},
		{"S-61 no owner of the parent", func() { r.Subject = caller() }, ntstatus.InvalidOwner},
		{"S-61 no owner of the token", func() {
			r.Flags &^= sd.DefaultOwnerFromParent
			r.Subject.Owner = sid.SID{}
		}, ntstatus.InvalidOwner},
		{"S-61 an owner that is not allowed", func() { r.Creator = with(r.Creator, func(p *sd.Parts) { p.Owner = bob }) },
			ntstatus.InvalidOwner},
		{"S-62 no group of the parent", func() { r.Subject.Owner = bob }, ntstatus.InvalidPrimaryGroup},
		{"S-71", func() { r.Flags &^= sd.DefaultGroupFromParent }, ntstatus.PrivilegeNotHeld},
		{"the DACL is too long", func() { r.Subject.Security = true }, ntstatus.InvalidACL},
		{"the SACL is too long", func() { r.Flags &^= sd.DACLAutoInherit }, ntstatus.InvalidACL},
		{"no error left", func() { r.Flags &^= sd.SACLAutoInherit }, ntstatus.Success},
	} {
		m.mend()
		d, st := sd.Assign(r)
		check.That(t, st == m.want && (d != nil) == (st == ntstatus.Success), "up to %s: %v, want %v", m.what, st, m.want)
	}
}

// NULL, protected and labelled lists are inherited as S-63 and S-70 say.
func TestAssignNULLProtectedAndLabelledLists(t *testing.T) {
	const attribute = `(RA;OI;;;;WD;("a",TI,0x0,1))`
	for name, c := range map[string]struct {
		parent, creator string
		flags           sd.AutoInherit
		change          func(r *sd.AssignRequest)
		want            string
	}{
		"S-70 attributes are added to a protected NULL list": {"S:(AU;OISA;FA;;;WD)" + attribute,
			"D:S:PNO_ACCESS_CONTROL", 0, nil, og + `D:S:P(RA;;;;;WD;("a",TI,0x0,1))`},
		"S-70 attributes and a NULL list": {"S:(AU;OISA;FA;;;WD)" + attribute, "D:S:NO_ACCESS_CONTROL", 0, nil,
			og + "D:S:NO_ACCESS_CONTROL"},
		"S-70 an existing label is kept": {"", "D:S:(AU;SA;FA;;;WD)(ML;;NR;;;LW)", sd.LabelNoWriteUp, nil,
			og + "D:S:(AU;SA;FA;;;WD)(ML;;NR;;;LW)"},
		"S-70 a NULL list gets a label": {"", "D:S:NO_ACCESS_CONTROL", sd.LabelNoWriteUp, nil, og + "D:S:(ML;;NW;;;ME)"},
		"S-70 a label requested by flags has the token's level": {"", "D:", sd.LabelNoWriteUp | sd.LabelNoExecuteUp,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.HighLevel }, og + "D:S:(ML;;NWNX;;;HI)"},
		"S-70 a low token and a label by flags": {"", "D:", sd.LabelNoReadUp,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.LowLevel }, og + "D:S:(ML;;NR;;;LW)"},
		"S-70 a low token and an inherited label": {"S:(ML;OI;NW;;;HI)", "D:", 0,
			func(r *sd.AssignRequest) { r.Subject.Integrity = sid.LowLevel }, og + "D:S:(ML;;NW;;;HI)"},
		"S-70 a parent's label that is not inheritable is ignored": {"S:(ML;;NR;;;HI)", "D:", sd.LabelNoWriteUp, nil,
			og + "D:S:(ML;;NW;;;ME)"},
		"S-70 an inherit-only label is for children": {"", "D:S:(ML;OICIIO;NR;;;LW)", 0,
			func(r *sd.AssignRequest) { r.IsContainer, r.Subject.Integrity = true, sid.LowLevel },
			og + "D:S:(ML;;NW;;;LW)(ML;OICIIO;NR;;;LW)"},
		"S-70 a container inherits a label for objects only": {"S:(ML;OI;NW;;;HI)", "D:", 0,
			func(r *sd.AssignRequest) { r.IsContainer, r.Subject.Integrity = true, sid.LowLevel },
			og + "D:S:(ML;;NW;;;LW)(ML;OIIO;NW;;;HI)"},
		"S-70 a label for containers only is ignored": {"S:(ML;CI;NR;;;HI)", "D:", sd.LabelNoWriteUp, nil,
			og + "D:S:(ML;;NW;;;ME)"},
		"S-67 an entry that is not inheritable is not split": {"", "D:S:(AU;SA;GA;;;WD)", sd.SACLAutoInherit,
			func(r *sd.AssignRequest) { r.IsContainer = true }, og + "D:S:AI(AU;SA;FA;;;WD)"},
		"S-67 a critical entry is not split": {"", "D:S:(FL;CR;GA;;;WD;(@User.a==1))", sd.SACLAutoInherit,
			func(r *sd.AssignRequest) { r.IsContainer = true }, og + "D:S:AI(FL;CR;FA;;;WD;(@USER.a == 1))"},
		"S-63 no list, so everyone has access": {"", "", 0, func(r *sd.AssignRequest) { r.Subject.DefaultDACL = nil },
			og + "D:NO_ACCESS_CONTROL"},
		"S-63 a NULL list stays although there is a default": {"D:(A;OI;FA;;;WD)", "D:NO_ACCESS_CONTROL", 0, nil,
			og + "D:NO_ACCESS_CONTROL"},
		"S-63 a defaulted NULL list stays": {"D:(A;OI;FA;;;WD)", "D:NO_ACCESS_CONTROL",
			sd.DefaultDescriptor, nil, og + "D:NO_ACCESS_CONTROL"},
		"S-63 an empty list stays": {"D:(A;OI;FA;;;WD)", "D:", 0, nil, og + "D:"},
		"S-63 an empty list of the creator follows its parent": {"D:(A;OI;CC;;;WD)", "D:", sd.DACLAutoInherit, nil,
			og + "D:AI(A;ID;CC;;;WD)"},
	} {
		r := &sd.AssignRequest{Parent: parse(c.parent), Creator: parse(c.creator), Flags: c.flags |
			sd.AvoidPrivilegeCheck, Subject: caller(), Mapping: &winnt.FileObject.Mapping}
		if c.change != nil {
			c.change(r)
		}
		d, st := sd.Assign(r)
		check.That(t, st == ntstatus.Success && text(t, d) == c.want,
			"%s: %v\n got %s\nwant %s", name, st, text(t, d), c.want)
	}
}
