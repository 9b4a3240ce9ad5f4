package audit_test

import (
	"slices"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// decided opens an object through a log as between's client and returns what was recorded, and the handle's state.
func decided(t *testing.T, change func(*access.Request, *audit.Opening, *token.Spec), on ...audit.Subcategory) (
	[]audit.Event, audit.HandleAudit) {
	t.Helper()
	log, sink := newLog(t, on...)
	log.Names = census{}
	from, client := between(t), specU()
	r := access.Request{Descriptor: sddl.MustParse("O:SYG:SYD:(A;;FA;;;WD)S:(AU;SAFA;FA;;;WD)"), Desired: 1,
		Type: winnt.FileObject}
	o := audit.Opening{Origin: from, Object: reportFile, Request: &r}
	change(&r, &o, &client)
	client.AuthenticationID = 0x1107
	from.Subject.Client = mustToken(t, client).WithTypeLevel(winnt.TokenImpersonation, winnt.SecurityImpersonation)
	r.Subject, o.Origin.Subject = from.Subject, access.Subject{Primary: tokenSystem(t)}
	var err error
	if o.Decision, err = access.SeAccessCheck(&r); err != nil {
		t.Fatal(err)
	}
	h, st := log.Opened(&o)
	if st != ntstatus.Success {
		t.Fatal(st)
	}
	return sink.Drain(), h
}

// TestOpenedInFull: an open's record has the object's attributes, and reasons where they are known; one of the
// privileges that it used has what was asked for, and those privileges alone that the policy lets be recorded (U-17).
func TestOpenedInFull(t *testing.T) {
	own := winnt.Privileges(winnt.SeTakeOwnershipPrivilege)
	got, h := decided(t, func(r *access.Request, _ *audit.Opening, s *token.Spec) {
		r.Desired = 3
		r.Descriptor = sddl.MustParse(`O:SYG:SYD:(A;;0x3;;;WD)S:(AU;SAFA;0x1;;;WD)(RA;;;;;WD;("Project",TS,0x0,"Q3"))`)
	}, audit.FileSystem)
	const file = "{S}ObjectServer=Security|ObjectType=File|ObjectName=" + `\Device\Share\report.txt`
	checkWhole(t, got, "4656 v1 success File System: "+file+"|HandleId=0x4c|TransactionId={0}|AccessList=%%4416,%%4417|"+
		"AccessReason=%%4416:\t%%1801\tD:(A;;CCDC;;;WD),%%4417:\t%%1801\tD:(A;;CCDC;;;WD)|AccessMask=0x3|PrivilegeList=-|"+
		`RestrictedSidCount=0|{A}ResourceAttributes=S:AI(RA;;;;;WD;("Project",TS,0x0,"Q3"))|{P} `+
		"[0x1 4416 ReadData 1801 D:(A;;CCDC;;;WD)] [0x2 4417 WriteData 1801 D:(A;;CCDC;;;WD)]")
	if h != (audit.HandleAudit{GenerateOnClose: true, Audited: 1, Pending: 1}) {
		t.Errorf("the handle remembers %+v", h)
	}
	got, h = decided(t, func(r *access.Request, _ *audit.Opening, _ *token.Spec) {
		r.Descriptor = sddl.MustParse("O:SYG:SYD:S:(AU;SAFA;FA;;;WD)")
	}, audit.FileSystem)
	if len(got) != 1 || got[0].Outcome != audit.Failure || h != (audit.HandleAudit{}) {
		t.Errorf("a refused open: %v, the handle remembers %+v", ids(got), h)
	}
	for name, change := range map[string]func(*access.Request, *audit.Opening){
		"told": func(_ *access.Request, o *audit.Opening) { o.Told = true },
		"of a list": func(r *access.Request, _ *audit.Opening) {
			r.ObjectTypes = []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}}
		},
		"of an event": func(r *access.Request, o *audit.Opening) { r.Type, o.Object.Type = winnt.EventObject, "Event" },
	} {
		got, _ := decided(t, func(r *access.Request, o *audit.Opening, _ *token.Spec) { change(r, o) }, audit.FileSystem,
			audit.KernelObject)
		if len(got) != 1 || field(t, got[0], "AccessReason") != "-" {
			t.Errorf("an open %s has reasons: %v", name, got)
		}
	}
	use := func(change func(*access.Request, *token.Spec), on ...audit.Subcategory) []audit.Event {
		got, _ := decided(t, func(r *access.Request, _ *audit.Opening, s *token.Spec) {
			r.Desired, r.Descriptor = winnt.WRITE_OWNER|winnt.MAXIMUM_ALLOWED, sddl.MustParse("O:SYG:SYD:(A;;0x1;;;WD)")
			s.Privileges, s.EnabledPrivileges = own, own
			change(r, s)
		}, on...)
		return got
	}
	nothing := func(*access.Request, *token.Spec) {}
	const taken = "4674 v0 success Sensitive Privilege Use: " + file + "|HandleId=0x4c|AccessMask=34078720|" + // as asked for
		"PrivilegeList=SeTakeOwnershipPrivilege|{A}{P}"
	checkWhole(t, use(nothing, audit.SensitivePrivilegeUse), taken)
	checkWhole(t, use(nothing, audit.NonSensitivePrivilegeUse))
	checkWhole(t, use(func(r *access.Request, _ *token.Spec) { r.Mode = access.Kernel }, audit.SensitivePrivilegeUse))
}

