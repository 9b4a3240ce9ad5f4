package effective_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// two tokens that a check tells apart have different fingerprints. Each
// pair differs in one thing, and the question shows that it matters.
func TestFingerprintsOfTokensThatDiffer(t *testing.T) {
	const (
		user  = `{"user":"S-1-5-21-1-2-3-1107"`
		deny  = `,"attributes":["UseForDenyOnly"]}`
		box   = `,"appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":[`
		write = winnt.FILE_WRITE_DATA
	)
	privilege := func(name string) string { return user + `,"groups":["WD"],"privileges":["` + name + `"]}` }
	for _, c := range []struct {
		name, one, other string
		sd               string
		desired          winnt.AccessMask
		intent           access.Intent
	}{
		{name: "which group is for deny only", one: user + `,"groups":["WD",{"sid":"BG"` + deny + `]}`,
			other: user + `,"groups":["WD",{"sid":"BU"` + deny +
				`]}`, sd: "O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;WD)", desired: write},
		{name: "which of two groups is for deny only", one: user + `,"groups":["WD","BU",{"sid":"BG"` + deny + `]}`,
			other: user + `,"groups":["WD","BG",{"sid":"BU"` + deny +
				`]}`, sd: "O:BAG:SYD:(A;;FA;;;BU)", desired: write},
		{name: "for deny only or absent", one: user + `,"groups":["WD",{"sid":"BG"` + deny + `]}`,
			other: user + `,"groups":["WD"]}`, sd: "O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;WD)", desired: write},
		{name: "for deny only or enabled", one: user + `,"groups":["WD",{"sid":"BG"` + deny + `]}`,
			other: user + `,"groups":["WD","BG"]}`, sd: "O:BAG:SYD:(A;;FA;;;BG)", desired: write},
		{name: "device group for deny only or enabled",
			one:   user + `,"groups":["WD"],"deviceGroups":["AU",{"sid":"BU"` + deny + `]}`,
			other: user + `,"groups":["WD"],"deviceGroups":["AU","BU"]}`,
			sd:    "O:BAG:SYD:(XA;;FA;;;WD;(Device_Member_of {SID(BU)}))", desired: write},
		{name: "SeSecurity", one: privilege("SeSecurityPrivilege"), other: privilege("SeUndockPrivilege"),
			sd: "O:BAG:SYD:", desired: winnt.ACCESS_SYSTEM_SECURITY},
		{name: "SeTakeOwnership", one: privilege("SeTakeOwnershipPrivilege"), other: privilege("SeUndockPrivilege"),
			sd: "O:BAG:SYD:", desired: winnt.WRITE_OWNER},
		{name: "SeRelabel", one: privilege("SeRelabelPrivilege"), other: privilege("SeUndockPrivilege"),
			sd: "O:BAG:SYD:S:(ML;;NW;;;HI)", desired: winnt.WRITE_OWNER},
		{name: "SeBackup", one: privilege("SeBackupPrivilege"), other: privilege("SeUndockPrivilege"),
			sd: "O:BAG:SYD:", desired: winnt.FILE_READ_DATA, intent: access.Intent{Backup: true}},
		{name: "SeRestore", one: privilege("SeRestorePrivilege"), other: privilege("SeUndockPrivilege"),
			sd: "O:BAG:SYD:", desired: write, intent: access.Intent{Restore: true}},
		{name: "device group", one: user + `,"groups":["WD"],"deviceGroups":["BU"]}`,
			other: user + `,"groups":["WD"],"deviceGroups":["BG"]}`,
			sd:    "O:BAG:SYD:(XA;;FA;;;WD;(Device_Member_of {SID(BU)}))", desired: write},
		{name: "device group for deny only", one: user + `,"groups":["WD"],"deviceGroups":["AU",{"sid":"BU"` + deny +
			`]}`,
			other: user + `,"groups":["WD"],"deviceGroups":["AU",{"sid":"BG"` + deny + `]}`,
			sd:    "O:BAG:SYD:(XD;;FW;;;WD;(Device_Member_of {SID(BU)}))(A;;FA;;;WD)", desired: write},
		{name: "integrity", one: user + `,"groups":["WD"],"integrityLevel":"Low"}`, other: user + `,"groups":["WD"]}`,
			sd: "O:BAG:SYD:(A;;FA;;;WD)", desired: write},
		{name: "mandatory policy", one: user + `,"groups":["WD"],"integrityLevel":"Low","mandatoryPolicy":[]}`,
			other: user + `,"groups":["WD"],"integrityLevel":"Low"}`, sd: "O:BAG:SYD:(A;;FA;;;WD)", desired: write},
		{name: "restricting SID", one: user + `,"groups":["WD"],"restrictedSids":["WD"]}`,
			other: user + `,"groups":["WD"],"restrictedSids":["BU"]}`, sd: "O:BAG:SYD:(A;;FA;;;WD)", desired: write},
		{name: "restricted in writing", one: user + `,"groups":["WD"],"restrictedSids":["BU"],"writeRestricted":true}`,
			other: user + `,"groups":["WD"],"restrictedSids":["BU"]}`,
			sd:    "O:BAG:SYD:(A;;FA;;;WD)", desired: winnt.FILE_READ_DATA},
		{name: "capability", one: user + `,"groups":["WD"]` + box + `"S-1-15-3-1"]}}`,
			other: user + `,"groups":["WD"]` + box + `"S-1-15-3-2"]}}`,
			sd:    "O:BAG:SYD:(A;;FA;;;WD)(A;;FA;;;S-1-15-3-1)S:(ML;;NW;;;LW)", desired: winnt.FILE_READ_DATA},
		{name: "low privilege", one: user + `,"groups":["WD"]` + box + `],"lowPrivilege":true}}`,
			other: user + `,"groups":["WD"]` + box + `]}}`,
			sd:    "O:BAG:SYD:(A;;FA;;;WD)(A;;FA;;;AC)", desired: winnt.FILE_READ_DATA},
		{name: "trust", one: user + `,"groups":["WD"],"trustLevel":"S-1-19-512-1024"}`,
			other: user + `,"groups":["WD"]}`,
			sd:    "O:BAG:SYD:(A;;FA;;;WD)S:(TL;;RC;;;S-1-19-512-1024)", desired: write},
	} {
		pair := tokens(c.one, c.other)
		var allowed [2]bool
		for i, tok := range pair {
			d, err := access.SeAccessCheck(&access.Request{Descriptor: sddl.MustParse(c.sd),
				Subject: access.Subject{Primary: tok}, Desired: c.desired, Type: winnt.FileObject, Intent: c.intent})
			if err != nil {
				t.Fatal(err)
			}
			allowed[i] = d.Allowed()
		}
		if allowed[0] == allowed[1] {
			t.Errorf("%s: the check tells them not apart: %v", c.name, allowed)
		}
		if effective.Fingerprint(pair[0]) == effective.Fingerprint(pair[1]) {
			t.Errorf("A-141 %s: equal fingerprints", c.name)
		}
		if n := effective.Compile(append([]*token.Token{}, pair...), effective.Config{}).Distinct(); n != 2 {
			t.Errorf("A-141 %s: %d columns", c.name, n)
		}
	}
}
