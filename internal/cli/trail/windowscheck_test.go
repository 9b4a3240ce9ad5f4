package trail

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/recordings"
)

// TestWindowsCheckFindsEachDifference finds each kind of difference, one in each event, and no other (U-203).
func TestWindowsCheckFindsEachDifference(t *testing.T) {
	const object = "ObjectServer=Security|ObjectType=File|ObjectName=f|"
	rights := func(list, reasons, mask string) string {
		return object + "AccessList=" + list + "|AccessReason=" + reasons + "|AccessMask=" + mask
	}
	whole, differing := NewWindowsCheck(func(string) {}), uint64(0)
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
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\n%%4417:\t%%1805", "0x3"), ""},
		{"5145", rights("%%4416", "%%4416:\t%%1801\tD:(A;;FR;;;WD)", "0x1"),
			"wrote 4416:1801, refmon derives \"4416:1801 success\""},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(D;;FR;;;WD)", "0x2"), "refmon derives 4417:1805"},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(A;;FW;;;WD)", "0x2"), "refmon derives 4417:1805"},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(D;;GW;;;WD)", "0x2"), ""},
		{"4656", strings.Replace(rights("%%1537", "%%1537:\t%%1802\tD:(D;;GA;;;WD)", "0x10000"), "File", "Strange", 1),
			"refmon derives 1537:1805"}, // no generic right of an unknown type is known
		{"4656", rights("%%4416\n%%4417", "%%4417:\t%%1802\tD:(A;;FW;;;WD)", "0x3"), "refmon derives 4417:1805"},
		{"4656", rights("%%4417", "%%4417:\t%%1801\tS:(AU;SA;CC;;;WD)", "0x2"), "refmon derives \"4417:1805"},
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\tD:(A;;LC;;;WD)\n%%4417:\t%%1805", "0x3"),
			"refmon derives \"4416:1805 4417:1805\""},
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\tD:(D;;FR;;;WD)\n%%4417:\t%%1805", "0x3"),
			"refmon derives \"4416:1805 4417:1805\""},
		{"4656", rights("%%4416\n%%4417", "%%4416:\t%%1801\tD:(A;;FA;;;WD)\n%%4417:\t%%1805", "0x3"),
			"refmon derives \"4416:1801 4417:1801\""},
		{"4656", rights("%%1537\n%%4417", "%%1537:\t%%1811\tD:(A;;0x40;;;WD)\n%%4417:\t%%1805", "0x10002"), ""},
		{"4656", rights("%%1537\n%%4417", "%%1537:\t%%1811\tD:(A;;0x1;;;WD)\n%%4417:\t%%1805", "0x10002"),
			"refmon derives \"1537:1805 4417:1805\""},
		{"4656", rights("%%1537\n%%4417", "%%1537:\t%%1811\tD:(D;;0x40;;;WD)\n%%4417:\t%%1805", "0x10002"),
			"refmon derives \"1537:1805 4417:1805\""},
		{"4656", rights("%%4417", "%%4417:\t%%1802\tD:(Q;;FR;;;WD)", "0x2"), "an error"},
		{"4703", "EnabledPrivilegeList=SeBackupPrivilege\n\tSeRestorePrivilege", ""},
		{"4703", "EnabledPrivilegeList=SeRestorePrivilege\n\tSeBackupPrivilege", ""},
		{"4703", "EnabledPrivilegeList=SeRestorePrivilege\n\tSeBackupPrivilege|DisabledPrivilegeList=SeNoPrivilege",
			"no privilege SeNoPrivilege"},
		{"4673", "PrivilegeList=SeBackupPrivilege\n\tSeTakeOwnershipPrivilege",
			"refmon derives \"SeTakeOwnershipPrivilege SeBackupPrivilege\""},
		{"4672", "PrivilegeList=SeBackupPrivilege\n\tSeTakeOwnershipPrivilege", ""},
		{"4672", "PrivilegeList=SeTakeOwnershipPrivilege\n\tSeBackupPrivilege", ""},
		{"4673", "PrivilegeList=SeNoPrivilege", "no privilege SeNoPrivilege"},
		{"4673", "PrivilegeList=" + strings.Repeat("x", 100), " wrote " + strings.Repeat("x", 100) + ", refmon"},
		{"4673", "PrivilegeList=" + strings.Repeat("x", 101), " wrote " + strings.Repeat("x", 100) + "…, refmon"},
		{"4703", "EnabledPrivilegeList=SeBackupPrivilege\n\tSeBackupPrivilege", "refmon derives SeBackupPrivilege"},
		{"4670", "OldSd=D:(A;;FA;;;WD)|NewSd=O:BAD:P", ""},
		{"4670", "OldSd=D:(A;;FA;;;S-1-1-0)", "refmon derives D:(A;;FA;;;WD)"},
		{"4670", "OldSd=D:(A;;FA;;;WD", "an error"},
		{"4670", "OldSd=-|NewSd=%%1793|OldSD=", ""},
		{"4911", "ResourceAttributes=S:(RA;;;;;WD;(\"a\",TI,0,1)", "an error"},
	} {
		system := strings.NewReplacer("4656<", c.id+"<", "<Version>1<", "<Version>9<").Replace(opened)
		all, _, err := allOf(strings.NewReader(exported(system, c.fields)))
		check.NoError(t, err)
		var lines []string
		w := NewWindowsCheck(func(line string) { lines = append(lines, line) })
		w.Add(&all[0])
		whole.Add(&all[0])
		differing += uint64(len(lines))
		if got := strings.Join(lines, "\n"); len(lines) > 1 || (c.want == "") != (got == "") ||
			!strings.Contains(got, c.want) || w.Differing() != uint64(len(lines)) {
			t.Errorf("%s %q: %q (%d differ), want %q", c.id, c.fields, got, w.Differing(), c.want)
		}
	}
	check.Equal(t, whole.Differing(), differing, "differences of all kinds")
}