// TestExemptPrivilegesOfAnOpen: of two privileges that an open used the exempt one is not named, and does not make the
// record sensitive (U-17, U-42).
func TestExemptPrivilegesOfAnOpen(t *testing.T) {
	backup, lock := winnt.SeBackupPrivilege.Bit(), winnt.SeLockMemoryPrivilege.Bit()
	for _, c := range []struct {
		full bool
		mode access.Mode
		of   audit.Subcategory // which alone is recorded
	}{{false, access.User, audit.NonSensitivePrivilegeUse}, {true, access.User, audit.SensitivePrivilegeUse},
		{true, access.Kernel, audit.SensitivePrivilegeUse}} {
		log, sink := newLog(t)
		log.Policy.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{c.of: audit.OnBoth},
			Options: audit.Options{FullPrivilegeAuditing: c.full}}))
		r := access.Request{Subject: access.Subject{Primary: tokenU(t)}, Desired: 1, Type: winnt.FileObject, Mode: c.mode}
		d := access.Grant(1)
		d.PrivilegesUsed = backup | lock
		log.Opened(&audit.Opening{Object: reportFile, Request: &r, Decision: d})
		got := sink.Drain()
		if c.mode == access.Kernel && len(got) == 0 {
			continue
		}
		if c.mode == access.Kernel || len(got) != 1 || got[0].Subcategory != c.of {
			t.Errorf("full %t: %v", c.full, got)
			continue
		}
		list := items(got[0], "PrivilegeList")
		slices.Sort(list)
		want := []string{"SeLockMemoryPrivilege"}
		if c.full {
			want = []string{"SeBackupPrivilege", "SeLockMemoryPrivilege"}
		}
		if !slices.Equal(list, want) {
			t.Errorf("full %t: %v, want %v", c.full, list, want)
		}
	}
}

