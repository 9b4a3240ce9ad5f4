package audit_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// texts yields the names and texts of a record's fields.
func texts(e audit.Event) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for f := range e.Fields() {
			if !yield(f.Name, f.Text()) {
				return
			}
		}
	}
}

// TestFromFieldsInvertsText takes records apart into texts and builds them again (U-57, U-201).
func TestFromFieldsInvertsText(t *testing.T) {
	from := called(t)
	dir := audit.Object{Type: "File", Name: `N\d`, Handle: 0x4C, Directory: true}
	ds := audit.Object{Type: "DirectoryService", Name: "CN=x"}
	reasons := []audit.Reason{{Bits: 1, Code: 1801, Entry: "D:(A;;FR;;;WD)"}, {Bits: 0x20000, Code: 1810,
		Name: "SeBackupPrivilege"}, {Bits: 2, Code: 1814, Name: "A rule: its %%1: name"}, {Bits: 4, Code: 1805}}
	for _, e := range []audit.Event{
		audit.HandleRequested(from, dir, audit.HandleRequest{Access: 0x20007, Reasons: reasons, Privileges: 0x20180}),
		audit.HandleRequested(from, audit.Object{Type: "Key"}, audit.HandleRequest{Outcome: audit.Failure, Access: 1}),
		audit.ObjectAccessed(from, dir, 0x21, nil), audit.HandleClosed(from, dir),
		audit.DirectoryAccessed(from, ds, audit.DirectoryOperation{Access: 0x30}),
		audit.PrivilegedObject(from, dir, 0x20020, 0x80, audit.Success),
		audit.PrivilegedObject(from, audit.Object{}, 0x20020, 0x80, audit.Success),
		audit.AuditsDiscarded(3, audit.Header{}), audit.LogNearlyFull(90),
	} {
		got := string(audit.FromFields(e.Header, texts(e)).AppendJSON(nil))
		want := string(e.AppendJSON(nil))
		check.That(t, got == want, "got  %s\nwant %s", got, want)
	}
}

