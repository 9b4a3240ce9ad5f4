package access_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// ask makes a request of token T, changed, about a descriptor.
func ask(t testing.TB, text string, desired winnt.AccessMask, changes ...func(*token.Spec)) *access.Request {
	spec := baseSpec()
	all(changes...)(&spec)
	return &access.Request{Descriptor: mustSD(t, text), Subject: access.SubjectOf(mustToken(t, spec)),
		Desired: desired, Type: winnt.FileObject}
}

func primary(s *token.Spec) { s.Type, s.Level = winnt.TokenPrimary, 0 }

func level(l winnt.SecurityImpersonationLevel) func(*token.Spec) {
	return func(s *token.Spec) { s.Level = l }
}

// nt returns the answer of NtAccessCheck as one value: the call status if it
// failed, else the decision.
func nt(r *access.Request) (ntstatus.Status, access.Decision) { return access.NtAccessCheck(r) }

func TestNtAccessCheckOrder(t *testing.T) {
	badList := []access.ObjectTypeEntry{{Level: 0}, {Level: 2, GUID: winnt.GUID{1}}}
	withList := func(r *access.Request) *access.Request { r.ObjectTypes = badList; return r }
	levelOf := func(r *access.Request, l winnt.SecurityImpersonationLevel) *access.Request {
		r.Subject.Level = l
		return r
	}
	for _, c := range []struct {
		id   string
		r    *access.Request
		call ntstatus.Status
	}{
		{"AC-036 A-12", ask(t, "…", 0x80000000), ntstatus.GenericNotMapped},
		{"A-12 write", ask(t, "…", winnt.GENERIC_WRITE|1), ntstatus.GenericNotMapped},
		{"A-12 execute", ask(t, "…", winnt.GENERIC_EXECUTE|1), ntstatus.GenericNotMapped},
		{"A-12 all", ask(t, "…", winnt.GENERIC_ALL|1), ntstatus.GenericNotMapped},
		{"A-15 the token's level counts", levelOf(ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityAnonymous)),
			winnt.SecurityDelegation), ntstatus.BadImpersonationLevel},
		{"A-27 the level before the list", withList(ask(t, "…", 1, level(winnt.SecurityAnonymous))),
			ntstatus.BadImpersonationLevel},
		{"A-13", &access.Request{Descriptor: mustSD(t, "…"), Desired: 1, Type: winnt.FileObject},
			ntstatus.InvalidHandle},
		{"AC-054 A-19 no owner", ask(t, "G:SYD:(A;;0x1;;;WD)", 1), ntstatus.InvalidSecurityDescr},
		{"AC-054 A-19 no group", ask(t, "O:SYD:(A;;0x1;;;WD)", 1), ntstatus.InvalidSecurityDescr},
		{"AC-056 A-15 A-21", ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityAnonymous)),
			ntstatus.BadImpersonationLevel},
		{"AC-103 A-26", withList(ask(t, "…", 1)), ntstatus.InvalidParameter},
		{"AC-114a A-27", withList(ask(t, "…", 0x80000000)), ntstatus.GenericNotMapped},
		{"AC-114c", withList(ask(t, "D:(A;;0x1;;;WD)", 1)), ntstatus.InvalidParameter},
	} {
		if call, d := nt(c.r); call != c.call || d != (access.Decision{}) {
			t.Errorf("%s: %v %+v, want %v", c.id, call, d, c.call)
		}
	}
	asClient := func(r *access.Request) *access.Request {
		r.Subject.Client = r.Subject.Primary
		return r
	}
	for id, r := range map[string]*access.Request{
		"AC-055 A-14": asClient(ask(t, "…(A;;0x1;;;WD)", 1, primary)),
		"AC-114b":     withList(asClient(ask(t, "…", 1, primary))),
	} {
		if call, _ := nt(r); call != ntstatus.NoImpersonationToken {
			t.Errorf("%s: %v", id, call)
		}
	}
}

