package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// UC-01 to UC-08: which opens of the standard object are recorded.
func TestSACLSelectsRecordedOpens(t *testing.T) {
	subject := access.Subject{Primary: tokenU(t)}
	const dacl = "O:BAG:SYD:(A;;FR;;;WD)"
	for _, c := range []struct {
		name, sd string
		desired  winnt.AccessMask
		outcome  string // "" is no event
		mask     string
		reason   []string
	}{
		{"UC-01 granted", standardSD, 1, "success", "0x1", []string{"%%4416:\t%%1801\tD:(A;;FR;;;WD)"}},
		{"UC-02 denied", standardSD, 2, "failure", "0x2", []string{"%%4417:\t%%1805"}},
		{"UC-03 granted, right not audited", standardSD, 0x80, "", "", nil},
		{"UC-04 success only, denied", dacl + "S:(AU;SA;0x3;;;WD)", 2, "", "", nil},
		{"UC-05 failure only, granted", dacl + "S:(AU;FA;0x3;;;WD)", 1, "", "", nil},
		{"UC-06 inherit-only", dacl + "S:(AU;IOOISAFA;0x3;;;WD)", 1, "", "", nil},
		{"UC-07 maximum allowed", standardSD, winnt.MAXIMUM_ALLOWED, "success", "0x120089", nil},
		{"UC-08 maximum allowed, denied", "O:BAG:SYD:S:(AU;SAFA;0x3;;;WD)", winnt.MAXIMUM_ALLOWED, "failure",
			"0x1f01ff", nil},
		{"maximum allowed with a right, denied (U-11)", "O:BAG:SYD:S:(AU;SAFA;0x3;;;WD)", winnt.MAXIMUM_ALLOWED | 2,
			"failure", "0x2", nil},
		{"maximum allowed with a right that is not audited (U-11)", "O:BAG:SYD:S:(AU;SAFA;0x1;;;WD)",
			winnt.MAXIMUM_ALLOWED | 2, "", "", nil},
		{"generic rights are mapped (U-11)", standardSD, winnt.GENERIC_WRITE, "failure", "0x120116", nil},
		{"generic rights of the entry are mapped (U-12)", dacl + "S:(AU;SA;GR;;;WD)", 0x80, "success", "0x80", nil},
		{"no SACL (U-10)", dacl, 1, "", "", nil},
		{"empty SACL (U-10)", dacl + "S:", 1, "", "", nil},
		{"an alarm entry does nothing (U-14)", dacl + "S:(AL;SAFA;0x3;;;WD)", 1, "", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := sddl.Parse(c.sd)
			check.RequireThat(t, err == nil, "descriptor: %v", err)
			o := openObject(t, standardPolicy(t), winnt.FileObject, subject, d, c.desired)
			check.Require(t, o.status, ntstatus.Success, "status")
			if c.outcome == "" {
				check.RequireThat(t, len(o.events) == 0 && !o.handle.GenerateOnClose,
					"events %v, GenerateOnClose %v: want none", ids(o.events), o.handle.GenerateOnClose)
				return
			}
			check.RequireThat(t, len(o.events) == 1 && o.events[0].ID == 4656, "events %v, want one 4656", ids(o.events))
			e := o.events[0]
			check.That(t, e.Outcome.String() == c.outcome && field(t, e, "AccessMask") == c.mask,
				"%s, AccessMask %s; want %s, %s", e.Outcome, field(t, e, "AccessMask"), c.outcome, c.mask)
			check.That(t, c.reason == nil || slices.Equal(items(e, "AccessReason"), c.reason),
				"AccessReason %q, want %q", items(e, "AccessReason"), c.reason)
			success := c.outcome == "success"
			check.That(t, o.handle.GenerateOnClose == success,
				"U-15: GenerateOnClose %v, want %v", o.handle.GenerateOnClose, success)
			if handle := field(t, e, "HandleId"); success && handle != "0x4c" || !success && handle != "0x0" {
				t.Errorf("HandleId %s", handle)
			}
			check.That(t, e.Subcategory == audit.FileSystem && e.Task() == 12800,
				"subcategory %s, task %d, want %s, 12800", e.Subcategory, e.Task(), audit.FileSystem)
		})
	}
}

