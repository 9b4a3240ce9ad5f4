package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// The reasons of opens, through the access check.
func TestOpenReasonsNameDecidingEntry(t *testing.T) {
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
			[]string{"%%1541:\t%%1801\tD:(A;;0x100000;;;WD)", "%%4416:\t%%1809", "%%4417:\t%%1802\tD:(D;;DC;;;" + u + ")"}},
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
			check.RequireThat(t, len(o.events) != 0,
				"no event; decision %+v: len(o.events) = %d, want at least 1", o.dec, len(o.events))
			got := items(o.events[0], "AccessReason")
			check.That(t, slices.Equal(got, c.want), "AccessReason\n got %q\nwant %q", got, c.want)
		})
	}
}

// UC-65: a kernel object has no reasons, and its own task.
func TestNoReasonsForKernelObjects(t *testing.T) {
	p := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.KernelObject: audit.OnBoth}})
	for _, typ := range []*winnt.ObjectType{winnt.EventObject, winnt.SectionObject} {
		o := openObject(t, p, typ, access.Subject{Primary: tokenU(t)},
			sddl.MustParse("O:SYG:SYD:(A;;GA;;;WD)S:(AU;SA;GA;;;WD)"), 1)
		check.That(t, len(o.events) == 1 && o.events[0].Task() == 12802 && field(t, o.events[0], "AccessReason") == "-",
			"UC-65 %s: events %v, want one of task 12802 without reasons", typ.Name, ids(o.events))
	}
}

// UC-49, UC-50, U-17: privileges used for the access have a record of their own, whatever the SACL is. The default
// policy exempts some privileges from it.
func TestUsedPrivilegesHaveTheirOwnRecord(t *testing.T) {
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
			t.Errorf("U-17 %s: events %v, want one 4674 with privilege %v", c.name, ids(o.events), c.privilege)
		}
	}
	both := specU()
	both.Privileges, both.EnabledPrivileges = winnt.SeTakeOwnershipPrivilege.Bit(), winnt.SeTakeOwnershipPrivilege.Bit()
	o := open(t, p, access.Subject{Primary: mustToken(t, both)}, "O:SYG:SYD:(A;;0x1;;;WD)", winnt.WRITE_OWNER|winnt.DELETE)
	check.That(t, len(o.events) == 1 && o.events[0].Outcome == audit.Failure && field(t, o.events[0], "HandleId") == "0x0",
		"U-17: events %v, want one failure without a handle", ids(o.events))
	s := specU()
	s.Privileges, s.EnabledPrivileges = winnt.SeBackupPrivilege.Bit(), winnt.SeBackupPrivilege.Bit()
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:"), Subject: access.Subject{Primary: mustToken(t, s)},
		Desired: 1, Type: winnt.FileObject, Intent: access.Intent{Backup: true}}
	dec, err := access.SeAccessCheck(&r)
	check.RequireThat(t, err == nil && dec.Allowed() && dec.PrivilegesUsed != 0, "backup open: %+v %v", dec, err)
	var sink audit.Memory
	log := audit.Log{Sink: &sink}
	log.Policy.Store(p)
	log.Opened(&audit.Opening{Object: audit.Object{Type: "File"}, Request: &r, Decision: dec})
	check.Equal(t, sink.Len(), 0, "U-17: SeBackupPrivilege is exempt without FullPrivilegeAuditing: sink.Len()")
}

