package audit_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// TestEveryRecordAsksForTheUser: a policy of one account decides about each kind of
// record of that account, and about no other's (U-1).
func TestEveryRecordAsksForTheUser(t *testing.T) {
	for _, c := range recorders(t) {
		for _, of := range []sid.SID{userU, groupG, sid.MustParse(processSID), sid.LocalSystem} {
			one := func(u audit.UserSetting) map[sid.SID]map[audit.Subcategory]audit.UserSetting {
				return map[sid.SID]map[audit.Subcategory]audit.UserSetting{of: {c.needs: u}}
			}
			on := map[audit.Subcategory]audit.Setting{c.needs: audit.OnBoth}
			for name, p := range map[string]struct {
				spec audit.PolicySpec
				want int
			}{
				"excluded": {audit.PolicySpec{System: on, Users: one(audit.UserSetting{Exclude: audit.OnBoth})}, 0},
				"included": {audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{},
					Users: one(audit.UserSetting{Include: audit.OnBoth})}, 1},
			} {
				if of != userU {
					p.want = 1 - p.want // the policy of another account
				}
				log, sink := newLog(t)
				log.Policy.Store(mustPolicy(t, p.spec))
				if st := c.write(log); st != ntstatus.Success || sink.Len() != p.want {
					t.Errorf("U-1: %s, %v %s: %v, %d records, want %d", c.name, of, name, st, sink.Len(), p.want)
				}
			}
		}
	}
}

// TestChangeNeedsItsRight: a change of the DACL of a file is recorded where the SACL
// records WRITE_DAC, one of the owner where it records WRITE_OWNER.
func TestChangeNeedsItsRight(t *testing.T) {
	for _, c := range []struct {
		sacl, after string
		info        uint32
		want        int
	}{
		{"(AU;SA;WD;;;WD)", "O:BAG:SYD:(A;;FR;;;WD)", winnt.DACL_SECURITY_INFORMATION, 1},
		{"(AU;SA;WO;;;WD)", "O:BAG:SYD:(A;;FR;;;WD)", winnt.DACL_SECURITY_INFORMATION, 0},
		{"(AU;SA;WD;;;WD)", "O:SYG:SYD:", winnt.OWNER_SECURITY_INFORMATION, 0},
		{"(AU;SA;WO;;;WD)", "O:SYG:SYD:", winnt.OWNER_SECURITY_INFORMATION, 1},
		{"(AU;SA;WO;;;WD)", "O:SYG:SYD:(A;;FR;;;WD)", winnt.DACL_SECURITY_INFORMATION | winnt.OWNER_SECURITY_INFORMATION, 1},
		{"(AU;SA;WD;;;WD)", "O:SYG:SYD:(A;;FR;;;WD)", winnt.DACL_SECURITY_INFORMATION | winnt.OWNER_SECURITY_INFORMATION, 1},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SYD:", winnt.DACL_SECURITY_INFORMATION | winnt.OWNER_SECURITY_INFORMATION, 0},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:BAD:", winnt.GROUP_SECURITY_INFORMATION, 0},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SYD:P", winnt.DACL_SECURITY_INFORMATION, 1}, // the list stays, and is protected now
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SYD:AI", winnt.DACL_SECURITY_INFORMATION, 1},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SY", winnt.DACL_SECURITY_INFORMATION, 1},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SYD:NO_ACCESS_CONTROL", winnt.DACL_SECURITY_INFORMATION, 1},
		{"(AU;SA;WDWO;;;WD)", "O:BAG:SYD:P", winnt.OWNER_SECURITY_INFORMATION, 0},
		{"(AU;FA;WDWO;;;WD)", "O:SYG:SYD:", winnt.OWNER_SECURITY_INFORMATION, 0},
	} {
		log, sink := newLog(t, audit.FileSystem)
		log.SecuritySet(origin(t), reportFile, sddl.MustParse("O:BAG:SYD:S:"+c.sacl),
			sddl.MustParse(c.after+"S:"+c.sacl), c.info)
		if sink.Len() != c.want {
			t.Errorf("%+v: %d records", c, sink.Len())
		}
	}
}

