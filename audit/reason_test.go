package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
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
			"O:SYG:SYD:(A;;FA;;;WD)S:(ML;;NW;;;ME)(AU;SAFA;FA;;;WD)", 3,
			[]string{"%%4416:\t%%1809", "%%4417:\t%%1803"}},
		{"UC-49 take ownership", holds(winnt.SeTakeOwnershipPrivilege), "O:SYG:SYD:(A;;0x1;;;WD)" + sacl,
			winnt.WRITE_OWNER, []string{"%%1540:\t%%1801\tSeTakeOwnershipPrivilege"}},
		{"UC-50 system security", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(AU;FA;0x1000000;;;WD)", winnt.ACCESS_SYSTEM_SECURITY,
			[]string{"%%1542:\t%%1810\tSeSecurityPrivilege"}},
		{"UC-50 system security, and a right that the check did not reach", nil,
			"O:SYG:SYD:(A;;FA;;;WD)S:(AU;FA;0x1000001;;;WD)", winnt.ACCESS_SYSTEM_SECURITY | 1,
			[]string{"%%1542:\t%%1810\tSeSecurityPrivilege", "%%4416:\t%%1809"}},
		{"UC-63 deny ends the walk", nil, "O:SYG:SYD:(D;;0x2;;;" + u + ")(A;;FA;;;" + u + ")" + sacl, 0x100003,
			[]string{"%%1541:\t%%1809", "%%4416:\t%%1809", "%%4417:\t%%1802\tD:(D;;DC;;;" + u + ")"}},
		{"UC-63 decided before", nil, "O:SYG:SYD:(A;;SYNCHRONIZE;;;WD)(D;;0x2;;;" + u + ")(A;;FA;;;" + u + ")" + sacl,
			0x100003,
			[]string{"%%1541:\t%%1801\tD:(A;;0x100000;;;WD)", "%%4416:\t%%1809", "%%4417:\t%%1802\tD:(D;;DC;;;" + u + ")"}},
		{"UC-63 deny with a generic right", nil, "O:SYG:SYD:(D;;GW;;;" + u + ")(A;;FA;;;" + u + ")" + sacl, 3,
			[]string{"%%4416:\t%%1809", "%%4417:\t%%1802\tD:(D;;GW;;;" + u + ")"}},
		{"restricted pass", with(func(s *token.Spec) { s.Restricted = []token.Group{{SID: groupG}} }),
			"O:SYG:SYD:(A;;FA;;;WD)" + sacl, 1, []string{"%%4416:\t%%1805"}},
		{"UC-64 AppContainer pass", with(func(s *token.Spec) { s.Package = sid.MustParse("S-1-15-2-1-2-3-4-5-6-7") }),
			"O:SYG:SYD:(A;;FA;;;WD)" + sacl, 1, []string{"%%4416:\t%%1830"}},
		{"trust label", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(TL;;0x2;;;S-1-19-512-1024)(AU;FA;FA;;;WD)", 3,
			[]string{"%%4416:\t%%1841\tS:(TL;;DC;;;S-1-19-512-1024)", "%%4417:\t%%1809"}},
		{"access filter", nil, "O:SYG:SYD:(A;;FA;;;WD)S:(FL;;0x2;;;WD;(@User.Absent == 1))(AU;FA;FA;;;WD)", 3,
			[]string{"%%4416:\t%%1805\tS:(FL;;DC;;;WD;(@USER.Absent == 1))", "%%4417:\t%%1809"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := specU()
			if c.change != nil {
				c.change(&s)
			}
			o := open(t, standardPolicy(t), access.Subject{Primary: mustToken(t, s)},
				strings.Replace(c.sd, "SYNCHRONIZE", "0x100000", 1), c.desired)
			check.RequireThat(t, len(o.events) != 0, "no event of an open with the decision %+v, want one", o.dec)
			got := items(o.events[0], "AccessReason")
			check.That(t, slices.Equal(got, c.want), "AccessReason\n got %q\nwant %q", got, c.want)
		})
	}
}

// A server's decision has no reasons. Neither has a central access rule that has only a code.
func TestServersDecisionHasNoReasons(t *testing.T) {
	from := origin(t)
	file := audit.Object{Type: "File"}
	e := audit.HandleRequested(from, file, audit.HandleRequest{Access: 3})
	check.Equal(t, field(t, e, "AccessReason"), "-", "AccessReason of a record without reasons")
	e = audit.HandleRequested(from, file, audit.HandleRequest{Outcome: audit.Failure, Access: 3,
		Reasons: []audit.Reason{{Bits: 1, Code: 1814, Name: "Finance"}}})
	check.SlicesEqual(t, items(e, "AccessReason"), []string{"%%4416:\t%%1814Finance", "%%4417:\t%%1809"}, "AccessReason")
	e = audit.HandleRequested(from, audit.Object{Type: "Key"}, audit.HandleRequest{Access: 1,
		Reasons: []audit.Reason{{Bits: 1, Code: 1813, Name: "Finance"}}})
	check.SlicesEqual(t, items(e, "AccessReason"), []string{"%%4432:\t%%1813Finance"}, "AccessReason of a key")
	after := sddl.MustParse("O:SYG:SYD:S:")
	e = audit.PermissionsChanged(from, file, nil, after, 0)
	check.Equal(t, field(t, e, "OldSd")+field(t, e, "NewSd"), "--", "descriptors without a part that changed")
	e = audit.PermissionsChanged(from, file, nil, after, 0xF)
	check.Equal(t, field(t, e, "NewSd"), "O:SYD:", "owner and DACL of a descriptor of which all parts were set")
	// The first reason that names a bit is that of the bit.
	e = audit.HandleRequested(from, file, audit.HandleRequest{Access: 7, Reasons: []audit.Reason{
		{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 3, Code: 1804}, {Bits: 7, Code: 1805}}})
	check.SlicesEqual(t, items(e, "AccessReason"),
		[]string{"%%4416:\t%%1801\tD:(A;;FR;;;WD)", "%%4417:\t%%1804", "%%4418:\t%%1805"}, "AccessReason")
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
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: access.KernelMode}}, audit.Reason{Bits: 4, Code: 1809}},
		{access.BitReason{Bit: 4, Reason: access.Reason{Kind: access.NotAsked}}, audit.Reason{Bits: 4, Code: 1809}},
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
	check.That(t, got == "%%1829", "two attributes of %d bytes: %q, want %%%%1829", len(got), got)
}

// TestNamesAbove32767BytesAreTruncated checks that a name keeps 32767 bytes, or as many whole characters as leave
// space for the truncation mark.
func TestNamesAbove32767BytesAreTruncated(t *testing.T) {
	whole := strings.Repeat("y", 32767)
	e := audit.HandleClosed(audit.Origin{ProcessID: 8, ProcessName: whole}, audit.Object{})
	check.That(t, field(t, e, "ProcessName") == whole, "a name of 32767 bytes was truncated")
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