// A server's decision has no reasons. Neither has a central access rule that has only a code.
func TestServersDecisionHasNoReasons(t *testing.T) {
	from := origin(t)
	file := audit.Object{Type: "File"}
	e := audit.HandleRequested(from, file, audit.HandleRequest{Access: 3})
	check.Equal(t, field(t, e, "AccessReason"), "-", `without reasons the field is -: field(t, e, "AccessReason")`)
	e = audit.HandleRequested(from, file, audit.HandleRequest{Outcome: audit.Failure, Access: 3,
		Reasons: []audit.Reason{{Bits: 1, Code: 1814, Name: "Finance"}}})
	check.SlicesEqual(t, items(e, "AccessReason"), []string{"%%4416:\t%%1814Finance", "%%4417:\t%%1809"}, "AccessReason")
	// The first reason that names a bit is that of the bit.
	e = audit.HandleRequested(from, file, audit.HandleRequest{Access: 7, Reasons: []audit.Reason{
		{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 3, Code: 1804}, {Bits: 7, Code: 1805}}})
	check.SlicesEqual(t, items(e, "AccessReason"),
		[]string{"%%4416:\t%%1801\tD:(A;;FR;;;WD)", "%%4417:\t%%1804", "%%4418:\t%%1805"}, "AccessReason")
	// Only files have resource attributes in their records (U-57).
	for typ, want := range map[string]string{"File": "S:AI", "Key": "-"} {
		e = audit.ObjectAccessed(from, audit.Object{Type: typ}, 1, nil)
		check.Equal(t, field(t, e, "ResourceAttributes"), want, "%s: ResourceAttributes", typ)
	}
	long := "D:(A;;FA;;;" + strings.Repeat("x", 5000) + ")"
	e = audit.HandleRequested(from, file, audit.HandleRequest{Access: 1,
		Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: long}}})
	check.SlicesEqual(t, items(e, "AccessReason"), []string{"%%4416:\t%%1801\t%%1828"}, "a long entry shows as")
	var aces []sd.ACE
	for i := range 300 {
		a := check.Must(sd.NewACE(sd.AccessAllowed, 0, 1, userU.Prefix().WithRID(uint32(5000+i))))
		aces = append(aces, a)
	}
	big := sd.New(sd.Parts{Control: sd.DACLPresent, DACL: check.Must(sd.NewACL(aces...))})
	e = audit.PermissionsChanged(from, file, nil, big, winnt.DACL_SECURITY_INFORMATION)
	check.That(t, field(t, e, "OldSd") == "-" && field(t, e, "NewSd") == "%%1829",
		"OldSd %q, NewSd %q, want - and %%%%1829", field(t, e, "OldSd"), field(t, e, "NewSd"))
}

// A reason names its privilege or central access rule, or has the text of its entry, and says whether it granted.
func TestReasonNamesPrivilegeRuleOrEntry(t *testing.T) {
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;0x3;;;WD)S:(SP;;;;;S-1-17-1)"),
		Subject: access.Subject{Primary: tokenU(t)}, Desired: winnt.ACCESS_SYSTEM_SECURITY, Type: winnt.FileObject}
	_, x, err := access.Explain(&r)
	check.NoError(t, err)
	if got := audit.Reasons(&r, x); len(got) != 1 || got[0] != (audit.Reason{Bits: winnt.ACCESS_SYSTEM_SECURITY,
		Code: 1810, Name: "SeSecurityPrivilege"}) {
		t.Errorf("reason for a missing privilege: %+v, want code 1810, SeSecurityPrivilege", got)
	}
	for _, c := range []struct {
		why  access.BitReason
		want audit.Reason
	}{
		{access.BitReason{Bit: 1, Granted: true, Reason: access.Reason{Kind: access.CentralAccessRule, Name: "F"}},
			audit.Reason{Bits: 1, Code: 1813, Name: "F"}},
		{access.BitReason{Bit: 2, Reason: access.Reason{Kind: access.CentralAccessRule, Name: "F"}},
			audit.Reason{Bits: 2, Code: 1814, Name: "F"}},
		{access.BitReason{Bit: 2, Granted: true, Reason: access.Reason{Kind: access.Privilege,
			Privilege: winnt.SeBackupPrivilege}}, audit.Reason{Bits: 2, Code: 1801, Name: "SeBackupPrivilege"}},
		{access.BitReason{Bit: 1, Reason: access.Reason{Kind: access.AceAllow, List: "DACL"}},
			audit.Reason{Bits: 1, Code: 1801, Entry: "D:(A;;LC;;;WD)"}},
		{access.BitReason{Bit: 1, Reason: access.Reason{Kind: access.AceAllow, List: "DACL", Index: 9}},
			audit.Reason{Bits: 1, Code: 1801}},
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: access.PreviouslyGranted}}, audit.Reason{Bits: 4, Code: 1809}},
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: 99}}, audit.Reason{Bits: 4, Code: 1809}},
	} {
		got := audit.Reasons(&r, &access.Explanation{Reasons: []access.BitReason{c.why}})
		c.want.Entry = strings.Replace(c.want.Entry, "LC", "CCDC", 1) // the descriptor's
		check.That(t, len(got) == 1 && got[0] == c.want, "%+v: %+v, want %+v", c.why, got, c.want)
	}
}

