package trail

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestWindowsCheckFindsEachDifference finds each kind of difference, one in each event, and no other (U-203).
func TestWindowsCheckFindsEachDifference(t *testing.T) {
	const object = "ObjectServer=Security|ObjectType=File|ObjectName=f|"
	rights := func(list, reasons, mask string) string {
		return object + "AccessList=" + list + "|AccessReason=" + reasons + "|AccessMask=" + mask
	}
	for _, c := range []struct{ id, fields, want string }{
		{"4656", openedFields, ""},
		{"4656", rights("%%1538\n\t%%4416", "-", "0x20001"), ""},
		{"4656", rights("%%4416\n\t%%1538", "-", "0x20001"), "codes of the access mask: Windows wrote \"4416 1538\", " +
			"refmon derives \"1538 4416\""},
		{"4656", rights("%%4416", "-", "0x2"), "wrote 4416, refmon derives 4417"},
		{"4662", strings.Replace(rights("%%7688", "-", "0x100"), "Security", "DS", 1), ""},
		{"4674", object + "AccessMask=%%1538\n\t%%4416\n", ""},
		{"4674", object + "AccessMask=%%4416\n\t%%1538\n", "refmon derives \"1538 4416\""},
		{"4674", object + "AccessMask=%%9999\n", "wrote 9999, refmon derives \"\""},
		{"5145", rights("%%4416", "%%4416:\t%%1801\tD:(A;;FR;;;WD)", "0x1"),
			"wrote 4416:1801, refmon derives \"4416:1801 success\""},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(D;;FR;;;WD)", "0x2"), "refmon derives 4417:1805"},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(A;;FW;;;WD)", "0x2"), "refmon derives 4417:1805"},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(D;;GW;;;WD)", "0x2"), ""},
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\tD:(D;;FR;;;WD)\n%%4417:\t%%1805", "0x3"),
			"refmon derives \"4416:1805 4417:1805\""},
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\tD:(A;;FA;;;WD)\n%%4417:\t%%1805", "0x3"),
			"refmon derives \"4416:1801 4417:1801\""},
		{"4656", rights("%%1537\n%%4417", "%%1537:\t%%1811\tD:(A;;0x40;;;WD)\n%%4417:\t%%1805", "0x10002"), ""},
		{"4656", rights("%%1537\n%%4417", "%%1537:\t%%1811\tD:(A;;0x1;;;WD)\n%%4417:\t%%1805", "0x10002"),
			"refmon derives \"1537:1805 4417:1805\""},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(Q;;FR;;;WD)", "0x2"), "an error"},
		{"4703", "EnabledPrivilegeList=SeBackupPrivilege\n\tSeRestorePrivilege", ""},
		{"4703", "EnabledPrivilegeList=SeRestorePrivilege\n\tSeBackupPrivilege", ""},
		{"4673", "PrivilegeList=SeRestorePrivilege\n\tSeBackupPrivilege",
			"refmon derives \"SeBackupPrivilege SeRestorePrivilege\""},
		{"4672", "PrivilegeList=SeBackupPrivilege\n\tSeTakeOwnershipPrivilege", ""},
		{"4672", "PrivilegeList=SeTakeOwnershipPrivilege\n\tSeBackupPrivilege", ""},
		{"4673", "PrivilegeList=SeNoPrivilege", "no privilege SeNoPrivilege"},
		{"4703", "EnabledPrivilegeList=SeBackupPrivilege\n\tSeBackupPrivilege", "refmon derives SeBackupPrivilege"},
		{"4670", "OldSd=D:(A;;FA;;;WD)|NewSd=O:BAD:P", ""},
		{"4670", "OldSd=D:(A;;FA;;;S-1-1-0)", "refmon derives D:(A;;FA;;;WD)"},
		{"4670", "OldSd=D:(A;;FA;;;WD", "an error"},
	} {
		text := exported(strings.Replace(opened, "4656<", c.id+"<", 1), c.fields)
		text = strings.Replace(text, "<Version>1<", "<Version>9<", 1)
		all, _, err := allOf(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		check := NewWindowsCheck(func(line string) { lines = append(lines, line) })
		check.Add(&all[0])
		if got := strings.Join(lines, "\n"); len(lines) > 1 || (c.want == "") != (got == "") ||
			!strings.Contains(got, c.want) || check.Differing() != uint64(len(lines)) {
			t.Errorf("%s %q: %q (%d differ), want %q", c.id, c.fields, got, check.Differing(), c.want)
		}
	}
}