// TestPermissionsByTheClient: whether a changed DACL is recorded follows the client's SIDs and the global SACL, too; a
// changed group is no change of owner or DACL.
func TestPermissionsByTheClient(t *testing.T) {
	const dacl, owner, group = winnt.DACL_SECURITY_INFORMATION, winnt.OWNER_SECURITY_INFORMATION,
		winnt.GROUP_SECURITY_INFORMATION
	for _, c := range []struct {
		sacl, global, after string
		info                uint32
		want                int
	}{
		{"S:(AU;SA;WD;;;" + clientSID + ")", "", "G:SYD:P", dacl, 1}, {"S:(AU;SA;WD;;;" + processSID + ")", "", "G:SYD:P", dacl, 0},
		{"S:", "S:(AU;SA;WD;;;WD)", "G:SYD:P", dacl, 1}, {"S:", "S:(AU;SA;WO;;;WD)", "G:SYD:P", dacl, 0},
		{"S:(AU;SA;WDWO;;;WD)", "", "G:BAD:", owner | group | dacl, 0},
	} {
		log, sink := newLog(t)
		spec := audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}}
		if c.global != "" {
			spec.GlobalSACLs = lists("File", c.global)
		}
		log.Policy.Store(mustPolicy(t, spec))
		log.SecuritySet(between(t), reportFile, sddl.MustParse("O:BAG:SYD:"+c.sacl), sddl.MustParse("O:BA"+c.after+c.sacl), c.info)
		if sink.Len() != c.want {
			t.Errorf("%+v: %d records", c, sink.Len())
		}
	}
}

// watching is a sink that looks at the policy in force while it takes a record.
type watching struct {
	log *audit.Log
	saw []*audit.Policy
}

func (w *watching) Write(audit.Event) error {
	w.saw = append(w.saw, w.log.Policy.Load())
	return nil
}

// TestPolicyAfterItsRecords: a policy is in force once its records are kept, and not for who holds the privilege
// without having it enabled (U-2).
func TestPolicyAfterItsRecords(t *testing.T) {
	w := &watching{}
	log := &audit.Log{Sink: w}
	w.log = log
	next := mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}})
	held := targetToken(t, winnt.SeSecurityPrivilege.Bit(), 0)
	if st := log.ChangePolicy(audit.Origin{Subject: access.Subject{Primary: held}}, next); st != ntstatus.PrivilegeNotHeld ||
		len(w.saw) != 0 || log.Policy.Load() != audit.DefaultPolicy() {
		t.Errorf("U-2: the privilege is disabled: %v", st)
	}
	enabled := targetToken(t, winnt.SeSecurityPrivilege.Bit(), winnt.SeSecurityPrivilege.Bit())
	if st := log.ChangePolicy(audit.Origin{Subject: access.Subject{Primary: enabled}}, next); st != ntstatus.Success ||
		len(w.saw) == 0 || log.Policy.Load() != next {
		t.Errorf("U-2: %v, %d records", st, len(w.saw))
	}
	for _, p := range w.saw {
		if p != audit.DefaultPolicy() {
			t.Error("U-2: the policy was in force before its records")
		}
	}
	var a audit.Active
	other := mustPolicy(t, audit.PolicySpec{})
	if a.CompareAndSwap(other, next) || a.Load() != audit.DefaultPolicy() {
		t.Error("a policy that is not in force was replaced")
	}
	if !a.CompareAndSwap(audit.DefaultPolicy(), next) || a.Load() != next || a.CompareAndSwap(audit.DefaultPolicy(), other) ||
		a.Load() != next || !a.CompareAndSwap(next, other) || a.Load() != other {
		t.Error("the policy in force was not replaced")
	}
	for s := range audit.Subcategories {
		want := slices.Contains([]audit.Subcategory{audit.FileSystem, audit.Registry, audit.KernelObject, audit.SAM,
			audit.RemovableStorage, audit.DirectoryServiceAccess, audit.SensitivePrivilegeUse, audit.NonSensitivePrivilegeUse}, s)
		for _, v := range []audit.Setting{audit.OnSuccess, audit.OnFailure} {
			a.Store(mustPolicy(t, audit.PolicySpec{System: map[audit.Subcategory]audit.Setting{s: v}}))
			if a.Opens() != want {
				t.Errorf("%s %s: opens can have a record: %t", s, v, a.Opens())
			}
		}
	}
}