// TestFromFieldsReadsExportedLists builds records from texts with the white space that exporters leave (U-201).
func TestFromFieldsReadsExportedLists(t *testing.T) {
	for _, c := range []struct {
		id     uint16
		fields []string // name, text
		want   string
	}{
		{4656, []string{"ObjectType", "File", "AccessList", "%%1541\n\t\t\t\t%%4423\n\t\t\t\t%%4424\n\t\t\t\t",
			"AccessReason",
			"%%1541:\t%%1801\tD:(A;;0x1200a9;;;BA)\n\t\t\t\t%%4423:\t%%1811\tD:(A;;0x1301bf;;;BA)\n\t\t\t\t%%4424:\t%%1805\n"},
			"[0x100000 1541 1801 D:(A;;0x1200a9;;;BA)] [0x80 4423 1811 D:(A;;0x1301bf;;;BA)] [0x100 4424 1805 ]"},
		{5145, []string{"ObjectType", "File", "AccessList", "%%1538 %%4416", "AccessReason",
			"%%1538: %%1804 %%4416: %%1801 D:(A;;FR;;;WD)"}, "[0x20000 1538 1804 ] [0x1 4416 1801 D:(A;;FR;;;WD)]"},
		{4674, []string{"ObjectType", "Key", "AccessMask", "%%1538\r\n\t\t\t\t%%4433\r\n\t\t\t\t"},
			"[0x20000 1538 0 ] [0x2 4433 0 ]"},
		{4674, []string{"ObjectType", "-", "AccessMask", "16"}, ""},
		{4662, []string{"ObjectServer", "DS", "ObjectType", "%{bf967aba-0de6-11d0-a285-00aa003049e2}", "AccessList",
			"%%7688\n\t\t\t\t", "AccessMask", "0x100"}, "[0x100 7688 0 ]"},
		{4662, []string{"ObjectServer", "Security", "ObjectType", "File", "AccessMask", "0x1"}, "[0x1 4416 0 ]"},
		{4656, []string{"AccessList", strings.Repeat("%%9999 ", 33)},
			strings.TrimSuffix(strings.Repeat("[0x0 9999 0 ] ", 32), " ")}, // a mask has 32 bits
		{4656, []string{"ObjectType", "File", "AccessMask", "0x3"}, "[0x1 4416 0 ] [0x2 4417 0 ]"},
		{4656, []string{"ObjectType", "File", "AccessList", "%%9999 %%x %%4416x - %%1542 %%1543", "AccessReason", "%%1:"},
			"[0x0 9999 0 ] [0x1000000 1542 0 ] [0x2000000 1543 0 ]"},
		{4656, []string{"ObjectServer", "DS", "ObjectType", "File", "AccessList", "%%4416", "AccessMask", "%%4417"},
			"[0x1 4416 0 ]"},
		{4656, []string{"ObjectType", "File", "AccessList", "%%69953"}, ""}, // a code has 16 bits: it is not 4417
		{4656, []string{"AccessList", "-", "AccessReason", "-", "AccessMask", "-"}, ""},
		{4656, []string{"ObjectType", "File", "AccessList", "%%4417", "AccessReason", "%%4417:\t%%1803\tS:(ML;;NW;;;HI)"},
			"[0x2 4417 1803 S:(ML;;NW;;;HI)]"},
	} {
		e := audit.FromFields(audit.Header{ID: c.id}, func(yield func(string, string) bool) {
			for i := 0; i+1 < len(c.fields); i += 2 {
				if !yield(c.fields[i], c.fields[i+1]) {
					return
				}
			}
		})
		var got []string
		for a := range e.Accesses() {
			got = append(got, fmt.Sprintf("[%v %d %d %s]", a.Bit, a.Code, a.Reason, a.ACE))
		}
		check.That(t, strings.Join(got, " ") == c.want, "%q: %q, want %q", c.fields, got, c.want)
	}
	e := audit.FromFields(audit.Header{ID: 4719}, func(yield func(string, string) bool) {
		yield("AuditPolicyChanges", "%%8448,\n\t%%8450")
	})
	check.SlicesEqual(t, items(e, "AuditPolicyChanges"), []string{"%%8448", "%%8450"}, "changes of a policy")
	e = audit.FromFields(audit.Header{ID: 4673}, func(yield func(string, string) bool) {
		yield("PrivilegeList", "SeA,x\r\n\t\t\tSeB")
	})
	check.SlicesEqual(t, items(e, "PrivilegeList"), []string{"SeA,x", "SeB"}, "privileges")
	for _, absent := range []string{"-", " -", "-\r\n\t\t", "", " \n"} {
		e := audit.FromFields(audit.Header{ID: 4656}, func(yield func(string, string) bool) {
			_ = yield("AccessList", absent) && yield("AccessReason", absent) && yield("PrivilegeList", absent)
		})
		for f := range e.Fields() {
			check.That(t, !f.IsList(), "%s with the text %q is a list of %q, want no list", f.Name, absent, items(e, f.Name))
		}
	}
}

// Names of fields have ASCII letters and digits only, and are unique (U-201).
func TestFromFieldsMakesNamesUnique(t *testing.T) {
	var got []string
	for f := range audit.FromFields(audit.Header{ID: 1}, func(yield func(string, string) bool) {
		for _, name := range []string{"az AZ09", "", "x", "x", "", "é/:@[`{", "x4"} {
			if !yield(name, "v") {
				return
			}
		}
	}).Fields() {
		got = append(got, f.Name)
	}
	check.SlicesEqual(t, got, []string{"az_AZ09", "Data2", "x", "x4", "Data5", "_______", "x47"}, "names")
}

// FuzzFromFields checks that a record of any texts has a form in JSON that is read back (U-80, U-201).
func FuzzFromFields(f *testing.F) {
	f.Add(uint16(4656), "AccessList", "%%1541\n\t%%4423", "AccessReason", "%%1541:\t%%1801\tD:(A;;FA;;;WD)")
	f.Add(uint16(4674), "AccessMask", "%%1538 %%4416", "", "x")
	f.Add(uint16(4662), "PrivilegeList", "SeA\tSeB", "GroupMembership", "%{S-1-1-0}")
	f.Add(uint16(1), "a\"b", "\xff", "a_b", "-")
	f.Fuzz(func(t *testing.T, id uint16, name, text, other, more string) {
		e := audit.FromFields(audit.Header{ID: id}, func(yield func(string, string) bool) {
			_ = yield("ObjectType", "File") && yield(name, text) && yield(other, more)
		})
		line := e.AppendJSON(nil)
		got, err := audit.ParseEvent(line)
		check.RequireThat(t, err == nil, "%s: %v", line, err)
		again := got.AppendJSON(nil)
		check.That(t, string(again) == string(line), "got  %s\nwant %s", again, line)
	})
}