// TestWindowsCheckComparesUsesWithOpens compares uses with the open of their handle, and the fields with the
// catalogue (U-203).
func TestWindowsCheckComparesUsesWithOpens(t *testing.T) {
	event := func(id, handle, mask string) string {
		return exported(strings.NewReplacer("4656<", id+"<", "0x801", "0x802", "<Version>1<", "<Version>9<").Replace(opened),
			"ObjectType=File|HandleId="+handle+"|ProcessId=0x4|AccessMask="+mask)
	}
	var lines []string
	check := NewWindowsCheck(func(line string) { lines = append(lines, line) })
	text := event("4663", "0x8", "0x2") + event("4656", "0x8", "0x3") + event("4663", "0x8", "0x2") + event("4663",
		"0x8", "0x4") + event("4658", "0x8", "") + event("4663", "0x8", "0x4") +
		strings.Replace(event("4656", "0x9", "0x1"), "0x8020", "0x8010", 1) + event("4663", "0x9", "0x2") +
		exported("<EventID>4672</EventID><TimeCreated SystemTime='2021-04-29T09:23:58Z'/>", "SubjectUserSid=S-1-1-0")
	all, _, err := allOf(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		check.Add(&all[i])
	}
	var table strings.Builder
	if err := check.Print(&table); err != nil {
		t.Fatal(err)
	}
	want := []string{"uses within the open: Windows wrote 0x4, refmon derives 0x0", "names of the fields: Windows wrote " +
		`SubjectUserSid, refmon derives "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId PrivilegeList"`}
	long := audit.FromFields(audit.Header{ID: 4656, Computer: strings.Repeat("c", maxKey)},
		func(yield func(string, string) bool) { yield("HandleId", "0x8") })
	if check.Add(&long); len(check.opens) != 0 {
		t.Errorf("%d opens are remembered, want none with a long name", len(check.opens))
	}
	// An open beyond the limit makes what its handle was before unknown.
	for i := range maxOpens {
		check.opens[openKey{process: "0x4", handle: fmt.Sprint(i)}] = 0
	}
	again := audit.FromFields(audit.Header{ID: 4656}, func(yield func(string, string) bool) {
		_ = yield("ProcessId", "0x4") && yield("HandleId", "7")
	})
	if check.Add(&again); len(check.opens) != maxOpens-1 {
		t.Errorf("%d opens are remembered, want %d", len(check.opens), maxOpens-1)
	}
	if len(lines) != 2 || !strings.HasSuffix(lines[0], want[0]) || !strings.HasSuffix(lines[1], want[1]) {
		t.Errorf("%q, want %q", lines, want)
	}
	if !regexp.MustCompile(`uses within the open +1 +1 +0`).MatchString(table.String()) {
		t.Errorf("%s, want 1 equal and 1 differing use", table.String())
	}
}

// TestWindowsCheckAgreesWithRecordings makes events of the recorded rows. They have no difference but the known one
// (U-203).
func TestWindowsCheckAgreesWithRecordings(t *testing.T) {
	var text strings.Builder
	add := func(id uint16, outcome, fields string) {
		system := strings.NewReplacer("4656<", fmt.Sprint(id, "<"), "<Version>1<", "<Version>9<").Replace(opened)
		if outcome == "success" {
			system = strings.Replace(system, "0x801", "0x802", 1)
		}
		text.WriteString(exported(system, fields))
	}
	for _, r := range recordings.Rows[struct {
		Event               uint16
		Type, Mask, Outcome string
		Reasons             [][3]string
	}](t, "windows-events/reasons.jsonl") {
		list, reasons := "", ""
		for _, why := range r.Reasons {
			list += "%%" + why[0] + "\n\t\t\t\t"
			reasons += "%%" + why[0] + ":\t%%" + why[1] + "\t" + why[2] + "\n\t\t\t\t"
		}
		add(r.Event, r.Outcome, "ObjectType="+r.Type+"|AccessList="+list+"|AccessReason="+reasons+"|AccessMask="+r.Mask)
	}
	for _, r := range recordings.Rows[struct {
		Event              uint16
		Server, Type, Mask string
		Codes              []string
	}](t, "windows-events/masks.jsonl") {
		fields := "ObjectServer=" + r.Server + "|ObjectType=" + r.Type + "|AccessMask=" + r.Mask
		if r.Event != 4674 {
			fields += "|AccessList=%%" + strings.Join(r.Codes, "\n\t\t\t\t%%")
		}
		add(r.Event, "success", fields)
	}
	for _, text := range recordings.Rows[string](t, "windows-events/sds.jsonl") {
		if !strings.ContainsAny(text, "|<&'") {
			add(4670, "success", "NewSd="+text)
		}
	}
	all, _, err := allOf(strings.NewReader(text.String()))
	if err != nil || len(all) < 100 {
		t.Fatalf("%d events: %v", len(all), err)
	}
	check := NewWindowsCheck(func(line string) { t.Error(line) })
	for i := range all {
		check.Add(&all[i])
	}
	var table strings.Builder
	if err := check.Print(&table); err != nil || check.Differing() != 0 {
		t.Errorf("%d differ (%v), want 0", check.Differing(), err)
	}
	t.Log(table.String())
}

// FuzzWindowsCheck checks that a check of any event ends, and that its lines are lines (U-202).
func FuzzWindowsCheck(f *testing.F) {
	f.Add(uint16(4656), "%%1537\n%%4423", "%%1537:\t%%1811\tD:(A;;FA;;;WD)", "0x10080", "File")
	f.Add(uint16(4674), "-", "-", "%%1538", "Key")
	f.Fuzz(func(t *testing.T, id uint16, list, reasons, mask, typ string) {
		e := audit.FromFields(audit.Header{ID: id}, func(yield func(string, string) bool) {
			_ = yield("ObjectType", typ) && yield("AccessList", list) && yield("AccessReason", reasons) &&
				yield("AccessMask", mask) && yield("PrivilegeList", list) && yield("NewSd", reasons)
		})
		check := NewWindowsCheck(func(line string) {
			if strings.ContainsAny(line, "\n\x1b") {
				t.Errorf("%q", line)
			}
		})
		check.Add(&e)
	})
}