// TestConditionsOfTheClient: a callback is asked about its own entry and for the client; deny-only device groups are
// members; names of attributes have no case; and a result list has as many answers as types (U-12, U-13).
func TestConditionsOfTheClient(t *testing.T) {
	opaque := func(mask winnt.AccessMask) sd.ACE {
		a, err := sd.NewACE(sd.SystemAuditCallback, sd.SuccessfulAccess, mask, sid.Everyone, sd.ACEExtra{AppData: []byte("opaque data!")})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	list, err := sd.NewACL(opaque(2), opaque(1))
	if err != nil {
		t.Fatal(err)
	}
	subject := between(t).Subject
	asked := 0
	r := access.Request{Descriptor: sd.New(sd.Parts{Owner: sid.LocalSystem, Group: sid.LocalSystem, SACL: list,
		Control: sd.SACLPresent}), Subject: subject, Desired: 1, Type: winnt.FileObject,
		Options: access.Options{Callback: func(a sd.ACE, tok *token.Token) claims.Truth {
			asked++
			if a.Mask() != 1 || tok != subject.Client {
				t.Errorf("U-12: asked about %v for %v", a.Mask(), tok.User().SID)
			}
			return claims.True
		}}}
	p := standardPolicy(t)
	if v := p.Evaluate("File", &r, access.Grant(1), nil); !v.Success || asked != 1 {
		t.Errorf("U-12: %+v, asked %d times", v, asked)
	}
	spec := specU()
	spec.DeviceGroups = []token.Group{{SID: groupG, Attributes: winnt.SE_GROUP_USE_FOR_DENY_ONLY}}
	for condition, want := range map[string]bool{
		"(Device_Member_of{SID(" + groupG.String() + ")})": true, "(Device_Member_of{SID(" + groupH.String() + ")})": false,
		`(@Resource.PROJECT == "x")`: true, `(@Resource.project == "y")`: false,
	} {
		r := access.Request{Subject: access.Subject{Primary: mustToken(t, spec)}, Desired: 1, Type: winnt.FileObject,
			Descriptor: sddl.MustParse(`O:SYG:SYD:S:(RA;;;;;WD;("Project",TS,0x0,"x"))(XU;SA;0x1;;;WD;` + condition + ")")}
		if v := p.Evaluate("File", &r, access.Grant(1), nil); v.Success != want {
			t.Errorf("U-12: %s: %+v", condition, v)
		}
	}
	two := []access.NodeResult{{Granted: 1, Verdict: ntstatus.Decided(ntstatus.Success)},
		{Granted: 1, Verdict: ntstatus.Decided(ntstatus.Success)}}
	types := []access.ObjectTypeEntry{{GUID: winnt.GUID{1}}, {Level: 1, GUID: winnt.GUID{2}}}
	for _, c := range []struct {
		nodes []access.NodeResult
		dec   access.Decision
		want  []int
		mask  winnt.AccessMask
	}{{two, access.Refuse(ntstatus.AccessDenied), []int{0, 1}, 1}, {two[:1], access.Grant(3), []int{0}, 3}, {nil, access.Grant(3),
		[]int{0}, 3}} {
		r := access.Request{Subject: subject, Desired: 3, Type: winnt.FileObject, ObjectTypes: types,
			Descriptor: sddl.MustParse("O:SYG:SYD:S:(AU;SAFA;0x1;;;WD)")}
		v := p.Evaluate("File", &r, c.dec, c.nodes)
		if !v.Success || v.Failure || !slices.Equal(v.Nodes, c.want) || v.Access != c.mask || v.Audited != 1 {
			t.Errorf("U-13: %d answers: %+v, want %v", len(c.nodes), v, c.want)
		}
	}
	// The request's own mapping goes before that of its type.
	m := winnt.GenericMapping{Read: 0x40, Write: 0x40, Execute: 0x40, All: 0x40}
	r = access.Request{Subject: subject, Desired: 0x40, Type: winnt.FileObject, Mapping: &m,
		Descriptor: sddl.MustParse("O:SYG:SYD:S:(AU;SA;GR;;;WD)")}
	if v := p.Evaluate("File", &r, access.Grant(0x40), nil); !v.Success || v.Audited != 0x40 {
		t.Errorf("U-12: %+v", v)
	}
}
