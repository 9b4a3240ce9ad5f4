package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The reasons of opens, through the access check.
func TestReasons(t *testing.T) {
	const u = "S-1-5-21-1-2-3-1107"
	const sacl = "S:(AU;SAFA;FA;;;WD)"
	with := func(change func(*token.Spec)) func(*token.Spec) { return change }
	holds := func(p winnt.Privilege) func(*token.Spec) {
		return func(s *token.Spec) { s.Privileges, s.EnabledPrivileges = p.Bit(), p.Bit() }
	}
	for _, c := range []struct {
		name    string
		change  func(*token.Spec)
		sd      string
		desired winnt.AccessMask
		want    []string
	}{
		{"UC-45 owner", nil, "O:" + u + "G:SYD:(A;;0x1;;;WD)S:(AU;SA;RC;;;WD)", winnt.READ_CONTROL,
			[]string{"%%1538:\t%%1804"}},
		{"UC-46 NULL DACL", nil, "O:SYG:SYD:NO_ACCESS_CONTROL" + sacl, 1, []string{"%%4416:\t%%1806"}},
		{"UC-47 empty DACL", nil, "O:SYG:SYD:" + sacl, 1, []string{"%%4416:\t%%1807"}},
		{"UC-48 integrity", with(func(s *token.Spec) { s.Integrity = sid.MustParse("S-1-16-4096") }),
			"O:SYG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;ME)(AU;SAFA;FA;;;WD)", 2, []string{"%%4417:\t%%1803"}},
		{"UC-49 take ownership", holds(winnt.SeTakeOwnershipPrivilege), "O:SYG:SYD:(A;;0x1;;;WD)" + sacl,
			winnt.WRITE_OWNER, []string{"%%1540:\t%%1801\tSeTakeOwnershipPrivilege"}},
		{"UC-50 system security", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(AU;FA;0x1000000;;;WD)", winnt.ACCESS_SYSTEM_SECURITY,
			[]string{"%%1542:\t%%1810\tSeSecurityPrivilege"}},
		{"UC-63 deny ends the walk", nil, "O:SYG:SYD:(D;;0x2;;;" + u + ")(A;;FA;;;" + u + ")" + sacl, 0x100003,
			[]string{"%%1541:\t%%1809", "%%4416:\t%%1809", "%%4417:\t%%1802\tD:(D;;DC;;;" + u + ")"}},
		{"UC-63 decided before", nil, "O:SYG:SYD:(A;;SYNCHRONIZE;;;WD)(D;;0x2;;;" + u + ")(A;;FA;;;" + u + ")" + sacl,
			0x100003,
			[]string{"%%1541:\t%%1801\tD:(A;;0x100000;;;WD)", "%%4416:\t%%1809",
				"%%4417:\t%%1802\tD:(D;;DC;;;" + u + ")"}},
		{"restricted pass", with(func(s *token.Spec) { s.Restricted = []token.Group{{SID: groupG}} }),
			"O:SYG:SYD:(A;;FA;;;WD)" + sacl, 1, []string{"%%4416:\t%%1805"}},
		{"UC-64 AppContainer pass", with(func(s *token.Spec) { s.Package = sid.MustParse("S-1-15-2-1-2-3-4-5-6-7") }),
			"O:SYG:SYD:(A;;FA;;;WD)" + sacl, 1, []string{"%%4416:\t%%1830"}},
		{"trust label", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(TL;;0x2;;;S-1-19-512-1024)(AU;FA;FA;;;WD)", 1,
			[]string{"%%4416:\t%%1841\tS:(TL;;DC;;;S-1-19-512-1024)"}},
		{"access filter", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(FL;;0x2;;;WD;(@User.Absent == 1))(AU;FA;FA;;;WD)", 1,
			[]string{"%%4416:\t%%1805\tS:(FL;;DC;;;WD;(@USER.Absent == 1))"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := specU()
			if c.change != nil {
				c.change(&s)
			}
			o := open(t, standardPolicy(t), access.Subject{Primary: mustToken(t, s)},
				strings.Replace(c.sd, "SYNCHRONIZE", "0x100000", 1), c.desired)
			if len(o.events) == 0 {
				t.Fatalf("no event; decision %+v", o.dec)
			}
			if got := items(o.events[0], "AccessReason"); !slices.Equal(got, c.want) {
				t.Errorf("AccessReason\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// UC-65: a kernel object has no reasons, and its own task.
func TestNoReasonsForKernelObjects(t *testing.T) {
	p := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth}})
	for _, typ := range []*winnt.ObjectType{winnt.EventObject, winnt.SectionObject} {
		o := openObject(t, p, typ, access.Subject{Primary: tokenU(t)},
			sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)"), 1)
		if len(o.events) != 1 || o.events[0].Task() != 12802 || field(t, o.events[0], "AccessReason") != "-" {
			t.Errorf("UC-65 %s: %v", typ.Name, ids(o.events))
		}
	}
}

// UC-49, UC-50, U-17: privileges used for the access have an event of their
// own, whatever the SACL says; those exempt by default have none.
func TestPrivilegeUseOfOpens(t *testing.T) {
	p := mustPolicy(t,
		audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.SensitivePrivilegeUse: audit.OnBoth,
			audit.NonSensitivePrivilegeUse: audit.OnBoth}})
	for _, c := range []struct {
		name      string
		privilege winnt.Privilege
		desired   winnt.AccessMask
		task      uint16
	}{
		{"UC-49", winnt.SeTakeOwnershipPrivilege, winnt.WRITE_OWNER, 13056},
		{"UC-69 relabel", winnt.SeRelabelPrivilege, winnt.WRITE_OWNER, 13057},
		{"UC-69 security", winnt.SeSecurityPrivilege, winnt.ACCESS_SYSTEM_SECURITY, 13056},
	} {
		s := specU()
		s.Privileges, s.EnabledPrivileges = c.privilege.Bit(), c.privilege.Bit()
		o := open(t, p, access.Subject{Primary: mustToken(t, s)}, "O:SYG:SYD:(A;;0x1;;;WD)", c.desired)
		if !slices.Equal(ids(o.events), []int{4674}) || o.events[0].Task() != c.task ||
			field(t, o.events[0], "PrivilegeList") != c.privilege.String() {
			t.Errorf("U-17 %s: events %v", c.name, ids(o.events))
		}
	}
	both := specU()
	both.Privileges, both.EnabledPrivileges = winnt.SeTakeOwnershipPrivilege.Bit(), winnt.SeTakeOwnershipPrivilege.Bit()
	o := open(t, p, access.Subject{Primary: mustToken(t, both)}, "O:SYG:SYD:(A;;0x1;;;WD)",
		winnt.WRITE_OWNER|winnt.DELETE)
	if len(o.events) != 1 || o.events[0].Outcome != audit.Failure || field(t, o.events[0], "HandleId") != "0x0" {
		t.Errorf("U-17: a privilege used in vain is recorded without a handle: %v", ids(o.events))
	}
	s := specU()
	s.Privileges, s.EnabledPrivileges = winnt.SeBackupPrivilege.Bit(), winnt.SeBackupPrivilege.Bit()
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:"), Subject: access.Subject{Primary: mustToken(t, s)},
		Desired: 1, Type: winnt.FileObject, Intent: access.Intent{Backup: true}}
	dec, err := access.SeAccessCheck(&r)
	if err != nil || !dec.Allowed() || dec.PrivilegesUsed == 0 {
		t.Fatalf("backup open: %+v %v", dec, err)
	}
	var sink audit.Memory
	log := audit.Log{Sink: &sink}
	log.Policy.Store(p)
	log.Opened(&audit.Opening{Object: audit.Object{Type: "File"}, Request: &r, Decision: dec})
	if sink.Len() != 0 {
		t.Error("U-17: SeBackupPrivilege is exempt without FullPrivilegeAuditing")
	}
}