func TestNtAccessCheckSucceeds(t *testing.T) {
	denied := access.Refuse(ntstatus.AccessDenied)
	notHeld := access.Refuse(ntstatus.PrivilegeNotHeld)
	kernel := ask(t, "…", maxMask|1)
	kernel.Mode, kernel.Type = access.Kernel, winnt.KeyObject
	for _, c := range []struct {
		id   string
		r    *access.Request
		want access.Decision
	}{
		{"AC-056 identification is enough (A-21)", ask(t, "…(A;;0x1;;;WD)", 1, level(winnt.SecurityIdentification)),
			access.Grant(1)},
		{"AC-113 A-24", ask(t, "…(A;;0x1;;;WD)", 0), denied},
		{"AC-118 A-16", ask(t, "…(A;;FA;;;WD)", saclBit, low), notHeld},
		{"A-16 beats A-19", ask(t, "D:(A;;FA;;;WD)", saclBit), notHeld},
		{"A-27 kernel mode", kernel, access.Grant(0xF003F)},
		{"A-27 kernel mode without a client", &access.Request{Mode: access.Kernel, Desired: maxMask, Previous: 0x100000,
			Type: winnt.KeyObject}, access.Grant(0x1F003F)},
	} {
		if call, d := nt(c.r); call != ntstatus.Success || d != c.want {
			t.Errorf("%s: %v %+v, want %+v", c.id, call, d, c.want)
		}
	}
}

func TestSeAccessCheckOrder(t *testing.T) {
	with := func(r *access.Request, f func(*access.Request)) *access.Request { f(r); return r }
	noSD := func(r *access.Request) { r.Descriptor = nil }
	kernel := func(r *access.Request) { r.Mode = access.Kernel }
	previous := func(m winnt.AccessMask) func(*access.Request) { return func(r *access.Request) { r.Previous = m } }
	identification := level(winnt.SecurityIdentification)
	denied := access.Refuse(ntstatus.AccessDenied)
	for _, c := range []struct {
		id   string
		r    *access.Request
		want access.Decision
	}{
		{"AC-057 A-30", ask(t, "…(A;;0x1;;;WD)", 1, identification), access.Refuse(ntstatus.BadImpersonationLevel)},
		{"AC-063 A-31", with(with(ask(t, "…", maxMask|1), kernel),
			func(r *access.Request) { r.Type = winnt.KeyObject }), access.Grant(0xF003F)},
		{"A-31 without MAXIMUM_ALLOWED", with(with(ask(t, "…", winnt.GENERIC_READ), kernel), previous(2)),
			access.Grant(0x120089 | 2)},
		{"A-32", with(ask(t, "…", 1), noSD), denied},
		{"AC-064 A-35", with(ask(t, "…", 1), previous(1)), access.Grant(1)},
		{"A-35 the rest is checked", with(ask(t, "…(A;;0x2;;;WD)", 3), previous(1)), access.Grant(3)},
		{"A-40 previous is not returned on failure", with(ask(t, "…", 3), previous(1)), denied},
		{"A-34 previous is mapped", with(ask(t, "…", 1), previous(winnt.GENERIC_READ)), access.Grant(0x120089)},
		{"AC-065a A-33", ask(t, "…(A;;0x1;;;WD)", 0), denied},
		{"AC-065b A-33", with(ask(t, "…", 0), previous(2)), access.Grant(2)},
		{"AC-116a kernel mode first", with(with(ask(t, "…", 1, identification), noSD), kernel), access.Grant(1)},
		{"AC-116b A-32 before A-30", with(ask(t, "…", 1, identification), noSD), denied},
		{"A-25",
			with(ask(t, "…", 1),
				func(r *access.Request) { r.ObjectTypes = []access.ObjectTypeEntry{{Level: 1}} }),
			access.Refuse(ntstatus.InvalidParameter)},
		{"A-3 S-1-3-4 without an owner", ask(t, "D:(A;;0x1;;;OW)", 1), denied},
	} {
		d, err := access.SeAccessCheck(c.r)
		if err != nil || d != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.id, d, err, c.want)
		}
		if explained, x, err := access.Explain(c.r); err != nil || explained != d || len(x.Steps) == 0 {
			t.Errorf("%s explained: %+v, %v, %v", c.id, explained, x, err)
		}
	}
}

