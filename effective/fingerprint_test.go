package effective_test

import (
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// Tokens for which an access check can differ have different fingerprints. Each pair differs in one property, and a
// request shows that the property matters.
func TestDifferentTokensHaveDifferentFingerprints(t *testing.T) {
	const read, write, all = winnt.FILE_READ_DATA, winnt.FILE_WRITE_DATA, "(A;;FA;;;WD)"
	const (
		bg, bu = `,{"sid":"BG","attributes":["UseForDenyOnly"]}`, `,{"sid":"BU","attributes":["UseForDenyOnly"]}`
		device = `],"deviceGroups":["AU"`
		undock = `],"privileges":["SeUndockPrivilege"]`
		low    = `],"integrityLevel":"Low"`
		box    = `],"appContainer":{"packageSid":"S-1-15-2-1-2-3","capabilities":[`
	)
	privilege := func(name string) string { return `],"privileges":["` + name + `"]` }
	for _, c := range []struct {
		name, one, other string // what follows the group Everyone
		acl              string
		desired          winnt.AccessMask
		intent           access.Intent
	}{
		{name: "which group is for deny only", one: bg + "]", other: bu + "]", acl: "(D;;FW;;;BG)" + all, desired: write},
		{name: "which of two groups is for deny only", one: `,"BU"` + bg + "]", other: `,"BG"` + bu + "]",
			acl: "(A;;FA;;;BU)", desired: write},
		{name: "for deny only or absent", one: bg + "]", other: "]", acl: "(D;;FW;;;BG)" + all, desired: write},
		{name: "for deny only or enabled", one: bg + "]", other: `,"BG"]`, acl: "(A;;FA;;;BG)", desired: write},
		{name: "device group for deny only or enabled", one: device + bu + "]", other: device + `,"BU"]`,
			acl: "(XA;;FA;;;WD;(Device_Member_of {SID(BU)}))", desired: write},
		{name: "SeSecurity", one: privilege("SeSecurityPrivilege"), other: undock, desired: winnt.ACCESS_SYSTEM_SECURITY},
		{name: "SeTakeOwnership", one: privilege("SeTakeOwnershipPrivilege"), other: undock, desired: winnt.WRITE_OWNER},
		{name: "SeRelabel", one: privilege("SeRelabelPrivilege"), other: undock, acl: "S:(ML;;NW;;;HI)",
			desired: winnt.WRITE_OWNER},
		{name: "SeBackup", one: privilege("SeBackupPrivilege"), other: undock, desired: read,
			intent: access.Intent{Backup: true}},
		{name: "SeRestore", one: privilege("SeRestorePrivilege"), other: undock, desired: write,
			intent: access.Intent{Restore: true}},
		{name: "device group", one: device + `,"BU"]`, other: device + `,"BG"]`,
			acl: "(XA;;FA;;;WD;(Device_Member_of {SID(BU)}))", desired: write},
		{name: "device group for deny only", one: device + bu + "]", other: device + bg + "]",
			acl: "(XD;;FW;;;WD;(Device_Member_of {SID(BU)}))" + all, desired: write},
		{name: "integrity", one: low, other: "]", acl: all, desired: write},
		{name: "mandatory policy", one: low + `,"mandatoryPolicy":[]`, other: low, acl: all, desired: write},
		{name: "restricting SID", one: `],"restrictedSids":["WD"]`, other: `],"restrictedSids":["BU"]`, acl: all,
			desired: write},
		{name: "restricted in writing", one: `],"restrictedSids":["BU"],"writeRestricted":true`,
			other: `],"restrictedSids":["BU"]`, acl: all, desired: read},
		{name: "in a container restricted in writing", other: box + `]},"restrictedSids":["BU"]`,
			one: box + `]},"restrictedSids":["BU"],"writeRestricted":true`,
			acl: all + "(A;;FA;;;S-1-15-2-1-2-3)S:(ML;;NW;;;LW)", desired: read},
		{name: "capability", one: box + `"S-1-15-3-1"]}`, other: box + `"S-1-15-3-2"]}`,
			acl: all + "(A;;FA;;;S-1-15-3-1)S:(ML;;NW;;;LW)", desired: read},
		{name: "package", one: box + `]}`, other: `],"appContainer":{"packageSid":"S-1-15-2-1-2-4","capabilities":[]}`,
			acl: all + "(A;;FA;;;S-1-15-2-1-2-3)S:(ML;;NW;;;LW)", desired: read},
		{name: "low privilege", one: box + `],"lowPrivilege":true}`, other: box + `]}`, acl: all + "(A;;FA;;;AC)",
			desired: read},
		{name: "trust", one: `],"trustLevel":"S-1-19-512-1024"`, other: "]", acl: all + "S:(TL;;RC;;;S-1-19-512-1024)",
			desired: write},
	} {
		const user = `{"user":"S-1-5-21-1-2-3-1107","groups":["WD"`
		pair := tokens(user+c.one+"}", user+c.other+"}")
		var allowed [2]bool
		for i, tok := range pair {
			d := check.Must(access.SeAccessCheck(&access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:" + c.acl),
				Subject: access.Subject{Primary: tok}, Desired: c.desired, Type: winnt.FileObject, Intent: c.intent}))
			allowed[i] = d.Allowed()
		}
		check.That(t, allowed[0] != allowed[1],
			"%s: the access check returns %v for both tokens, want different results", c.name, allowed)
		check.That(t, effective.Fingerprint(pair[0]) != effective.Fingerprint(pair[1]),
			"A-141: %s: equal fingerprints, want different ones", c.name)
		check.Equal(t, effective.Compile(append([]*token.Token{}, pair...), effective.Config{}).Distinct(), 2,
			"A-141: %s: Distinct", c.name)
	}
}