// UC-16, U-13: an object entry counts only if its type is in the list.
func TestObjectEntryNeedsItsType(t *testing.T) {
	in, out := mustGUID(t, "bf967aba-0de6-11d0-a285-00aa003049e2"), mustGUID(t, "bf967a86-0de6-11d0-a285-00aa003049e2")
	class := mustGUID(t, "19195a5b-6da0-11d0-afd3-00c04fd930c9")
	descriptor := func(g winnt.GUID) *sd.Descriptor {
		return sddl.MustParse("O:BAG:SYD:(A;;RP;;;WD)S:(OU;SA;RP;" + g.String() + ";;WD)")
	}
	p := mustPolicy(t,
		audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.DirectoryServiceAccess: audit.OnBoth}})
	list := []access.ObjectTypeEntry{{Level: 0, GUID: class}, {Level: 1, GUID: in}}
	openDS := func(g winnt.GUID, list []access.ObjectTypeEntry) []audit.Event {
		var sink audit.Memory
		log := audit.Log{Sink: &sink}
		log.Policy.Store(p)
		r := access.Request{Descriptor: descriptor(g), Subject: access.Subject{Primary: tokenU(t)},
			Desired: winnt.ADS_RIGHT_DS_READ_PROP, Type: winnt.DirectoryServiceObject, ObjectTypes: list}
		log.Opened(&audit.Opening{Object: audit.Object{Type: "DirectoryService", Name: "%{" + in.String() + "}",
			Handle: 8}, Request: &r, Decision: access.Grant(winnt.ADS_RIGHT_DS_READ_PROP)})
		return sink.Drain()
	}
	e := openDS(out, list)
	check.That(t, len(e) == 0, "UC-16: events %v for a type that is not in the list, want none", ids(e))
	events := openDS(in, list)
	check.RequireThat(t, len(events) == 1 && events[0].ID == 4662, "UC-16: events %v, want 4662", ids(events))
	// U-58: braces with a percent sign, and each right followed by its nodes.
	if got := field(t, events[0], "ObjectType"); got != "%{19195A5B-6DA0-11D0-AFD3-00C04FD930C9}" {
		t.Errorf("U-58: ObjectType %s, want %%{19195A5B-6DA0-11D0-AFD3-00C04FD930C9}", got)
	}
	check.SlicesEqual(t, items(events[0], "Properties"), []string{"%%7684", "{BF967ABA-0DE6-11D0-A285-00AA003049E2}"},
		"U-58: Properties")
	for _, list := range [][]access.ObjectTypeEntry{list, list[:1]} { // the class is the first entry
		e := openDS(class, list)
		check.That(t, len(e) == 1 && field(t, e[0], "ObjectType") == "%{19195A5B-6DA0-11D0-AFD3-00C04FD930C9}",
			"U-58: events %v of a request for the class, want one with the class as ObjectType", e)
	}
	if e := openDS(out, nil); len(e) != 1 {
		t.Errorf("U-13: events %v for a request without a list, want one, whatever the object type is", ids(e))
	}
}

// TestQuietOpenHasNoSACLAndPrivilege checks that an open is certainly not recorded only if neither SACL has entries and
// no privilege was used (U-10, U-16, U-17).
func TestQuietOpenHasNoSACLAndPrivilege(t *testing.T) {
	p := mustPolicy(t, audit.PolicySpec{
		System:      map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth, audit.Registry: audit.OnBoth},
		GlobalSACLs: map[string]*sd.ACL{"Key": sddl.MustParse("S:(AU;SA;KR;;;WD)").SACL()},
	})
	for _, c := range []struct {
		typ, descriptor string
		used            winnt.PrivilegeSet
		want            bool
	}{
		{"File", "O:BAG:SYD:(A;;FR;;;WD)", 0, true},
		{"File", "O:BAG:SYD:(A;;FR;;;WD)S:", 0, true},
		{"File", "O:BAG:SYD:(A;;FR;;;WD)S:(AU;FA;FA;;;WD)", 0, false},
		{"File", "O:BAG:SYD:(A;;FR;;;WD)", winnt.SeBackupPrivilege.Bit(), false},
		{"Key", "O:BAG:SYD:(A;;KR;;;WD)", 0, false},
	} {
		check.Equal(t, p.Quiet(c.typ, sddl.MustParse(c.descriptor), c.used), c.want,
			"%s %s, privileges %v", c.typ, c.descriptor, c.used)
	}
	check.That(t, p.Quiet("File", nil, 0), "an open without a descriptor is not quiet, want it quiet: it has no SACL")
}

// U-10: kernel mode is not recorded; neither is a request without token.
func TestKernelModeIsNotAudited(t *testing.T) {
	r := access.Request{Descriptor: sddl.MustParse(standardSD), Subject: access.Subject{Primary: tokenU(t)},
		Desired: 1, Type: winnt.FileObject, Mode: access.Kernel}
	granted := access.Grant(1)
	v := standardPolicy(t).Evaluate("File", &r, granted, nil)
	check.That(t, !v.Success && !v.Failure, "U-10: kernel mode is not recorded")
	r.Mode = access.User
	v = standardPolicy(t).Evaluate("File", &r, granted, nil)
	check.That(t, v.Success && v.Audited == 1, "U-10: user mode: %+v, want a record of success for 0x1", v)
	r.Subject = access.Subject{}
	v = standardPolicy(t).Evaluate("File", &r, granted, nil)
	check.That(t, !v.Success, "a subject without token is not recorded")
}