func TestMalformedQuestions(t *testing.T) {
	r := ask(t, "…", 1)
	r.Type = nil
	if _, err := access.SeAccessCheck(r); !errors.Is(err, access.ErrNoMapping) {
		t.Errorf("no type: %v", err)
	}
	r = ask(t, "…", 1)
	r.Subject = access.Subject{}
	if _, err := access.SeAccessCheck(r); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("no token: %v", err)
	}
	if _, _, err := access.Explain(r); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("no token, explained: %v", err)
	}
	if _, err := access.Check(nil, r.Descriptor, 1, winnt.FileObject); !errors.Is(err, access.ErrNoToken) {
		t.Errorf("Check without token: %v", err)
	}
	tok := mustToken(t, baseSpec())
	if _, err := access.Check(tok, r.Descriptor, 1, nil); !errors.Is(err, access.ErrNoMapping) {
		t.Errorf("Check without type: %v", err)
	}
	if d, err := access.Check(tok, nil, 1, winnt.FileObject); err != nil || d.Status() != ntstatus.AccessDenied {
		t.Errorf("Check without descriptor: %v %v", d, err)
	}
	// Nothing asked for is nothing granted, whatever the descriptor gives.
	for _, text := range []string{"O:BAG:SY", "O:BAG:SYD:(A;;FA;;;WD)", "O:BAG:SYD:NO_ACCESS_CONTROL"} {
		raw := sddl.MustParse(text).Binary()
		if d, err := access.CheckBytes(tok, raw, 0, winnt.FileObject); err != nil || d.Allowed() || d.Granted != 0 {
			t.Errorf("A-24: %s, 0 asked for: %v, %v", text, d, err)
		}
	}
	if _, err := access.CheckBytes(tok, []byte{2}, 1, winnt.FileObject); !errors.Is(err,
		ntstatus.InvalidSecurityDescr.Err()) {
		t.Errorf("CheckBytes of rubbish: %v", err)
	}
	if d, _ := access.Check(tok, r.Descriptor, 1, winnt.FileObject); !errors.Is(d.Err(), fs.ErrPermission) {
		t.Errorf("a denial is %v", d.Err())
	}
}

// AC-107: both SIDs of a compound entry have to match, the server's in the
// primary token.
func TestCompound(t *testing.T) {
	a, err := sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem, sd.ACEExtra{ClientSID: caseU})
	if err != nil {
		t.Fatal(err)
	}
	l, err := sd.NewACL(a)
	if err != nil {
		t.Fatal(err)
	}
	system := mustToken(t, token.Spec{User: token.Group{SID: sid.LocalSystem}})
	r := ask(t, "…", 1)
	r.Descriptor = sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
	if d, _ := access.SeAccessCheck(r); d.Allowed() {
		t.Errorf("another primary token: %+v", d)
	}
	r.Subject.Primary = system
	if d, _ := access.SeAccessCheck(r); d.Granted != 1 {
		t.Errorf("primary token of the server: %+v", d)
	}
	for _, attributes := range []uint32{denyOnly, token.GroupDisabled} {
		r.Subject.Primary = mustToken(t, token.Spec{User: token.Group{SID: caseOther},
			Groups: []token.Group{{SID: sid.LocalSystem, Attributes: attributes}}})
		if d, _ := access.SeAccessCheck(r); d.Allowed() { // the server's SID must be enabled
			t.Errorf("A-70: a server with the SID at %#x: %+v", attributes, d)
		}
	}
	r.Subject.Primary, r.Subject.Client = system, system
	if d, _ := access.SeAccessCheck(r); d.Allowed() {
		t.Errorf("another client: %+v", d)
	}
	for self, want := range map[sid.SID]bool{caseU: true, caseOther: false} { // the client may be SELF
		if a, err = sd.NewACE(sd.AccessAllowedCompound, 0, 1, sid.LocalSystem,
			sd.ACEExtra{ClientSID: sid.PrincipalSelf}); err != nil {
			t.Fatal(err)
		}
		if l, err = sd.NewACL(a); err != nil {
			t.Fatal(err)
		}
		r := ask(t, "…", 1)
		r.Subject.Primary, r.Self = system, self
		r.Descriptor = sd.New(sd.Parts{Owner: sid.Administrators, Group: sid.LocalSystem, DACL: l})
		if d, _ := access.SeAccessCheck(r); d.Allowed() != want {
			t.Errorf("A-3: SELF as the client, %v: %+v", self, d)
		}
	}
}