// Restricted tokens that differ in one property of the restricted check have different fingerprints, and a request
// shows that it matters.
func TestRestrictedTokensHaveDifferentFingerprints(t *testing.T) {
	n := func(v int64) *claims.Set {
		return check.Must(claims.NewSet([]claims.Attribute{{Name: "n", Type: claims.Int64, Ints: []int64{v}}}))
	}
	member := func(s sid.SID) []token.Group { return []token.Group{{SID: s, Attributes: token.GroupDefault}} }
	filtered := func(lists ...[]token.Group) func(*token.Token) *token.Token {
		return func(tok *token.Token) *token.Token {
			for _, l := range lists {
				next, st := tok.Filter(token.FilterSpec{Restrict: l})
				check.RequireThat(t, st == ntstatus.Success, "Filter: %v, want success", st)
				tok = next
			}
			return tok
		}
	}
	world, users := token.Group{SID: sid.Everyone}, token.Group{SID: sid.Users}
	same := func(tok *token.Token) *token.Token { return tok }
	for _, c := range []struct {
		name       string
		one, other func(*token.Spec)
		made       [2]func(*token.Token) *token.Token
		entries    string
	}{
		{name: "a restricted claim of the user", one: func(s *token.Spec) { s.RestrictedUserClaims = n(1) },
			other: func(s *token.Spec) { s.RestrictedUserClaims = n(2) }, entries: "(XA;;FW;;;WD;(@User.n == 1))"},
		{name: "a restricted claim of the device", one: func(s *token.Spec) { s.RestrictedDeviceClaims = n(1) },
			other: func(s *token.Spec) { s.RestrictedDeviceClaims = n(2) }, entries: "(XA;;FW;;;WD;(@Device.n == 1))"},
		{name: "no restricted claims or an empty list", one: func(*token.Spec) {},
			other:   func(s *token.Spec) { s.RestrictedUserClaims = check.Must(claims.NewSet(nil)) },
			entries: "(XA;;FW;;;WD;(@User.n == 1))"},
		{name: "a restricting group of the device", one: func(s *token.Spec) { s.RestrictedDeviceGroups = member(sid.Users) },
			other:   func(s *token.Spec) { s.RestrictedDeviceGroups = member(sid.Guests) },
			entries: "(XA;;FW;;;WD;(Device_Member_of {SID(BU)}))"},
		{name: "a restricting SID that only denies", one: func(s *token.Spec) { s.Restricted = nil },
			other: func(s *token.Spec) { s.Restricted = nil }, entries: "(D;;FW;;;BU)(A;;FW;;;WD)",
			made: [2]func(*token.Token) *token.Token{filtered([]token.Group{world}),
				filtered([]token.Group{world, users}, []token.Group{world})}},
	} {
		var pair [2]*token.Token
		var allowed [2]bool
		for i, change := range []func(*token.Spec){c.one, c.other} {
			spec := token.Spec{User: token.Group{SID: worldUsers[0]}, Groups: member(sid.Everyone),
				Restricted: []token.Group{world}, UserClaims: n(1), DeviceClaims: n(1), DeviceGroups: member(sid.Users)}
			change(&spec)
			made := c.made[i]
			if made == nil {
				made = same
			}
			pair[i] = made(check.Must(token.New(spec)))
			d := check.Must(access.Check(pair[i], sddl.MustParse("O:BAG:SYD:"+c.entries), winnt.FILE_WRITE_DATA,
				winnt.FileObject))
			allowed[i] = d.Allowed()
		}
		check.That(t, allowed == [2]bool{true, false}, "%s: the access check returns %v, want [true false]", c.name, allowed)
		check.That(t, effective.Fingerprint(pair[0]) != effective.Fingerprint(pair[1]),
			"A-141: %s: equal fingerprints, want different ones", c.name)
	}
}