// TestWindowsCheckComparesUsesWithOpens compares uses with the open of their handle, and the fields with the
// catalogue (U-203).
func TestWindowsCheckComparesUsesWithOpens(t *testing.T) {
	successful := strings.NewReplacer("0x801", "0x802", "<Version>1<", "<Version>9<").Replace(opened)
	event := func(id, handle, mask string) string {
		return exported(strings.Replace(successful, "4656<", id+"<", 1),
			"ObjectType=File|HandleId="+handle+"|ProcessId=0x4|AccessMask="+mask)
	}
	failed := func(handle string) string { return strings.Replace(event("4656", handle, "0x1"), "0x802", "0x801", 1) }
	text := event("4656", "0x0", "0x1") + event("4663", "0x0", "0x2") + // no handle
		event("4663", "0x8", "0x2") + event("4656", "0x8", "0x3") + failed("0x8") + event("4663", "0x8", "0x2") +
		event("4663", "0x8", "0x4") + event("4658", "0x8", "") + event("4663", "0x8", "0x4") +
		failed("0x9") + event("4663", "0x9", "0x2") +
		exported(strings.Replace(opened, "4656<", "4703<", 1),
			"EnabledPrivilegeList=SeRestorePrivilege SeBackupPrivilege") +
		exported("<EventID>4672</EventID><TimeCreated SystemTime='2021-04-29T09:23:58Z'/>", "SubjectUserSid=S-1-1-0")
	text += exported(successful, "ObjectType=File|AccessList=%%4416|AccessReason=%%4416:\t%%1805|AccessMask=0x1")
	all, _, err := allOf(strings.NewReader(text))
	check.NoError(t, err)
	var lines []string
	c := NewWindowsCheck(func(line string) { lines = append(lines, line) })
	for i := range all {
		c.Add(&all[i])
	}
	check.SlicesEqual(t, lines, []string{
		"record 87214, event 4663, uses within the open: Windows wrote 0x4, refmon derives 0x0",
		"record 0, event 4672, names of the fields: Windows wrote SubjectUserSid, refmon derives " +
			`"SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId PrivilegeList"`,
		"record 87214, event 4656, reasons and their entries: Windows wrote 4416:1805, refmon derives " +
			`"4416:1805 failure"`}, "differences")
	var table strings.Builder
	check.NoError(t, c.Print(&table))
	check.Equal(t, table.String(), `compared                         equal   differing   known
names of the fields                  0           1       0
codes of the access mask             1           0       0
reasons and their entries            0           1       0
order of privileges                  0           0       1
descriptors as text                  0           0       0
uses within the open                 1           1       0
`, "table")
}

// A check remembers a limited number of opens with names of a limited length (U-202).
func TestWindowsCheckRemembersLimitedOpens(t *testing.T) {
	c := NewWindowsCheck(func(line string) { t.Error(line) })
	open := func(computer, handle string) int {
		e := audit.FromFields(audit.Header{ID: 4656, Computer: computer}, func(yield func(string, string) bool) {
			_ = yield("ProcessId", "0x4") && yield("HandleId", handle)
		})
		c.Add(&e)
		return len(c.opens)
	}
	long := strings.Repeat("c", maxKey-len("0x40x8"))
	check.Equal(t, open(long+"c", "0x8"), 0, "opens after one with a longer name than the limit")
	check.Equal(t, open(long, "0x8"), 1, "opens after one with the longest name")
	for i := range maxOpens {
		c.opens[openKey{process: "0x4", handle: fmt.Sprint(i)}] = 0
	}
	delete(c.opens, openKey{long, "0x4", "0x8"})
	check.Equal(t, open("", "7"), maxOpens-1, "opens after one beyond the limit, which forgets its handle")
	check.Equal(t, open("", "7"), maxOpens, "opens after one more")
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
	check.RequireThat(t, err == nil && len(all) >= 100, "%d events: %v", len(all), err)
	c := NewWindowsCheck(func(line string) { t.Error(line) })
	for i := range all {
		c.Add(&all[i])
	}
	check.Equal(t, c.Differing(), 0, "differences")
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
		NewWindowsCheck(func(line string) { check.That(t, !strings.ContainsAny(line, "\n\x1b"), "%q", line) }).Add(&e)
	})
}