func mustGUID(t testing.TB, s string) winnt.GUID {
	t.Helper()
	return check.Must(winnt.ParseGUID(s))
}

// Data of an audit entry that is not a condition belongs to the resource manager. Conditional entries are skipped if
// claims are disabled.
func TestDisabledClaimsSkipConditionalAuditEntries(t *testing.T) {
	opaque := check.Must(sd.NewACE(sd.SystemAuditCallback, sd.SuccessfulAccess, 1, sid.Everyone,
		sd.ACEExtra{AppData: []byte("not artx")}))
	sacl := check.Must(sd.NewACL(opaque))
	r := access.Request{Descriptor: sd.New(sd.Parts{Control: sd.SACLPresent, SACL: sacl}),
		Subject: access.Subject{Primary: tokenU(t)}, Desired: 1}
	answer := claims.Unknown
	for _, c := range []struct {
		options access.Options
		answer  claims.Truth
		want    bool
	}{
		{access.Options{}, claims.False, true}, // no callback to ask: unknown
		{access.Options{Callback: func(sd.ACE, *token.Token) claims.Truth { return answer }}, claims.True, true},
		{access.Options{Callback: func(sd.ACE, *token.Token) claims.Truth { return answer }}, claims.Unknown, true},
		{access.Options{Callback: func(sd.ACE, *token.Token) claims.Truth { return answer }}, claims.False, false},
		{access.Options{ClaimsDisabled: true}, claims.True, false},
	} {
		r.Options, answer = c.options, c.answer
		if v := standardPolicy(t).Evaluate("File", &r, access.Grant(1), nil); v.Success != c.want {
			t.Errorf("U-12: options %+v, answer %s: recorded %v, want %v", c.options, c.answer, v.Success, c.want)
		}
	}
	bare := check.Must(sd.NewACE(sd.SystemAuditCallback, sd.SuccessfulAccess, 1, sid.Everyone))
	r.Options, r.Descriptor = access.Options{}, sd.New(sd.Parts{SACL: check.Must(sd.NewACL(bare))})
	v := standardPolicy(t).Evaluate("File", &r, access.Grant(1), nil)
	check.That(t, v.Success, "U-12: an entry without the data of its condition is not recorded")
}

// naive applies U-10 to U-16 literally, for one outcome and without an object type list. It shares no code with the
// package.
func naive(p *audit.Policy, typ *winnt.ObjectType, tok *token.Token, d *sd.Descriptor, self sid.SID,
	desired winnt.AccessMask, dec access.Decision) (generate bool, audited winnt.AccessMask) {
	outcome, flag, mask := audit.Success, sd.SuccessfulAccess, dec.Granted
	if dec.Status() != ntstatus.Success {
		outcome, flag = audit.Failure, sd.FailedAccess
		mask = typ.Mapping.Map(desired) &^ winnt.MAXIMUM_ALLOWED
		if desired == winnt.MAXIMUM_ALLOWED {
			mask = typ.Mapping.All
		}
	}
	if !p.Records(audit.TypeSubcategory(typ.Name), outcome, tok.User().SID, tok.IsAdmin()) {
		return false, 0
	}
	counted := map[sid.SID]bool{}
	counted[tok.User().SID] = true // enabled, or deny-only: both count
	for _, g := range tok.Groups() {
		if g.Attributes&winnt.SE_GROUP_INTEGRITY == 0 &&
			g.Attributes&(winnt.SE_GROUP_ENABLED|winnt.SE_GROUP_USE_FOR_DENY_ONLY) != 0 {
			counted[g.SID] = true
		}
	}
	for _, g := range tok.Restricted() {
		counted[g.SID] = true
	}
	aces := append(d.SACL().Slice(), p.GlobalSACL(typ.Name).Slice()...)
	for _, a := range aces {
		who := a.SID()
		switch { // replaced at most once
		case who == sid.PrincipalSelf && !self.IsZero():
			who = self
		case who == sid.OwnerRights:
			who = d.Owner()
		}
		isAudit := a.Type() == 0x02 || a.Type() == 0x07
		hit := typ.Mapping.Map(a.Mask()) & mask
		if isAudit && a.Flags()&flag != 0 && a.Flags()&sd.InheritOnly == 0 && counted[who] && hit != 0 {
			generate = true
			if outcome == audit.Success {
				audited |= hit
			}
		}
	}
	return generate, audited
}