// TestSACLThatStays: the list's entries stay and one of its marks changes: that it is there, that
// it is protected, or that it was inherited. Each is a change of the SACL (UC-67).
func TestSACLThatStays(t *testing.T) {
	for _, c := range []struct {
		before, after string
		want          int
	}{
		{"S:(AU;SA;FA;;;WD)", "S:(AU;SA;FA;;;WD)", 0}, {"S:(AU;SA;FA;;;WD)", "S:P(AU;SA;FA;;;WD)", 1},
		{"S:AI(AU;SA;FA;;;WD)", "S:(AU;SA;FA;;;WD)", 1}, {"S:(AU;SA;FA;;;WD)", "S:AR(AU;SA;FA;;;WD)", 0},
		{"", "S:", 1}, {"S:", "", 1}, {"S:NO_ACCESS_CONTROL", "", 1}, {"D:P", "D:AI", 0},
		{"S:(AU;SA;FA;;;WD)", "S:(AU;FA;FA;;;WD)", 1},
	} {
		for _, info := range []uint32{winnt.SACL_SECURITY_INFORMATION, winnt.DACL_SECURITY_INFORMATION} {
			log, sink := newLog(t, audit.AuditPolicyChange)
			log.SecuritySet(origin(t), reportFile, sddl.MustParse("O:BAG:SY"+c.before), sddl.MustParse("O:BAG:SY"+c.after),
				info)
			want := c.want
			if info != winnt.SACL_SECURITY_INFORMATION {
				want = 0
			}
			if sink.Len() != want {
				t.Errorf("UC-67: %q to %q, parts %#x: %d records, want %d", c.before, c.after, info, sink.Len(), want)
			}
		}
	}
}

// TestEveryCharacter: a text with any character is read back as it was written, and
// an escape that is not written here is refused (U-80).
func TestEveryCharacter(t *testing.T) {
	var all strings.Builder
	for c := range rune(0x100) {
		all.WriteRune(c)
	}
	for _, text := range []string{all.String(), "\r", "\n", "\t", "\x1f", "\x1f\x00", "\\u0041", `"`, "\u2028\U0001F600",
		"\xff\xfe", "\uFFFD"} {
		line := audit.LogArchived(text).AppendJSON(nil)
		e, err := audit.ParseEvent(line)
		if err != nil || !bytes.Equal(e.AppendJSON(nil), line) || field(t, e, "BackupPath") != text {
			t.Errorf("%q: %v, %s", text, err, line)
		}
	}
	line := string(audit.LogArchived("AB").AppendJSON(nil))
	for _, escape := range []string{`\u0020`, `\u0041`, `\u1000`, `\u00`, `\u001`, `\x`, `\`, `\u00zz`, `\/`, `\b`} {
		if _, err := audit.ParseEvent([]byte(strings.Replace(line, "AB", escape, 1))); err == nil {
			t.Errorf("the escape %s is accepted", escape)
		}
	}
}

// TestTimesOutOfRange: each part of a time has its bounds, and the last of each is
// accepted.
func TestTimesOutOfRange(t *testing.T) {
	const form = "2024-%02d-%02dT%02d:%02d:%02dZ"
	for _, c := range []struct {
		parts [5]any
		ok    bool
	}{
		{[5]any{1, 1, 0, 0, 0}, true}, {[5]any{12, 31, 23, 59, 59}, true}, {[5]any{0, 1, 0, 0, 0}, false},
		{[5]any{13, 1, 0, 0, 0}, false}, {[5]any{1, 0, 0, 0, 0}, false}, {[5]any{1, 32, 0, 0, 0}, false},
		{[5]any{1, 1, 24, 0, 0}, false}, {[5]any{1, 1, 0, 60, 0}, false}, {[5]any{1, 1, 0, 0, 60}, false},
	} {
		text := fmt.Sprintf(form, c.parts[:]...)
		if _, err := audit.ParseTime(text); (err == nil) != c.ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestItemsOfEveryField: a field that is no list has one item, its text.
func TestItemsOfEveryField(t *testing.T) {
	for _, e := range everyEvent(t, origin(t)) {
		for f := range e.Fields() {
			list := slices.Collect(f.Items())
			if !f.IsList() && (len(list) != 1 || list[0] != f.Text()) || f.IsList() && !strings.Contains(f.Text(), list[0]) {
				t.Errorf("%d %s: items %q of %q", e.ID, f.Name, list, f.Text())
			}
		}
	}
}