// AC-121: the shortcut never grants what the full check would refuse.
func TestFastTraverse(t *testing.T) {
	const traverse = winnt.FILE_TRAVERSE
	noEveryone := func(s *token.Spec) { s.Groups = nil }
	for _, c := range []struct {
		id, sd string
		change func(*token.Spec)
		want   bool
	}{
		{"AC-121a", "D:NO_ACCESS_CONTROL", nil, true},
		{"AC-121b", "D:NO_ACCESS_CONTROL", appContainer, false},
		{"AC-121c", "D:NO_ACCESS_CONTROL", level(winnt.SecurityIdentification), false},
		{"AC-121d", "…(A;;0x20;;;WD)", noEveryone, false},
		{"Everyone", "…(A;;0x20;;;WD)", nil, true},
		{"Everyone, generic", "…(A;;GX;;;WD)", nil, true},
		{"empty", "…", nil, false},
		{"restricted", "…(A;;0x20;;;WD)", restricted(sid.Everyone), false},
		{"another SID", "…(A;;0x20;;;AU)", nil, false},
		{"deny for anybody", "…(D;;0x20;;;BG)(A;;0x20;;;WD)", nil, false},
		{"deny under a condition", "…(XD;;0x20;;;BG;(Member_of{SID(BG)}))(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for who owns the object", "…(D;;0x20;;;OW)(A;;0x20;;;WD)", nil, false},
		{"A-36 a denial for SELF", "…(D;;0x20;;;PS)(A;;0x20;;;WD)", nil, false},
		{"deny of something else", "…(D;;0x1;;;BG)(A;;0x20;;;WD)", nil, true},
		{"inherit-only", "…(D;IO;0x20;;;WD)(A;;0x20;;;WD)", nil, true},
		{"condition", "…(XA;;0x20;;;WD;(Member_of{SID(WD)}))", nil, false},
		{"label", "…(A;;0x20;;;WD)S:(ML;;NW;;;LW)", nil, false},
		{"policy", "…(A;;0x20;;;WD)S:(SP;;;;;S-1-17-1)", nil, false},
		{"trust label", "…(A;;0x20;;;WD)S:(TL;;0x20;;;S-1-19-512-8192)", nil, false},
		{"filter", "…(A;;0x20;;;WD)S:(FL;;0x20;;;WD;(Member_of{SID(WD)}))", nil, false},
		{"label for children", "…(A;;0x20;;;WD)S:(ML;IOCI;NW;;;HI)", nil, true},
	} {
		spec := baseSpec()
		if c.change != nil {
			c.change(&spec)
		}
		s := access.SubjectOf(mustToken(t, spec))
		d := mustSD(t, c.sd)
		if got := access.SeFastTraverseCheck(d, &s, traverse, winnt.DirectoryFileObject); got != c.want {
			t.Errorf("%s: %v", c.id, got)
		}
		if full, err := access.SeAccessCheck(&access.Request{Descriptor: d, Subject: s, Desired: traverse,
			Type: winnt.DirectoryFileObject}); err != nil || c.want && !full.Allowed() {
			t.Errorf("%s: the full check says %v, %v", c.id, full, err)
		}
	}
	spec := baseSpec()
	low(&spec)
	s := access.SubjectOf(mustToken(t, spec))
	if access.SeFastTraverseCheck(mustSD(t, "D:NO_ACCESS_CONTROL"), &s, 2, winnt.DirectoryFileObject) {
		t.Error("a low token must not write through the shortcut")
	}
}