// A decision told by a server has no reasons; neither has one of an outside
// central access rule that is named directly behind its code.
func TestReasonTexts(t *testing.T) {
	from := origin(t)
	file := audit.Object{Type: "File"}
	e := audit.HandleRequested(from, file, audit.HandleRequest{Access: 3})
	if field(t, e, "AccessReason") != "-" {
		t.Error("without reasons the field is -")
	}
	e = audit.HandleRequested(from, file, audit.HandleRequest{Outcome: audit.Failure, Access: 3,
		Reasons: []audit.Reason{{Bits: 1, Code: 1814, Name: "Finance"}}})
	if got, want := items(e, "AccessReason"), []string{"%%4416:\t%%1814Finance", "%%4417:\t%%1809"}; !slices.Equal(got,
		want) {
		t.Errorf("AccessReason %q, want %q", got, want)
	}
	// The first reason that names a bit is that of the bit.
	e = audit.HandleRequested(from, file, audit.HandleRequest{Access: 7, Reasons: []audit.Reason{
		{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 3, Code: 1804}, {Bits: 7, Code: 1805}}})
	if got, want := items(e, "AccessReason"), []string{"%%4416:\t%%1801\tD:(A;;FR;;;WD)", "%%4417:\t%%1804",
		"%%4418:\t%%1805"}; !slices.Equal(got, want) {
		t.Errorf("AccessReason %q, want %q", got, want)
	}
	// Only files have resource attributes in their records (U-57).
	for typ, want := range map[string]string{"File": "S:AI", "Key": "-"} {
		e = audit.ObjectAccessed(from, audit.Object{Type: typ}, 1, nil)
		if got := field(t, e, "ResourceAttributes"); got != want {
			t.Errorf("%s: ResourceAttributes %q, want %q", typ, got, want)
		}
	}
	long := "D:(A;;FA;;;" + strings.Repeat("x", 5000) + ")"
	e = audit.HandleRequested(from, file, audit.HandleRequest{Access: 1,
		Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: long}}})
	if got, want := items(e, "AccessReason"), []string{"%%4416:\t%%1801\t%%1828"}; !slices.Equal(got, want) {
		t.Errorf("a long entry shows as %q, want %q", got, want)
	}
	var aces []sd.ACE
	for i := range 300 {
		a, err := sd.NewACE(sd.AccessAllowed, 0, 1, userU.Prefix().WithRID(uint32(5000+i)))
		if err != nil {
			t.Fatal(err)
		}
		aces = append(aces, a)
	}
	dacl, err := sd.NewACL(aces...)
	if err != nil {
		t.Fatal(err)
	}
	big := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: dacl})
	e = audit.PermissionsChanged(from, file, nil, big, winnt.DACL_SECURITY_INFORMATION)
	if field(t, e, "OldSd") != "-" || field(t, e, "NewSd") != "%%1829" {
		t.Errorf("OldSd %q NewSd %q", field(t, e, "OldSd"), field(t, e, "NewSd"))
	}
}

// A bit that a central access rule refused carries the rule's name.
func TestCentralRuleReason(t *testing.T) {
	id := sid.MustParse("S-1-17-1")
	r := access.Request{
		Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(SP;;;;;S-1-17-1)(AU;FA;FA;;;WD)"),
		Subject:    access.Subject{Primary: tokenU(t)}, Desired: 1, Type: winnt.FileObject,
		Policies: &access.PolicySet{Policies: []access.Policy{{ID: id,
			Rules: []access.Rule{{Name: "Finance", Descriptor: sddl.MustParse("D:(A;;FA;;;SY)")}}}}},
	}
	dec, x, err := access.Explain(&r)
	if err != nil || dec.Allowed() {
		t.Fatalf("%+v %v", dec, err)
	}
	reasons := audit.Reasons(&r, x)
	if len(reasons) != 1 || reasons[0].Code != 1814 || reasons[0].Name != "Finance" {
		t.Errorf("reasons %+v", reasons)
	}
}