// The evaluation agrees with naive on random inputs.
func TestAuditEvaluationAgreesWithReference(t *testing.T) {
	rnd := source(t)
	pool := []sid.SID{userU, groupG, groupH, sid.Everyone, sid.Users, sid.PrincipalSelf, sid.OwnerRights,
		sid.LocalSystem, sid.CreatorOwner}
	pick := func() sid.SID { return pool[rnd.IntN(len(pool))] }
	masks := []winnt.AccessMask{0, 1, 2, 3, 0x80, winnt.GENERIC_READ, winnt.GENERIC_WRITE, winnt.GENERIC_ALL,
		winnt.WRITE_DAC, winnt.DELETE | 4, winnt.ACCESS_SYSTEM_SECURITY, winnt.MAXIMUM_ALLOWED}
	kinds := []sd.Type{sd.SystemAudit, sd.SystemAudit, sd.SystemAudit, sd.SystemAuditObject, sd.SystemAlarm,
		sd.SystemMandatoryLabel, sd.AccessAllowed}
	acl := func() *sd.ACL {
		var aces []sd.ACE
		for range rnd.IntN(5) {
			k := kinds[rnd.IntN(len(kinds))]
			flags := uint8(rnd.IntN(4)) << 6
			if rnd.IntN(5) == 0 {
				flags |= sd.InheritOnly
			}
			who := pick()
			if k == sd.SystemMandatoryLabel {
				who = sid.MustParse("S-1-16-8192")
			}
			var extra []sd.ACEExtra
			if k == sd.SystemAuditObject && rnd.IntN(2) == 0 {
				extra = []sd.ACEExtra{{ObjectType: &winnt.GUID{1}}}
			}
			a := check.Must(sd.NewACE(k, flags, masks[rnd.IntN(len(masks))], who, extra...))
			aces = append(aces, a)
		}
		return check.Must(sd.NewACL(aces...))
	}
	n := randtest.Size(100_000)
	settings := func() audit.Setting { return audit.Setting(rnd.IntN(4)) }
	attributes := []uint32{0, winnt.SE_GROUP_ENABLED, winnt.SE_GROUP_USE_FOR_DENY_ONLY, enabled}
	generated := 0
	var p *audit.Policy
	var tok *token.Token
	for i := range n {
		if i%64 == 0 {
			p = mustPolicy(t, audit.PolicySpec{
				System: map[audit.Subcategory]audit.Setting{audit.FileSystem: settings() | audit.OnSuccess},
				Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{pick(): {audit.FileSystem: {Include: settings(),
					Exclude: settings()}}},
				GlobalSACLs: map[string]*sd.ACL{"File": acl()},
			})
			s := specU()
			s.Groups = nil
			for _, g := range []sid.SID{groupG, groupH, sid.Everyone, sid.Administrators} {
				if rnd.IntN(3) > 0 {
					s.Groups = append(s.Groups, token.Group{SID: g, Attributes: attributes[rnd.IntN(len(attributes))]})
				}
			}
			if rnd.IntN(3) == 0 {
				s.Restricted = []token.Group{{SID: groupH}, {SID: sid.Everyone}}
			}
			tok = mustToken(t, s)
		}
		var parts sd.Parts
		parts.Control, parts.Owner, parts.Group = sd.SACLPresent, pick(), sid.Users
		if rnd.IntN(8) > 0 {
			parts.SACL = acl()
		}
		d := sd.New(parts)
		r := access.Request{Descriptor: d, Subject: access.Subject{Primary: tok}, Type: winnt.FileObject,
			Desired: masks[rnd.IntN(len(masks))]}
		if rnd.IntN(2) == 0 {
			r.Self = pick()
		}
		dec := access.Grant(masks[rnd.IntN(len(masks))] & 0x1FFFFFF)
		if rnd.IntN(2) == 0 {
			dec = access.Refuse(ntstatus.AccessDenied)
		}
		wantGenerate, wantAudited := naive(p, winnt.FileObject, tok, d, r.Self, r.Desired, dec)
		v := p.Evaluate("File", &r, dec, nil)
		if (v.Success || v.Failure) != wantGenerate || v.Audited != wantAudited || v.Success && !dec.Allowed() {
			text, _ := sddl.Format(d, sddl.Options{Extended: true})
			t.Fatalf("round %d: %+v, twin %v %#x\nsd %s self %s desired %s decision %+v", i, v, wantGenerate,
				wantAudited, text, r.Self, r.Desired, dec)
		}
		if wantGenerate {
			generated++
		}
	}
	check.That(t, generated >= n/50 && generated <= n*49/50,
		"only %d of %d were recorded: the inputs say little", generated, n)
}