func TestPrivilegeCheck(t *testing.T) {
	spec := baseSpec()
	both(&spec)
	held := mustToken(t, spec)
	backup := winnt.Privileges(winnt.SeBackupPrivilege)
	for _, c := range []struct {
		id        string
		set       winnt.PrivilegeSet
		all       bool
		ok        bool
		wantFound winnt.PrivilegeSet
	}{
		{"A-131 all", usedBoth, true, true, usedBoth},
		{"A-131 not all", usedBoth | backup, true, false, usedBoth},
		{"A-131 any", usedSec | backup, false, true, usedSec},
		{"A-131 none", backup, false, false, 0},
	} {
		ok, found, st := access.PrivilegeCheck(held, c.set, c.all)
		if ok != c.ok || found != c.wantFound || st != ntstatus.Success {
			t.Errorf("%s: %v %v %v", c.id, ok, found, st)
		}
	}
	spec.Level = winnt.SecurityAnonymous
	if _, _, st := access.PrivilegeCheck(mustToken(t, spec), usedSec, true); st != ntstatus.BadImpersonationLevel {
		t.Errorf("anonymous: %v", st)
	}
	if used, st := access.PrivilegePolicy(held, saclBit|0x80000); used != usedBoth || st != ntstatus.Success {
		t.Errorf("policy: %v %v", used, st)
	}
	if used, st := access.PrivilegePolicy(mustToken(t, baseSpec()), saclBit); used != 0 ||
		st != ntstatus.PrivilegeNotHeld {
		t.Errorf("policy without privilege: %v %v", used, st)
	}
}

func TestOptions(t *testing.T) {
	r := ask(t, "U:", 0x40000)
	r.Options.ADOwnerReadOnly = true
	if d, _ := access.SeAccessCheck(r); d.Allowed() {
		t.Errorf("A-59: WRITE_DAC %+v", d)
	}
	if r.Desired = 0x20000; true {
		if d, _ := access.SeAccessCheck(r); d.Granted != 0x20000 {
			t.Errorf("A-59: READ_CONTROL %+v", d)
		}
	}
	r = ask(t, "…(XD;;0x1;;;WD;(@User.x==1))(A;;0x1;;;WD)", 1)
	r.Options.ClaimsDisabled = true
	if d, _ := access.SeAccessCheck(r); d.Granted != 1 {
		t.Errorf("A-73: %+v", d)
	}
	//
	for truth, want := range map[claims.Truth][2]bool{claims.True: {true, false}, claims.False: {false, true},
		claims.Unknown: {false, false}} {
		for i, text := range []string{"…(0x09;;0x1;;;WD;#01020304)", "…(0x0a;;0x1;;;WD;#01020304)(A;;0x1;;;WD)"} {
			r := ask(t, text, 1)
			r.Options.Callback = func(a sd.ACE, tok *token.Token) claims.Truth {
				if a.AppData() != "\x01\x02\x03\x04" || tok == nil {
					t.Errorf("callback got %x", a.AppData())
				}
				return truth
			}
			if d, _ := access.SeAccessCheck(r); d.Allowed() != want[i] {
				t.Errorf("A-72: %s with %v: %+v", text, truth, d)
			}
		}
	}
}