// TestTextsAbove4096BytesAreOmitted checks that a text of 4096 bytes is shown and one of 4097 is not: an entry, a
// descriptor, and a file's attributes.
func TestTextsAbove4096BytesAreOmitted(t *testing.T) {
	file := audit.Object{Type: "File"}
	marked := func(n int) string { // a descriptor whose attributes take n bytes in a record
		const form = `(RA;;;;;WD;("",TS,0x0,"x"))`
		return "O:SYG:SYD:" + strings.Replace("S:"+form, `("`, `("`+strings.Repeat("n", n-len("S:AI"+form)), 1)
	}
	for _, c := range []struct {
		size        int
		long, list2 bool
	}{{4095, false, false}, {4096, false, false}, {4097, true, false}} {
		entry := strings.Repeat("x", c.size)
		e := audit.HandleRequested(audit.Origin{}, file, audit.HandleRequest{Access: 1,
			Reasons: []audit.Reason{{Bits: 1, Code: 1801, Entry: entry}}})
		check.Equal(t, strings.HasSuffix(field(t, e, "AccessReason"), "%%1828\r\n\t\t\t\t"), c.long,
			"an entry of %d bytes is too long", c.size)
		e = audit.ObjectAccessed(audit.Origin{}, file, 1, sddl.MustParse(marked(c.size)))
		text := field(t, e, "ResourceAttributes")
		check.That(t, (text == "%%1829") == c.long && (c.long || len(text) == c.size),
			"attributes of %d bytes: %d bytes %.40s, want %d, or a code: %t", c.size, len(text), text, c.size, c.long)
		const form = `S:(RA;;;;;WD;("",TS,0x0,"x"))`
		d := sddl.MustParse("O:SYG:SYD:" + strings.Replace(form, `("`, `("`+strings.Repeat("n", c.size-len(form)), 1))
		e = audit.AuditSettingsChanged(audit.Origin{}, file, nil, d)
		text = field(t, e, "NewSd")
		check.That(t, (text == "%%1829") == c.long && (c.long || len(text) == c.size),
			"descriptor of %d bytes: %d bytes %.40s, want %d, or a code: %t", c.size, len(text), text, c.size, c.long)
	}
	// The limit is of all attributes together.
	two := `(RA;;;;;WD;("` + strings.Repeat("n", 2000) + `",TS,0x0,"x"))(RA;;;;;WD;("` + strings.Repeat("m", 2100) +
		`",TS,0x0,"x"))`
	e := audit.ObjectAccessed(audit.Origin{}, file, 1, sddl.MustParse("O:SYG:SYS:"+two))
	got := field(t, e, "ResourceAttributes")
	check.That(t, got == "%%1829", `two attributes: %d bytes: got = %q, want "%%%%1829"`, len(got), got)
}

// TestNamesAbove32767BytesAreTruncated checks that a name keeps 32767 bytes, or as many whole characters as leave
// space for the truncation mark.
func TestNamesAbove32767BytesAreTruncated(t *testing.T) {
	for _, character := range []string{"x", "é", "€", "\U0001F600"} {
		for shift := range 4 {
			name := strings.Repeat("y", shift) + strings.Repeat(character, 40000/len(character))
			got := field(t, audit.HandleClosed(audit.Origin{ProcessID: 8, ProcessName: name}, audit.Object{}), "ProcessName")
			kept, cut := strings.CutSuffix(got, "…")
			if !cut || len(got) > 32767 || len(got)+len(character) <= 32767-1 || !strings.HasPrefix(name, kept) ||
				(len(kept)-shift)%len(character) != 0 {
				t.Errorf("%q after %d bytes: %d bytes that end in %q", character, shift, len(got), got[len(got)-8:])
			}
		}
	}
}
